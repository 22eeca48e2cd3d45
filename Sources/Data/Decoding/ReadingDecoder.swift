import Foundation
import Tensor

/// Turns a model's outputs into texts.
///
/// ```swift
/// let options = DecodingOptions(characters: "0123456789", lengths: 4...6)
/// let decoder = try ReadingDecoder(codec: codec, readsColumns: true, options: options)
/// let readings = decoder.readings(logits: logits) { activation.probabilities($0, classes: codec.classCount) }
/// ```
public struct ReadingDecoder: Sendable {
  public let codec: LabelCodec
  /// Whether outputs have a row of classes per column of the image, from left to right, as connectionist temporal
  /// classification (CTC) has them, with padding as the blank; otherwise one per position of the text.
  public let readsColumns: Bool
  public private(set) var options: DecodingOptions

  /// How many beginnings are followed where the best class of each column gives no text that fits.
  private static let searchWidth = 16

  /// Whether each character may be read.
  private let allowed: [Bool]
  private let lengths: ClosedRange<Int>
  /// Any text of the characters and lengths, and the questions among them.
  let anyText: TextConstraint
  let question: TextConstraint

  /// - Throws: `DecodingOptionsError` if the options ask for what the codec does not have.
  public init(
    codec: LabelCodec, readsColumns: Bool, options: DecodingOptions
  ) throws(DecodingOptionsError) {
    try options.validate(for: codec)
    self.init(checked: options, codec: codec, readsColumns: readsColumns)
  }

  /// A decoder that reads any text, the best class of each position or column.
  public init(codec: LabelCodec, readsColumns: Bool) {
    self.init(checked: DecodingOptions(), codec: codec, readsColumns: readsColumns)
  }

  /// The same with another temperature, which must be one that `DecodingOptions` may have.
  public func scaled(temperature: Double) -> ReadingDecoder {
    precondition(temperature > 0 && temperature.isFinite, "ReadingDecoder.scaled: the temperature is \(temperature)")
    var copy = self
    copy.options.temperature = temperature
    return copy
  }

  private init(checked options: DecodingOptions, codec: LabelCodec, readsColumns: Bool) {
    self.codec = codec
    self.readsColumns = readsColumns
    self.options = options
    allowed = codec.charset.characters.map { options.characters?.contains($0) ?? true }
    lengths = options.lengths ?? 0...codec.maximumLength
    anyText = .anyText(codec, allowed: allowed, lengths: lengths)
    question = .question(codec, allowed: allowed, lengths: lengths)
  }

  /// Reads each image's logits, of any shape that `activation` takes.
  ///
  /// - Parameter activation: makes probabilities [N, positions or columns, classes] of logits.
  public func readings(logits: Tensor, activation: (Tensor) -> Tensor) -> [Reading] {
    readings(activation(options.temperature == 1 ? logits : logits * Float(1 / options.temperature)))
  }

  /// Reads each image's probabilities, [N, positions or columns, classes], padding or blank last.
  ///
  /// Without masks, lengths and beam the best class of each position or column is read, padding only at the end. Otherwise
  /// the best text that fits is searched for. The confidence is the probability of the text: by positions the product of its
  /// classes', by columns the sum over all its alignments. Where only some characters or lengths may be read, it is divided
  /// by the probability that the text has these: it is then the confidence of someone who knows that. A grammar divides
  /// nothing, so that a question that had to be mended has little confidence. Where no text fits, none is read, with
  /// confidence 0.
  public func readings(_ probabilities: Tensor) -> [Reading] {
    let shape = probabilities.shape
    precondition(
      shape.rank == 3 && shape[2] == codec.classCount && (readsColumns || shape[1] == codec.maximumLength),
      "ReadingDecoder.readings: \(shape) is not [N, \(readsColumns ? "columns" : "\(codec.maximumLength)"), "
        + "\(codec.classCount)]")
    let (images, rows) = (shape[0], shape[1])
    return probabilities.withElements(of: Float.self) { elements in
      nonisolated(unsafe) let elements = elements
      return Threads.map(count: images) { image in
        let size = rows * codec.classCount
        return reading(UnsafeBufferPointer(rebasing: elements[image * size..<(image + 1) * size]), rows: rows)
      }
    }
  }

