import Foundation

/// Why a charset can't be used or a label can't be encoded.
public enum LabelError: Error, Equatable, CustomStringConvertible, LocalizedError {
  /// The charset has no characters.
  case emptyCharset
  /// The charset names the character more than once.
  case duplicateCharacter(Character)
  /// The charset holds a space or a control, format or undefined character, which could not be told from padding in a file or
  /// on screen.
  case invisibleCharacter(Character)
  /// The charset holds a character that becomes one with its neighbours, such as a combining accent.
  case joiningCharacter(Character)
  /// The maximum length is not positive.
  case invalidMaximumLength(Int)
  /// The label has no characters.
  case emptyLabel
  /// The label has more characters than positions.
  case tooLong(label: String, length: Int, maximum: Int)
  /// The label's character at `position`, counted from 1, is not in the charset.
  case outsideCharset(label: String, character: Character, position: Int)

  /// What is wrong.
  public var reason: String {
    switch self {
    case .emptyCharset: return "the charset is empty"
    case .duplicateCharacter(let character): return "the charset holds \"\(character)\" more than once"
    case .invisibleCharacter(let character):
      let scalars = character.unicodeScalars.map { "U+" + String($0.value, radix: 16, uppercase: true) }
      return "the charset holds a space, control, format or undefined character (\(scalars.joined(separator: " ")))"
    case .joiningCharacter(let character):
      let scalars = character.unicodeScalars.map { "U+" + String($0.value, radix: 16, uppercase: true) }
      return "the charset holds a character that becomes one with others (\(scalars.joined(separator: " ")))"
    case .invalidMaximumLength(let length): return "the maximum label length is \(length)"
    case .emptyLabel: return "the label is empty"
    case .tooLong(let label, let length, let maximum):
      return "label \"\(Self.shortened(label))\" has \(length) characters, more than the maximum of \(maximum)"
    case .outsideCharset(let label, let character, let position):
      return
        "label \"\(Self.shortened(label))\": character \"\(character)\" at position \(position) is not in the charset"
    }
  }

  /// What the user can do about it.
  public var remedy: String {
    switch self {
    case .emptyCharset: return "give at least one character"
    case .duplicateCharacter: return "name each character once"
    case .invisibleCharacter, .joiningCharacter: return "remove it"
    case .invalidMaximumLength: return "give 1 or more"
    case .emptyLabel: return "give the text that the image shows"
    case .tooLong: return "correct the label or raise the maximum length"
    case .outsideCharset: return "correct the label or add the character to the charset"
    }
  }

  /// The beginning of a label that may be a whole file.
  private static func shortened(_ label: String) -> String {
    label.count > 100 ? label.prefix(100) + "…" : label
  }

  public var description: String { "\(reason); \(remedy)" }
  public var errorDescription: String? { description }
}
