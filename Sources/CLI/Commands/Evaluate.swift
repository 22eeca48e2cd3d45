import ArgumentParser
import Foundation
import Models
import Training

/// `captcha-cli evaluate`: measures a model on labelled images.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures a model on all images of a folder.",
    discussion: """
      Needs nothing but the model file and the images. Sizes that it was not trained on need --resize. A label that
      the model cannot say (too long, or characters that it does not know) counts as read wrong. With --grammar
      arithmetic a label that is a question counts as its answer too.

      Example:
        captcha-cli evaluate runs/1/checkpoints/best-exact-match.safetensors --data images
      """)

  @Argument(help: "The model file.")
  var model: String

  @OptionGroup var images: LabelledImages
  @OptionGroup var decoding: DecodingChoice

  @Flag(help: "Writes JSON to standard output.")
  var json = false

  func run() throws {
    let recognizer = try Recognizer(contentsOf: URL(fileURLWithPath: model))
    try decoding.apply(to: recognizer)
    let dataset = try images.load(for: recognizer)
    let progress = ProgressLine("evaluating")
    let evaluation = try Evaluator(
      model: recognizer.model, loss: recognizer.loss, codec: recognizer.codec, batchSize: images.batchSize,
      decoder: recognizer.decoder
    ).evaluate(dataset) { progress.update($0, dataset.count) }
    progress.finish()
    if json {
      try StandardStreams.write(json: evaluation)
    } else {
      let text = EvaluationText(
        evaluation, codec: recognizer.codec, trainedTypes: recognizer.description.trainedTypes)
      for line in text.lines { StandardStreams.write(line) }
    }
  }
}
