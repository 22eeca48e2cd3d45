import Foundation

/// Why captchas could not be drawn or written.
public enum GeneratorError: Error, Equatable {
  /// A configuration value is out of its range.
  case invalidConfiguration(key: String, value: String, remedy: String)
  /// No font file was found in any of the usual places; the Debian package has it.
  case fontNotFound(searched: [String], package: String = "fonts-dejavu-core")
  /// The font file cannot be opened or drawn with.
  case unreadableFont(path: String, reason: String)
  /// The font has no glyph for a character of the character set.
  case characterNotInFont(character: Character, path: String)
  /// There are not so many different images as were asked for.
  case tooFewImages(found: Int, count: Int)
  /// The font draws a character without a single dot.
  case emptyGlyph(character: Character, path: String)
  /// The output folder holds files already.
  case outputNotEmpty(path: String)
  /// The output folder or a file in it cannot be made.
  case outputFailed(path: String, reason: String)
}

extension GeneratorError: CustomStringConvertible, LocalizedError {
  public var description: String {
    switch self {
    case .invalidConfiguration(let key, let value, let remedy):
      "\(key) cannot be \(value): \(remedy)"
    case .fontNotFound(let searched, let package):
      "found no font at \(searched.joined(separator: ", ")): install the package \(package)"
    case .unreadableFont(let path, let reason):
      "cannot use the font \(path) (\(reason)): give the path of a TrueType or OpenType file"
    case .characterNotInFont(let character, let path):
      "the font \(path) has no glyph for '\(character)': choose another font or take the character out of the charset"
    case .tooFewImages(let found, let count):
      "only \(found) different images were found, not \(count); give a smaller --count, or more characters or noise"
    case .emptyGlyph(let character, let path):
      "the font \(path) draws nothing for '\(character)': choose another font or take the character out of the charset"
    case .outputNotEmpty(let path):
      "the folder \(path) is not empty: name a new folder, or empty this one first"
    case .outputFailed(let path, let reason):
      "cannot write \(path) (\(reason)): check the path, its permissions and the free space"
    }
  }

  public var errorDescription: String? { description }
}
