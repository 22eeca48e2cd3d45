/// Turns labels into one class per position and back.
///
/// A label fills the positions from the first on; the rest are padding. Padding is the last class, after those of the
/// charset, so that with the default charset there are 63 classes and padding is class 62.
public struct LabelCodec: Sendable, Hashable, Codable {
  /// The characters that labels may hold.
  public let charset: Charset
  /// The number of positions, which is the length of the longest label.
  public let maximumLength: Int

  /// Makes a codec for labels of 1 to `maximumLength` characters of `charset`.
  ///
  /// - Throws: `LabelError` if `maximumLength` is not positive.
  public init(charset: Charset = .alphanumeric, maximumLength: Int) throws {
    if maximumLength < 1 { throw LabelError.invalidMaximumLength(maximumLength) }
    self.charset = charset
    self.maximumLength = maximumLength
  }

  /// Makes a codec for labels of 1 to 8 characters of `charset`.
  public init(charset: Charset = .alphanumeric) {
    self.charset = charset
    maximumLength = 8
  }

  /// The classes of each position: the charset's and padding.
  public var classCount: Int { charset.count + 1 }

  /// The class of a position after the label's end.
  public var paddingIndex: Int { charset.count }

  /// The values of one image's scores, `maximumLength` × `classCount`: 504 by default.
  public var outputCount: Int { maximumLength * classCount }

  /// The class of each of the `maximumLength` positions of `label`.
  ///
  /// - Throws: `LabelError` if the label is empty, too long or holds a character outside the charset.
  public func encode(_ label: String) throws -> [Int] {
    if label.isEmpty { throw LabelError.emptyLabel }
    var classes = [Int](repeating: paddingIndex, count: maximumLength)
    var length = 0
    for character in label {
      guard let index = charset.index(of: character) else {
        throw LabelError.outsideCharset(label: label, character: character, position: length + 1)
      }
      if length < maximumLength { classes[length] = index }
      length += 1
    }
    if length > maximumLength { throw LabelError.tooLong(label: label, length: length, maximum: maximumLength) }
    return classes
  }

  /// The text of one class per position; padding, wherever it stands, adds nothing.
  public func decode(_ classes: some Sequence<Int>) -> String {
    var text = ""
    for index in classes where index != paddingIndex {
      precondition(
        charset.characters.indices.contains(index), "LabelCodec.decode: class \(index) is not in 0...\(paddingIndex)")
      text.append(charset.characters[index])
    }
    return text
  }

  /// Reads one image's scores, [maximumLength, classCount], as text.
  ///
  /// Each position takes its best class, the first of equals. Padding is legal only as a suffix: the label ends before
  /// the positions at the end that all chose padding, and a position before that which chose padding takes its best
  /// other class. The scores may be probabilities, logits or log-probabilities; NaN never wins against a number.
  /// - Returns: the text and each position's class, padding after the text's end.
  public func decode(scores: UnsafeBufferPointer<Float>) -> (text: String, classes: [Int]) {
    precondition(
      scores.count == outputCount,
      "LabelCodec.decode: needs \(maximumLength)×\(classCount) scores, not \(scores.count)")
    var classes = [Int](repeating: paddingIndex, count: maximumLength)
    var hasEnded = true
    for position in stride(from: maximumLength - 1, through: 0, by: -1) {
      let values = scores[(position * classCount)..<((position + 1) * classCount)]
      let character = Self.argmax(values.dropLast())
      let padding = values.last!
      // Not "padding > best", which would be false if the best is NaN because all characters are.
      let isPadding = !padding.isNaN && !(values[values.startIndex + character] >= padding)
      if isPadding && hasEnded { continue }
      hasEnded = false
      classes[position] = character
    }
    return (decode(classes), classes)
  }

  /// Reads one image's scores; see `decode(scores:)` with a buffer.
  public func decode(scores: [Float]) -> (text: String, classes: [Int]) {
    scores.withUnsafeBufferPointer { decode(scores: $0) }
  }

  /// The offset of the largest value, the first of equals; 0 if all are NaN.
  private static func argmax(_ values: Slice<UnsafeBufferPointer<Float>>) -> Int {
    var best = -Float.infinity
    var result = 0
    for (offset, value) in values.enumerated() where value > best {
      best = value
      result = offset
    }
    return result
  }

  private enum CodingKeys: String, CodingKey { case charset, maximumLength }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      charset: values.decode(Charset.self, forKey: .charset),
      maximumLength: values.decode(Int.self, forKey: .maximumLength))
  }
}
