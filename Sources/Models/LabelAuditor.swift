import Data

/// Finds labels that a model contradicts although it is sure of what it reads: they are likely wrong.
///
/// ```swift
/// let auditor = LabelAuditor(try Recognizer(contentsOf: model), confidence: 0.95)
/// let report = try DatasetChecker().check("images", auditor: auditor)
/// let doubtful = report.findings.filter { $0.kind == .likelyWrongLabel }
/// ```
public final class LabelAuditor: DatasetAuditor {
  /// How sure the model must be, 0...1; see `Reading.confidence`.
  public let confidence: Double
  public let preparation: @Sendable (Image) -> Image?
  /// How many images the model has read.
  public private(set) var readCount = 0
  /// How many of those have labels that the model can't say, or are of types that it was not trained on: what it reads then
  /// is no evidence against them.
  public private(set) var unjudgedCount = 0

  private let recognizer: any TextRecognizer

  /// - Parameter resizes: whether images of sizes that the model was not trained on are scaled and read too; otherwise they
  ///   are left out.
  public init(_ recognizer: any TextRecognizer, confidence: Double = 0.9, resizes: Bool = false) {
    precondition((0...1).contains(confidence), "LabelAuditor: the confidence must be in 0...1, not \(confidence)")
    self.recognizer = recognizer
    self.confidence = confidence
    let (inputs, known) = (recognizer.inputs, Set(recognizer.knownSizes))
    preparation = { image in
      guard resizes || known.contains("\(image.width)×\(image.height)") else { return nil }
      return inputs.prepared(image)
    }
  }

  public func audit(_ images: [(sample: Sample, image: Image)]) -> [DatasetFinding] {
    readCount += images.count
    // The full weights for any number, so that a confidence does not depend on how many images there are.
    let readings = recognizer.read(images.map(\.image), areFew: false)
    var findings: [DatasetFinding] = []
    for ((sample, _), reading) in zip(images, readings) {
      guard (try? recognizer.codec.encode(sample.label)) != nil, isTrainedOn(sample.type) else {
        unjudgedCount += 1
        continue
      }
      let answer = recognizer.options.grammar.canonicalText(of: sample.label)
      if reading.text == answer || reading.confidence < confidence { continue }
      findings.append(
        DatasetFinding(
          .likelyWrongLabel, files: [sample.name],
          detail: "label \"\(sample.label)\", the model reads \"\(reading.text)\"", label: sample.label,
          read: reading.text, confidence: reading.confidence))
    }
    return findings
  }

  /// Whether the model may know images of a type; true where either side says nothing.
  private func isTrainedOn(_ type: String?) -> Bool {
    guard let type, let trained = recognizer.trainedTypes else { return true }
    return trained.contains(type)
  }
}