  private func reading(_ probabilities: UnsafeBufferPointer<Float>, rows: Int) -> Reading {
    guard readsColumns else {
      let decoding = PositionDecoding(probabilities: probabilities, positions: rows, classes: codec.classCount)
      // Without masks as models have always been read: position by position.
      let any =
        hasMasks ? decoding.mostProbableText(anyText) : codec.decode(scores: probabilities).classes.filter(isCharacter)
      let seen = mended(any) { decoding.mostProbableText(question) }
      return reading(seen) { classes in
        let chosen = decoding.probability(of: classes)
        return hasMasks ? chosen / decoding.probability(allowed: allowed, lengths: lengths) : chosen
      }
    }
    let decoding = ColumnDecoding(probabilities: probabilities, columns: rows, classes: codec.classCount)
    let seen = mended(text(decoding, probabilities)) { search(question, probabilities, columns: rows) }
    return reading(seen) { classes in
      let chosen = decoding.logProbability(of: classes.filter(isCharacter))
      return chosen > -.infinity ? exp(chosen - logProbabilityOfMasks(decoding)) : 0
    }
  }

  private var hasMasks: Bool { options.characters != nil || options.lengths != nil }
  func isCharacter(_ index: Int) -> Bool { index != codec.paddingIndex }

  /// What was seen, or the best question in its place where it was meant as one and is none.
  func mended(_ seen: [Int]?, bestQuestion: () -> [Int]?) -> [Int]? {
    guard let seen else { return nil }
    let text = codec.decode(seen)
    return options.grammar.looksLikeQuestion(text) && MathQuestion(text) == nil ? bestQuestion() ?? seen : seen
  }

  /// What is read of what was seen; nothing where no text fits.
  ///
  /// - Parameter confidence: that of a class per position.
  func reading(_ seen: [Int]?, confidence: ([Int]) -> Double) -> Reading {
    let classes = (seen ?? []) + [Int](repeating: codec.paddingIndex, count: codec.maximumLength - (seen?.count ?? 0))
    let seenText = codec.decode(classes)
    let text = options.grammar.canonicalText(of: seenText)
    let value = seen == nil ? 0 : confidence(classes)
    return Reading(
      text: text, question: text == seenText ? nil : seenText, classes: classes,
      // Rounding, and outputs that do not add up to 1, could lead past it. NaN stays what it is.
      confidence: value > 1 ? 1 : value)
  }

  func text(_ decoding: ColumnDecoding, _ probabilities: UnsafeBufferPointer<Float>) -> [Int]? {
    if options.beamWidth == 1 {
      let path = decoding.bestPath(allowed)
      if lengths.contains(path.count) { return path }
    }
    return search(anyText, probabilities, columns: decoding.columns)
  }

  /// How many beginnings are followed, one number after the other until a text is found: among few there may be none that
  /// fits, such as where equal characters leave no column for a blank.
  var searchWidths: [Int] {
    let width = options.beamWidth == 1 ? Self.searchWidth : options.beamWidth
    return [width, 8 * width]
  }

  private func search(
    _ constraint: TextConstraint, _ probabilities: UnsafeBufferPointer<Float>, columns: Int
  ) -> [Int]? {
    for width in searchWidths {
      let search = PrefixBeamSearch(constraint: constraint, width: width)
      if let text = search.mostProbableText(probabilities, columns: columns) { return text }
    }
    return nil
  }

  func logProbabilityOfMasks(_ decoding: ColumnDecoding) -> Double {
    if let lengths = options.lengths { return decoding.logProbability(allowed: allowed, lengths: lengths) }
    return options.characters == nil ? 0 : decoding.logProbability(allowed: allowed)
  }
}
