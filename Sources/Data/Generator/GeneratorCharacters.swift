extension GeneratorConfiguration {
  /// The characters that ``includesConfusables`` is about.
  ///
  /// Source: the Base58 alphabet of Bitcoin (draft-msporny-base58), which leaves them out since they look alike in some
  /// fonts.
  public static let confusables = "0OIl"

  /// The characters that labels of images of `type` are made of, each once.
  public func labelCharacters(for type: CaptchaType) -> [Character] {
    if type == .math && mathLabel == .answer { return Array("0123456789") }
    var seen = Set<Character>()
    return characters(for: type).map(labelled).filter { seen.insert($0).inserted }
  }

  /// The characters that images of `type` are made of, in the order of ``charset``.
  func characters(for type: CaptchaType) -> [Character] { characters(for: type, of: drawnCharacters) }

  /// The characters of images that are not math, before they are divided among the types.
  var drawnCharacters: [Character] { includesConfusables ? foldableCharacters : foldableCharacters.filter(isClear) }

  /// The label of an image that shows `text`, where that is not a sum.
  func label(of text: [Character]) -> String { String(text.map(labelled)) }

  /// Refuses a charset from which some type has nothing to draw.
  func validateCharacters() throws(GeneratorError) {
    var seen = Set<Character>()
    for character in charset where !seen.insert(character).inserted {
      throw .invalidConfiguration(key: "charset", value: charset, remedy: "'\(character)' is in it twice; keep one")
    }
    // A label is part of a file name, and a tab or line break would break tables of labels.
    if let character = charset.first(where: { $0 == "/" || $0.isWhitespace || !$0.isPlain }) {
      throw .invalidConfiguration(
        key: "charset", value: charset.visible,
        remedy: "take out '\(String(character).visible)'; use single characters but '/' and white space")
    }
    for type in types where characters(for: type).isEmpty {
      if !characters(for: type, of: foldableCharacters).isEmpty {
        throw .invalidConfiguration(
          key: "confusables", value: "false",
          remedy: "'\(charset)' has then no character for the type \(type.rawValue); add some to the charset")
      }
      throw .invalidConfiguration(
        key: "charset", value: "'\(charset)'",
        remedy: "it has no character for the type \(type.rawValue); add some, or leave the type out")
    }
  }

  /// The charset; where case is folded, with the other case of each of its letters.
  private var foldableCharacters: [Character] {
    let given = Array(charset)
    guard foldsCase else { return given }
    var seen = Set(given)
    return given + given.compactMap(\.otherCase).filter { seen.insert($0).inserted }
  }

  private func labelled(_ character: Character) -> Character {
    foldsCase ? character.lowerCase ?? character : character
  }

  private func isClear(_ character: Character) -> Bool { !Self.confusables.contains(character) }

  private func characters(for type: CaptchaType, of drawn: [Character]) -> [Character] {
    switch type {
    case .digit: drawn.filter(\.isDigit)
    case .alpha: drawn.filter(\.isLetter)
    case .mixed: drawn
    case .math: MathQuestion.characters
    }
  }
}

extension Character {
  /// Whether the character is one of `0`...`9`.
  fileprivate var isDigit: Bool { isASCII && isNumber }

  /// Whether it is one code point that shows something.
  fileprivate var isPlain: Bool {
    guard unicodeScalars.count == 1, let scalar = unicodeScalars.first else { return false }
    return ![.control, .format].contains(scalar.properties.generalCategory) && staysAlone
  }

  /// The character in lower case, or nil where that takes more than one code point.
  fileprivate var lowerCase: Character? { Self.single(lowercased()) }

  /// The letter in the other case, or nil where it has none of one code point that leads back to it.
  fileprivate var otherCase: Character? {
    if let lower = lowerCase, lower != self { return lower }
    guard let upper = Self.single(uppercased()), upper != self, upper.lowerCase == self else { return nil }
    return upper
  }

  private static func single(_ text: String) -> Character? { text.unicodeScalars.count == 1 ? text.first : nil }
}
