extension String {
  /// The text with characters that don't show, or that change how others show, written as escapes such as `\n` or
  /// `\u{1B}`: for names and labels from files, which must neither break lines nor control the terminal.
  var visible: String {
    unicodeScalars.reduce(into: "") { text, scalar in
      switch scalar {
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      default:
        switch scalar.properties.generalCategory {
        // Format characters turn the direction of writing or have no width.
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned:
          text += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
        default: text.unicodeScalars.append(scalar)
        }
      }
    }
  }
}
