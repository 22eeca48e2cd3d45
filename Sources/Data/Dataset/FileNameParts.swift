/// A file name of the form `LABEL-HASH.png` or `LABEL_HASH.png`, as far as it has that form.
struct FileNameParts {
  /// What stands before the last hyphen or, without any, underscore; nil where there is none.
  let label: String?
  /// What stands behind it.
  let hash: String?

  /// - Parameter path: of which the last component counts.
  init(_ path: String) {
    let name = path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]
    let stem = name[..<(name.lastIndex(of: ".") ?? name.endIndex)]
    guard let separator = stem.lastIndex(of: "-") ?? stem.lastIndex(of: "_"), separator > stem.startIndex else {
      (label, hash) = (nil, nil)
      return
    }
    label = String(stem[..<separator])
    hash = String(stem[stem.index(after: separator)...])
  }

  /// Whether the hash can be an MD5 digest: 32 hexadecimal digits.
  var hasMD5Digest: Bool { hash?.utf8.count == 32 && isHexadecimal }

  /// Whether the hash looks like one and not like a date, a number or a word: eight or more hexadecimal digits, of which
  /// some are letters and some are not.
  var hasPlausibleHash: Bool {
    guard let hash, hash.utf8.count >= 8, isHexadecimal else { return false }
    return hash.contains(where: \.isNumber) && hash.contains(where: \.isLetter)
  }

  private var isHexadecimal: Bool { hash?.allSatisfy { $0.isASCII && $0.isHexDigit } ?? false }
}
