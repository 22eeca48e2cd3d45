import Tensor

/// What was read in one image.
public struct Reading: Sendable, Hashable {
  /// The text; of a question that was read as one, its answer.
  public let text: String
  /// The question that was seen, where `text` is its answer; see `DecodingGrammar.arithmetic`.
  public let question: String?
  /// The class of each character that was seen, padding after the text's end.
  public let classes: [Int]
  /// The probability of what was seen, 0...1; see `ReadingDecoder.readings(_:)`.
  public let confidence: Double

  public init(text: String, question: String? = nil, classes: [Int], confidence: Double) {
    self.text = text
    self.question = question
    self.classes = classes
    self.confidence = confidence
  }

  /// What the image shows.
  public var seenText: String { question ?? text }
}

extension LabelCodec {
  /// Reads each image's probabilities, [N, maximumLength, classCount]; see `decode(scores:)`.
  public func readings(_ probabilities: Tensor) -> [Reading] {
    ReadingDecoder(codec: self, readsColumns: false).readings(probabilities)
  }
}
