import ArgumentParser
import Callbacks
import Data
import Foundation
import Models
import Tensor
import Training

/// `captcha-cli calibrate`: makes a model's confidence say how often it is right.
struct Calibrate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a model's confidence say how often it is right.",
    discussion: """
      Finds the temperature by which the model's outputs must be divided, and prints what is gained by rejecting readings
      of little confidence. With --output it writes a new model file, which has the same weights and keeps the temperature,
      the decoding options given here and, with --accuracy, the confidence below which predict rejects readings.

      The images must not be those that the model was trained on: of these it is far too sure. The numbers printed are of
      the images that the temperature was fitted to; evaluate the new file on others to confirm them.

      Without a model file classic is calibrated, the model that comes with the program.

      Example:
        captcha-cli calibrate runs/1/checkpoints/best-exact-match.safetensors --data new-images --accuracy 0.99 \\
          --output calibrated.safetensors
      """)

  @Argument(help: ModelChoice.help)
  var model: String?

  @OptionGroup var images: LabelledImages
  @OptionGroup var decoding: DecodingChoice

  @Option(help: ArgumentHelp("The new model file; nothing is overwritten.", valueName: "file"))
  var output: NewFile?

  @Option(help: "How accurate the readings must be that are not rejected, from 0.5 to 1, such as 0.99.")
  var accuracy: Double?

  @Option(help: "How many images are used at most, taken evenly from all.")
  var maximumCount = 20_000

  @Flag(help: "Writes JSON to standard output.")
  var json = false

  func validate() throws {
    if let accuracy, !(0.5...1).contains(accuracy) { throw ValidationError("--accuracy is \(accuracy); give 0.5 to 1") }
    if maximumCount < 1 { throw ValidationError("--maximum-count is \(maximumCount); give 1 or more") }
  }

  func run() throws {
    let source = ModelChoice(model)
    try output?.requireAbsent()
    var file = try source.content(source.bytes())
    let recognizer = try source.recognizer(file)
    try decoding.apply(to: recognizer)
    let all = try images.load(for: recognizer)
    source.announce(json: json)
    let count = min(all[0].count, maximumCount)
    let datasets = all.map { images in images.subset((0..<count).map { $0 * images.count / count }) }
    let progress = ProgressLine("reading")
    let scaling = try Evaluator(recognizer, batchSize: images.batchSize).temperatureScaling(datasets) {
      progress.update($0, count)
    }
    progress.finish()
    try recognizer.requireNumbers()
    if !scaling.isFitted {
      StandardStreams.note(
        "all readings are \(scaling.readings.first?.isRight ?? false ? "right" : "wrong"): there is nothing to fit a "
          + "temperature to, and it stays 1; give more images, or such as are read right and wrong")
    }
    let minimumConfidence = try accuracy.map { try self.minimumConfidence(for: $0, scaling) }
    let kept = minimumConfidence.map { ConfidenceReport.coverage(from: $0, scaling.readings) }
    if let accuracy, let kept, let note = Self.noteOfFewImages(kept, accuracy: accuracy) { StandardStreams.note(note) }
    if minimumConfidence == nil, let earlier = recognizer.options.minimumConfidence {
      StandardStreams.note(
        "the model rejected readings below \(earlier), which was found for another temperature: it rejects none now; give "
          + "--accuracy for a new limit")
    }
    try recognizer.calibrate(temperature: scaling.temperature, minimumConfidence: minimumConfidence)
    if let output {
      file.metadata.merge(try recognizer.metadata()) { $1 }
      try file.write(to: output.url)
    }
    let result = Result(
      count: count, temperature: scaling.temperature, logLossBefore: scaling.logLossBefore, logLoss: scaling.logLoss,
      before: scaling.before, after: scaling.after, minimumConfidence: recognizer.options.minimumConfidence,
      kept: kept, output: output?.path)
    if json { try StandardStreams.write(json: result) } else { result.lines.forEach(StandardStreams.write) }
  }

  /// What to know of a limit that too few images tell of.
  ///
  /// The limit is where the images at hand just reach the accuracy, so that their interval nearly always begins below it, be
  /// they as many as they like. They are few where that is by more than half of the errors that are allowed, and by more
  /// than one in a thousand: of an accuracy of 1 no number of images can be sure.
  static func noteOfFewImages(_ kept: ConfidenceReport.Coverage, accuracy: Double) -> String? {
    guard let share = kept.accuracy, let least = kept.accuracyInterval.first,
      accuracy - least > max((1 - accuracy) / 2, 0.001)
    else { return nil }
    return "--accuracy: the limit rests on the \(kept.count.grouped) images that are as sure as that, of which "
      + "\(share.percent) are right (95 %: \(kept.accuracyInterval.map(\.percent).joined(separator: " to "))); more images "
      + "make it surer"
  }

  private func minimumConfidence(for accuracy: Double, _ scaling: TemperatureScaling) throws -> Double {
    let threshold = ConfidenceReport.threshold(accuracy: accuracy, scaling.readings)
    guard let confidence = threshold.minimumConfidence else {
      throw ModelError(
        "--accuracy: not even the surest readings are right in \(accuracy.percent); give less, or a better model")
    }
    return confidence
  }

  private struct Result: Encodable {
    let count: Int
    let temperature: Double
    let logLossBefore: Double
    let logLoss: Double
    let before: ConfidenceReport
    let after: ConfidenceReport
    let minimumConfidence: Double?
    /// What is left of the images where readings of less confidence are rejected.
    let kept: ConfidenceReport.Coverage?
    let output: String?

    enum CodingKeys: String, CodingKey {
      case count, temperature, before, after, kept, output
      case logLossBefore = "log_loss_before"
      case logLoss = "log_loss"
      case minimumConfidence = "minimum_confidence"
    }

    var lines: [String] {
      var lines = [
        "images               \(count.grouped)",
        "temperature          \(temperature.fixed(4))",
        "calibration error    \(before.expectedCalibrationError.percent) before, "
          + "\(after.expectedCalibrationError.percent) after",
        "log loss             \(logLossBefore.fixed(4)) before, \(logLoss.fixed(4)) after",
      ]
      lines += ConfidenceText(after).lines
      if let minimumConfidence {
        lines.append("readings below a confidence of \(minimumConfidence.threshold) are rejected")
      }
      if let kept, let accuracy = kept.accuracy {
        lines.append(
          "of the \(kept.count.grouped) images that are kept \(accuracy.percent) are right (95 %: "
            + "\(kept.accuracyInterval.map(\.percent).joined(separator: " to ")))")
      }
      if let output { lines.append("Next: captcha-cli evaluate \(output.shellWord) --data OTHER-IMAGES") }
      return lines
    }
  }
}
