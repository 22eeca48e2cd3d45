extension String {
  /// Whether the text has characters that break a line, move the cursor of a terminal or turn the direction of writing.
  var hasControlCharacter: Bool { unicodeScalars.contains(where: \.isInvisible) }

  /// The text with such characters written as escapes such as `\n` or `\u{1B}`: for names and labels from files, which must
  /// neither break lines nor control the terminal.
  package var visible: String {
    guard hasControlCharacter else { return self }
    return unicodeScalars.reduce(into: "") { text, scalar in
      switch scalar {
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.isInvisible: text += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      default: text.unicodeScalars.append(scalar)
      }
    }
  }
}

extension Unicode.Scalar {
  /// Format characters turn the direction of writing or have no width.
  fileprivate var isInvisible: Bool {
    if isASCII { return value < 0x20 || value == 0x7F }
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: return true
    default: return false
    }
  }
}
