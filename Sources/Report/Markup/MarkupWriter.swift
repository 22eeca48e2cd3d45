/// Writes markup as the bytes of a page in UTF-8, and escapes everything that is not markup.
struct MarkupWriter {
  private(set) var bytes: [UInt8] = []

  /// The elements of HTML that have no content and no end; all others get an end, those of SVG too.
  private static let void: Set<String> = ["br", "hr", "img", "meta"]

  mutating func write(_ markup: [Markup]) {
    for part in markup { write(part) }
  }

  mutating func write(_ markup: Markup) {
    switch markup {
    case .text(let text): writeEscaped(text)
    case .verbatim(let text): bytes += text.utf8
    case .element(let name, let attributes, let content):
      bytes += "<\(name)".utf8
      for attribute in attributes {
        bytes += " \(attribute.name)=\"".utf8
        writeEscaped(attribute.value)
        bytes.append(UInt8(ascii: "\""))
      }
      bytes.append(UInt8(ascii: ">"))
      if Self.void.contains(name) { return }
      write(content)
      bytes += "</\(name)>".utf8
    }
  }

  /// Whether a byte may have to be escaped.
  private static func isSpecial(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: "&") || byte == UInt8(ascii: "<") || byte == UInt8(ascii: ">")
      || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'")
  }

  /// Writes text that stands for itself, whether between tags or in an attribute's quotes.
  private mutating func writeEscaped(_ text: String) {
    // Most texts, and pictures above all, have nothing to escape.
    guard text.utf8.contains(where: Self.isSpecial) else {
      bytes += text.utf8
      return
    }
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "&"): bytes += "&amp;".utf8
      case UInt8(ascii: "<"): bytes += "&lt;".utf8
      case UInt8(ascii: ">"): bytes += "&gt;".utf8
      case UInt8(ascii: "\""): bytes += "&quot;".utf8
      case UInt8(ascii: "'"): bytes += "&#39;".utf8
      case UInt8(ascii: "\n"), UInt8(ascii: "\t"): bytes.append(byte)
      // HTML has no place for other control characters.
      case 0..<0x20, 0x7F: bytes += "\u{FFFD}".utf8
      default: bytes.append(byte)
      }
    }
  }
}
