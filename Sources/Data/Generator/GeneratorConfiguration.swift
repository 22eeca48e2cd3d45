/// What a ``CaptchaGenerator`` draws.
///
/// A value is valid once made: `init` and decoding refuse settings that cannot be drawn.
public struct GeneratorConfiguration: Codable, Sendable, Hashable {
  /// The types to draw; image `index` has type `types[index % types.count]`.
  public let types: [CaptchaType]
  /// The numbers of characters, each as likely; of no account for ``CaptchaType/math``.
  public let lengths: ClosedRange<Int>
  /// The columns of an image, in pixels.
  public let width: Int
  /// The rows of an image, in pixels.
  public let height: Int
  /// The look of the images.
  public let style: CaptchaStyle
  /// What the label of a math image is.
  public let mathLabel: MathLabel
  /// The characters to draw from: ``CaptchaType/digit`` takes its digits, ``CaptchaType/alpha`` its letters,
  /// ``CaptchaType/mixed`` all of them.
  public let charset: String
  /// The font file; `nil` looks for the style's own where Linux distributions put it: DejaVu Sans Bold, or Droid Sans Mono
  /// for ``CaptchaStyle/library``.
  public let fontPath: String?

  /// The characters of the original system: digits, lower-case and upper-case letters.
  public static let defaultCharset = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

  /// Checks the settings and keeps them.
  ///
  /// - Throws: ``GeneratorError/invalidConfiguration(key:value:remedy:)``.
  public init(
    types: [CaptchaType] = CaptchaType.allCases, lengths: ClosedRange<Int> = 4...8, width: Int = 200, height: Int = 60,
    style: CaptchaStyle = .classic, mathLabel: MathLabel = .answer, charset: String = defaultCharset,
    fontPath: String? = nil
  ) throws(GeneratorError) {
    self.types = types
    self.lengths = lengths
    self.width = width
    self.height = height
    self.style = style
    self.mathLabel = mathLabel
    self.charset = charset
    self.fontPath = fontPath
    try validate()
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      types: values.decodeIfPresent([CaptchaType].self, forKey: .types) ?? CaptchaType.allCases,
      lengths: values.decodeIfPresent(ClosedRange<Int>.self, forKey: .lengths) ?? 4...8,
      width: values.decodeIfPresent(Int.self, forKey: .width) ?? 200,
      height: values.decodeIfPresent(Int.self, forKey: .height) ?? 60,
      style: values.decodeIfPresent(CaptchaStyle.self, forKey: .style) ?? .classic,
      mathLabel: values.decodeIfPresent(MathLabel.self, forKey: .mathLabel) ?? .answer,
      charset: values.decodeIfPresent(String.self, forKey: .charset) ?? Self.defaultCharset,
      fontPath: values.decodeIfPresent(String.self, forKey: .fontPath))
  }

  /// The characters that images of `type` are made of, in the order of ``charset``.
  func characters(for type: CaptchaType) -> [Character] {
    switch type {
    case .digit: charset.filter(\.isDigit)
    case .alpha: charset.filter(\.isLetter)
    case .mixed: Array(charset)
    case .math: MathQuestion.characters
    }
  }

  /// The largest number of characters in an image.
  var longestText: Int { types == [.math] ? "20+20=?".count : max(lengths.upperBound, "20+20=?".count) }

  /// Labels that hold every character and have every length that this configuration draws at most: a codec that can
  /// express these can express all.
  var extremeLabels: [String] {
    types.flatMap { type in
      switch (type, mathLabel) {
      case (.math, .answer): ["100"] + (0...9).map(String.init)
      case (.math, .question): ["20+20=?"] + MathQuestion.characters.map { String($0) }
      default: characters(for: type).map { String(repeating: $0, count: lengths.upperBound) }
      }
    }
  }

  private func validate() throws(GeneratorError) {
    if types.isEmpty {
      throw .invalidConfiguration(
        key: "types", value: "empty", remedy: "name one or more of \(CaptchaType.allCases.map(\.rawValue))")
    }
    if lengths.lowerBound < 1 || lengths.upperBound > 32 {
      throw .invalidConfiguration(key: "lengths", value: "\(lengths)", remedy: "use lengths from 1 to 32")
    }
    if !(60...4096).contains(width) {
      throw .invalidConfiguration(key: "width", value: "\(width)", remedy: "use 60 to 4096 pixels")
    }
    if !(20...4096).contains(height) {
      throw .invalidConfiguration(key: "height", value: "\(height)", remedy: "use 20 to 4096 pixels")
    }
    var seen = Set<Character>()
    for character in charset where !seen.insert(character).inserted {
      throw .invalidConfiguration(key: "charset", value: charset, remedy: "'\(character)' is in it twice; keep one")
    }
    // A label is part of a file name, and a tab or line break would break tables of labels.
    if let character = charset.first(where: { $0 == "/" || $0.isWhitespace || $0.unicodeScalars.count != 1 }) {
      throw .invalidConfiguration(
        key: "charset", value: charset, remedy: "take out '\(character)'; use single characters but '/' and white space"
      )
    }
    for type in types where characters(for: type).isEmpty {
      throw .invalidConfiguration(
        key: "charset", value: "'\(charset)'", remedy: "it has no character for the type \(type.rawValue); add some")
    }
  }
}

extension Character {
  /// Whether the character is one of `0`...`9`.
  fileprivate var isDigit: Bool { isASCII && isNumber }
}
