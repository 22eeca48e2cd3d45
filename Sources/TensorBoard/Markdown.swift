import Callbacks

/// Texts as TensorBoard's text plugin shows them.
enum Markdown {
  /// A text that is shown as it is, line by line.
  static func code(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "" : "    " + $0 }
      .joined(separator: "\n")
  }

  /// A table of the images that were read wrong, numbered from 1.
  static func table(_ images: [MisreadImage]) -> String {
    let rows = images.enumerated().map { index, image in
      let reading = image.reading
      let confidence = "\((reading.confidence * 1000).rounded() / 1000)"
      return "| \(index + 1) | \(escaped(reading.label)) | \(escaped(reading.text)) | \(confidence) | "
        + "\(escaped(image.name)) |"
    }
    return (["| image | label | read | confidence | name |", "|---|---|---|---|---|"] + rows).joined(separator: "\n")
  }

  /// A text without anything that Markdown or HTML would take for its own.
  private static func escaped(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      scalar.isASCII && !scalar.properties.isAlphabetic && !("0"..."9").contains(scalar)
        ? "&#\(scalar.value);" : String(scalar)
    }.joined()
  }
}
