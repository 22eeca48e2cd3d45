extension String {
  /// Whether the text has characters that would break a line or move the cursor of a terminal.
  var hasControlCharacter: Bool {
    unicodeScalars.contains { Self.isControl($0) }
  }

  /// The text with such characters written as in Swift, `\u{A}`, so that a message stays one line.
  var singleLine: String {
    guard hasControlCharacter else { return self }
    var text = ""
    for scalar in unicodeScalars {
      if Self.isControl(scalar) {
        text += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
  }
}
