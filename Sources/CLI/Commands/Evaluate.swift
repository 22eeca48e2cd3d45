import ArgumentParser
import Data
import Foundation
import Models
import Training

/// `captcha-cli evaluate`: measures a model on labelled images.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures a model on all images of a folder.",
    discussion: """
      Needs nothing but the model file and the images; without a file classic is measured, the model that comes with the
      program. Sizes that a model was not trained on need --resize. A label that the model cannot say (too long, or
      characters that it does not know) counts as read wrong. With --grammar arithmetic a label that is a question counts
      as its answer too. An ensemble that votes has no loss. Of what --record writes into a run's folder evaluations,
      `captcha-cli results` makes a page.

      Examples:
        captcha-cli evaluate --data images
        captcha-cli evaluate runs/1/checkpoints/best-exact-match.safetensors --data images
        captcha-cli evaluate runs/1/checkpoints/best-exact-match.safetensors --data images \\
          --record runs/1/evaluations/images.json
      """)

  @Argument(help: ModelChoice.help)
  var model: String?

  @OptionGroup var images: LabelledImages
  @OptionGroup var decoding: DecodingChoice

  @Option(
    help: ArgumentHelp(
      "A file for the evaluation as JSON, with what was measured on what; nothing is overwritten.", valueName: "file"))
  var record: NewFile?

  @Flag(help: "Writes JSON to standard output.")
  var json = false

  func run() throws {
    try record?.requireAbsent(option: "--record")
    let choice = ModelChoice(model)
    let bytes = try choice.bytes()
    // Now, of the bytes that are measured.
    let modelMD5 = record == nil ? nil : MD5.hexDigest([UInt8](bytes))
    let recognizer = try choice.recognizer(choice.content(bytes))
    try decoding.apply(to: recognizer)
    let datasets = try images.load(for: recognizer)
    try record?.makeFolder(option: "--record")
    choice.announce(json: json)
    let progress = ProgressLine("evaluating")
    let evaluation = try Evaluator(recognizer, batchSize: images.batchSize).evaluate(datasets) {
      progress.update($0, datasets[0].count)
    }
    progress.finish()
    try recognizer.requireNumbers()
    // Before the record, so that figures that took long are not lost with a file that can't be written.
    if json {
      try StandardStreams.write(json: evaluation)
    } else {
      let text = EvaluationText(evaluation, codec: recognizer.codec, trainedTypes: recognizer.trainedTypes)
      for line in text.lines { StandardStreams.write(line) }
    }
    if let record, let modelMD5 {
      let images = EvaluationRecord.Images(datasets[0], folder: images.data)
      let content = EvaluationRecord(evaluation, model: choice.name, modelMD5: modelMD5, data: images)
      let text = try StandardStreams.jsonText(content, pretty: true) + "\n"
      try record.write(Foundation.Data(text.utf8), option: "--record")
    }
  }
}
