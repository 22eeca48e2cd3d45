import ArgumentParser
import Data
import Foundation
import Models

/// `captcha-cli ensemble`: makes one file of several models.
struct EnsembleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ensemble", abstract: "Makes one file of several models, which then read images together.",
    discussion: """
      The file holds all models and takes the place of a model file in predict, evaluate, calibrate and dataset check.

      vote: each model reads a text, and the one that most of them read wins; among equals the one of the larger sum of
      confidences. The models may differ in everything. The confidence is the mean confidence of those that read the text,
      times their share of all.

      mean: the models' probabilities are averaged. By positions those of each position; by columns, where the models' peaks
      do not lie at the same ones, those of whole texts, which all models propose. The models must have the same head,
      charset, maximum length and decoding options.

      Example:
        captcha-cli ensemble runs/1/checkpoints/best-exact-match.safetensors runs/2/checkpoints/best-exact-match.safetensors \\
          --method mean --output both.safetensors
      """)

  @Argument(help: "The files of at least two models.")
  var models: [String]

  @Option(help: ArgumentHelp("The new file; nothing is overwritten.", valueName: "file"))
  var output: NewFile

  @Option(help: ArgumentHelp("How one text is read.", valueName: "vote|mean"))
  var method = EnsembleMethod.vote

  @Flag(help: "Writes JSON to standard output.")
  var json = false

  func validate() throws {
    if let only = models.first, models.count < 2 {
      throw ValidationError("\(only): an ensemble needs at least two models; give more")
    }
  }

  func run() throws {
    try output.requireAbsent()
    let file = try Ensemble.file(method, of: models.map { URL(fileURLWithPath: $0) }, names: models)
    try file.write(to: output.url)
    let ensemble = try Ensemble(contentsOf: output.url)
    let result = Result(
      output: output.path, method: method,
      members: ensemble.members.map { member in
        Result.Member(
          file: member.name, architecture: member.recognizer.configuration.architecture,
          parameters: member.recognizer.model.parameterCount)
      },
      bytes: (try FileManager.default.attributesOfItem(atPath: output.path)[.size] as? Int) ?? 0)
    if json { try StandardStreams.write(json: result) } else { result.lines.forEach(StandardStreams.write) }
  }

  private struct Result: Encodable {
    struct Member: Encodable {
      let file: String
      let architecture: String
      let parameters: Int
    }

    let output: String
    let method: EnsembleMethod
    let members: [Member]
    let bytes: Int

    var lines: [String] {
      ["method   \(method.rawValue)"]
        + members.map { "model    \($0.file): \($0.architecture), \($0.parameters.grouped) parameters" }
        + [
          "file     \(output), \(bytes.grouped) bytes",
          "Next: captcha-cli evaluate \(output.shellWord) --data IMAGES",
        ]
    }
  }
}

extension EnsembleMethod: ExpressibleByArgument {}
