/// What a ``CaptchaGenerator`` draws.
///
/// A value is valid once made: `init` and decoding refuse settings that cannot be drawn.
public struct GeneratorConfiguration: Codable, Sendable, Hashable {
  /// The types to draw, each once; in the order of their turns.
  public let types: [CaptchaType]
  /// How often each of ``types`` is drawn relative to the others, 1 to 1000; the turns are spread evenly.
  public let typeWeights: [CaptchaType: Int]
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
  /// Whether letters are drawn in both cases and labelled in lower case.
  public let foldsCase: Bool
  /// Whether `0`, `O`, `I` and `l` are drawn, which are hard to tell apart; of no account for ``CaptchaType/math``.
  public let includesConfusables: Bool
  /// The font files, or folders of them; one is chosen for each character, all as likely. `nil` is the style's own,
  /// which is looked for where Linux distributions put it: DejaVu Sans Bold, or Droid Sans Mono for
  /// ``CaptchaStyle/library``.
  public let fonts: [String]?
  /// How many lines and dots there are, how close the characters stand, and how often images are blurred.
  public let difficulty: GeneratorDifficulty

  /// The characters of the original system: digits, lower-case and upper-case letters.
  public static let defaultCharset = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
  /// The values that ``width`` may have.
  public static let widths = 60...2048
  /// The values that ``height`` may have.
  public static let heights = 20...2048
  /// The values that ``typeWeights`` may have.
  public static let weights = 1...1000

  /// Checks the settings and keeps them.
  ///
  /// - Parameter typeWeights: the weights that are not 1.
  /// - Throws: ``GeneratorError/invalidConfiguration(key:value:remedy:)``.
  public init(
    types: [CaptchaType] = CaptchaType.allCases, typeWeights: [CaptchaType: Int] = [:],
    lengths: ClosedRange<Int> = 4...8, width: Int = 200, height: Int = 60, style: CaptchaStyle = .classic,
    mathLabel: MathLabel = .answer, charset: String = defaultCharset, foldsCase: Bool = false,
    includesConfusables: Bool = true, fonts: [String]? = nil, difficulty: GeneratorDifficulty = .original
  ) throws(GeneratorError) {
    self.types = types
    // With every type, so that equal configurations are equal however they were written.
    self.typeWeights = typeWeights.merging(types.map { ($0, 1) }) { given, _ in given }
    self.lengths = lengths
    self.width = width
    self.height = height
    self.style = style
    self.mathLabel = mathLabel
    self.charset = charset
    self.foldsCase = foldsCase
    self.includesConfusables = includesConfusables
    self.fonts = fonts
    self.difficulty = difficulty
    try validate()
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      types: values.decodeIfPresent([CaptchaType].self, forKey: .types) ?? CaptchaType.allCases,
      typeWeights: values.decodeIfPresent([CaptchaType: Int].self, forKey: .typeWeights) ?? [:],
      lengths: values.decodeIfPresent(ClosedRange<Int>.self, forKey: .lengths) ?? 4...8,
      width: values.decodeIfPresent(Int.self, forKey: .width) ?? 200,
      height: values.decodeIfPresent(Int.self, forKey: .height) ?? 60,
      style: values.decodeIfPresent(CaptchaStyle.self, forKey: .style) ?? .classic,
      mathLabel: values.decodeIfPresent(MathLabel.self, forKey: .mathLabel) ?? .answer,
      charset: values.decodeIfPresent(String.self, forKey: .charset) ?? Self.defaultCharset,
      foldsCase: values.decodeIfPresent(Bool.self, forKey: .foldsCase) ?? false,
      includesConfusables: values.decodeIfPresent(Bool.self, forKey: .includesConfusables) ?? true,
      fonts: values.decodeIfPresent([String].self, forKey: .fonts),
      difficulty: values.decodeIfPresent(GeneratorDifficulty.self, forKey: .difficulty) ?? .original)
  }

  /// The types and how often each is drawn, as `digit=3,alpha`.
  public var typesDescription: String {
    types.map { type in weight(of: type) == 1 ? type.rawValue : "\(type.rawValue)=\(weight(of: type))" }
      .joined(separator: ",")
  }

  /// How often `type`, which is one of ``types``, is drawn relative to the others.
  func weight(of type: CaptchaType) -> Int { typeWeights[type] ?? 1 }

  /// The largest number of characters in an image.
  var longestText: Int { types == [.math] ? "20+20=?".count : max(lengths.upperBound, "20+20=?".count) }

  /// Labels that hold every character and have every length that this configuration draws at most: a codec that can
  /// express these can express all.
  var extremeLabels: [String] {
    types.flatMap { type in
      let characters = labelCharacters(for: type)
      switch (type, mathLabel) {
      case (.math, .answer): return ["100"] + characters.map { String($0) }
      case (.math, .question): return ["20+20=?"] + characters.map { String($0) }
      default: return characters.map { String(repeating: $0, count: lengths.upperBound) }
      }
    }
  }

  private func validate() throws(GeneratorError) {
    try validateTypes()
    if lengths.lowerBound < 1 || lengths.upperBound > 32 {
      throw .invalidConfiguration(key: "lengths", value: "\(lengths)", remedy: "use lengths from 1 to 32")
    }
    for (key, value, range) in [("width", width, Self.widths), ("height", height, Self.heights)]
    where !range.contains(value) {
      throw .invalidConfiguration(
        key: key, value: "\(value)", remedy: "use \(range.lowerBound) to \(range.upperBound) pixels")
    }
    try validateFonts()
    try validateCharacters()
  }

  private func validateTypes() throws(GeneratorError) {
    let names = types.map(\.rawValue).joined(separator: ",")
    if types.isEmpty {
      throw .invalidConfiguration(
        key: "types", value: "empty", remedy: "name one or more of \(CaptchaType.allCases.map(\.rawValue))")
    }
    if let type = types.first(where: { type in types.count { $0 == type } > 1 }) {
      throw .invalidConfiguration(
        key: "types", value: names, remedy: "\(type.rawValue) is in it twice; name it once, with a weight to draw more")
    }
    for type in CaptchaType.allCases {
      guard let weight = typeWeights[type] else { continue }
      if !types.contains(type) {
        throw .invalidConfiguration(
          key: "types", value: names, remedy: "\(type.rawValue) has a weight but is not one of them; add it")
      }
      if !Self.weights.contains(weight) {
        throw .invalidConfiguration(
          key: "types", value: "\(type.rawValue)=\(weight)",
          remedy: "use weights from 1 to 1000; leave out the type for 0"
        )
      }
    }
  }

  private func validateFonts() throws(GeneratorError) {
    guard let fonts else { return }
    if fonts.isEmpty {
      throw .invalidConfiguration(
        key: "fonts", value: "empty", remedy: "name one or more files, or leave the key out for the style's own font")
    }
    if fonts.contains("") {
      throw .invalidConfiguration(
        key: "fonts", value: "'\(fonts.joined(separator: ","))'", remedy: "a path in it is empty; take it out")
    }
    if let path = fonts.first(where: { path in fonts.count { $0 == path } > 1 }) {
      throw .invalidConfiguration(
        key: "fonts", value: fonts.joined(separator: ","), remedy: "\(path) is in it twice; keep one")
    }
  }
}
