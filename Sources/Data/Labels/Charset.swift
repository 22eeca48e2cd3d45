/// The characters that a recogniser can read, in the order of its classes.
///
/// Equal characters in another order are another charset: class `i` is `characters[i]`.
public struct Charset: Sendable, Hashable {
  /// The characters; the index is the class.
  public let characters: [Character]

  private let indices: [Character: Int]

  /// Digits, small letters, capital letters: the 62 characters of the original system, in its order.
  public static let alphanumeric = Charset(
    checked: Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))

  /// Digits only.
  public static let digits = Charset(checked: Array("0123456789"))

  /// Makes a charset of the characters of `text`.
  ///
  /// - Throws: `LabelError` if `text` is empty, names a character twice or holds a space, a control or format character, such
  ///   as a space of no width, one that Unicode does not define, or one that joins others, such as a combining accent.
  public init(_ text: String) throws {
    if text.isEmpty { throw LabelError.emptyCharset }
    var seen = Set<Character>()
    for character in text {
      if character.isWhitespace || String(character).hasControlCharacter {
        throw LabelError.invisibleCharacter(character)
      }
      if !character.staysAlone { throw LabelError.joiningCharacter(character) }
      if !seen.insert(character).inserted { throw LabelError.duplicateCharacter(character) }
    }
    self.init(checked: Array(text))
  }

  private init(checked characters: [Character]) {
    self.characters = characters
    indices = Dictionary(uniqueKeysWithValues: characters.enumerated().map { ($1, $0) })
  }

  /// How many characters there are.
  public var count: Int { characters.count }

  /// The characters as one string.
  public var text: String { String(characters) }

  /// The class of `character`, or `nil` if the charset doesn't hold it.
  public func index(of character: Character) -> Int? { indices[character] }

  public static func == (left: Charset, right: Charset) -> Bool { left.characters == right.characters }
  public func hash(into hasher: inout Hasher) { hasher.combine(characters) }
}

/// Coded as the string of its characters.
extension Charset: Codable {
  public init(from decoder: any Decoder) throws {
    try self.init(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

extension Character {
  /// Whether the character stays one of its own between others, so that a label has as many characters as it was made of.
  var staysAlone: Bool { "a\(self)\(self)a".count == 4 }
}
