import ArgumentParser
import Data
import Foundation

/// `captcha-cli generate`: draws images into a folder.
struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws labelled captcha images into a folder.",
    discussion: """
      Writes LABEL-MD5.png files and manifest.jsonl. The same seed gives the same bytes.

      Example:
        captcha-cli generate --output images --count 20000 --types digit,alpha --length 4...6 --seed 7
      """)

  @Option(help: ArgumentHelp("An empty or new folder for the images.", valueName: "dir"))
  var output: String

  @Option(help: "How many images to draw, evenly over the types.")
  var count: Int

  @Option(help: "Which types: digit, alpha, mixed, math, separated by commas.")
  var types = TypeList(types: CaptchaType.allCases)

  @Option(help: "How many characters, such as 4...8 or 6; of no account for math.")
  var length = LengthRange(4...8)

  @Option(help: "The look of the images: \(CaptchaStyle.allCases.map(\.rawValue).joined(separator: ", ")).")
  var style = CaptchaStyle.classic

  @Option(help: "Decides every image.")
  var seed: UInt64 = 42

  @Option(help: "The label of math images: answer (22) or question (19+3=?).")
  var mathLabel = MathLabel.answer

  @Flag(help: "Writes JSON to standard output.")
  var json = false

  func validate() throws {
    if count < 1 { throw ValidationError("--count is \(count); give 1 or more") }
  }

  func run() throws {
    let generator = try CaptchaGenerator(
      configuration: GeneratorConfiguration(
        types: types.types, lengths: length.range, style: style, mathLabel: mathLabel))
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

/// Types as a user writes them: `digit,alpha`.
struct TypeList: ExpressibleByArgument {
  let types: [CaptchaType]

  init(types: [CaptchaType]) { self.types = types }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    let types = parts.compactMap { CaptchaType(rawValue: $0.trimmingCharacters(in: .whitespaces)) }
    guard types.count == parts.count, Set(types).count == types.count else { return nil }
    self.types = types
  }

  var defaultValueDescription: String { types.map(\.rawValue).joined(separator: ",") }
}

extension CaptchaStyle: ExpressibleByArgument {}
extension MathLabel: ExpressibleByArgument {}
