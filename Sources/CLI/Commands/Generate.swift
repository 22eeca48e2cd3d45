import ArgumentParser
import Data
import Foundation

/// `captcha-cli generate`: draws images into a folder.
struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws labelled captcha images into a folder.",
    discussion: """
      Writes LABEL-MD5.png files and manifest.jsonl. The same seed gives the same bytes.

      Examples:
        captcha-cli generate --output images --count 20000 --length 4...6 --seed 7
        captcha-cli generate --output images --count 20000 --types digit=3,alpha
        captcha-cli generate --output images --count 20000 --lines 0.5 --noise 0
      """)

  @Option(help: ArgumentHelp("An empty or new folder for the images.", valueName: "dir"))
  var output: String

  @Option(help: "How many images to draw, evenly over the types or as --types says.")
  var count: Int

  @Option(
    help: ArgumentHelp(
      "Which types, with weights (1 to 1000) where some are to come more often, such as digit=3,alpha=1,mixed. "
        + "(default: \(WeightedTypes.names.joined(separator: ",")))",
      valueName: "types"),
    transform: WeightedTypes.init(parsing:))
  var types = WeightedTypes(CaptchaType.allCases)

  @Option(help: "How many characters, such as 4...8 or 6; of no account for math.")
  var length = LengthRange(4...8)

  @Option(help: "The look of the images: \(CaptchaStyle.allCases.map(\.rawValue).joined(separator: ", ")).")
  var style = CaptchaStyle.classic

  @Option(help: "Decides every image.")
  var seed: UInt64 = 42

  @Option(help: "The label of math images: answer (22) or question (19+3=?).")
  var mathLabel = MathLabel.answer

  @OptionGroup
  var characters: CharacterOptions

  @OptionGroup
  var look: LookOptions

  @Flag(help: "Writes JSON to standard output.")
  var json = false

  func validate() throws {
    if count < 1 { throw ValidationError("--count is \(count); give 1 or more") }
    do {
      _ = try configuration()
    } catch GeneratorError.invalidConfiguration(let key, let value, let remedy) {
      throw ValidationError("\(Self.option(key)) is \(value); \(remedy)")
    }
  }

  func run() throws {
    let generator = try CaptchaGenerator(configuration: configuration())
    let progress = ProgressLine("drawing images")
    let start = ContinuousClock.now
    try generator.write(count: count, seed: seed, to: URL(fileURLWithPath: output), progress: progress.update)
    progress.finish()
    let seconds = start.secondsUntilNow
    let result = Result(count: count, seconds: seconds, imagesPerSecond: Double(count) / max(seconds, 1e-9))
    if json {
      try StandardStreams.write(json: result)
    } else {
      StandardStreams.write(
        "\(count.grouped) images and manifest.jsonl in \(output), \(seconds.fixed(1)) s, "
          + "\(Int(result.imagesPerSecond).grouped) images/s")
      StandardStreams.write("Next: captcha-cli train --data \(output)")
    }
  }

  private func configuration() throws -> GeneratorConfiguration {
    try GeneratorConfiguration(
      types: types.types, typeWeights: types.weights, lengths: length.range, width: look.width, height: look.height,
      style: style, mathLabel: mathLabel, charset: characters.charset, foldsCase: characters.foldCase,
      includesConfusables: characters.confusables, fonts: characters.fontPaths,
      difficulty: GeneratorDifficulty(
        lines: look.lines, noise: look.noise, overlap: look.overlap, blur: look.blur))
  }

  /// The option that sets a key of the generator's configuration.
  private static func option(_ key: String) -> String {
    switch key {
    case "lengths": "--length"
    default: "--" + (key.split(separator: ".").last.map(String.init) ?? key)
    }
  }

  private struct Result: Encodable {
    let count: Int
    let seconds: Double
    let imagesPerSecond: Double

    enum CodingKeys: String, CodingKey {
      case count, seconds
      case imagesPerSecond = "images_per_second"
    }
  }
}

extension CaptchaStyle: ExpressibleByArgument {}
extension MathLabel: ExpressibleByArgument {}
