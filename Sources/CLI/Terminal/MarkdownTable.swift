/// A table in Markdown.
struct MarkdownTable {
  private let alignments: [AlignedTable.Alignment]
  private var rows: [[String]]

  /// A table with one heading and alignment per column.
  init(_ columns: [(heading: String, alignment: AlignedTable.Alignment)]) {
    alignments = columns.map(\.alignment)
    rows = [columns.map(\.heading)]
  }

  mutating func add(_ cells: [String]) {
    precondition(cells.count == alignments.count, "MarkdownTable: \(cells.count) cells in \(alignments.count) columns")
    rows.append(cells)
  }

  /// The lines, headings first.
  var lines: [String] {
    let rule = "|" + alignments.map { $0 == .right ? "---:|" : "---|" }.joined()
    return [line(rows[0]), rule] + rows.dropFirst().map(line)
  }

  private func line(_ cells: [String]) -> String {
    "|" + cells.map { $0.isEmpty ? " |" : " \($0.replacing("|", with: "\\|")) |" }.joined()
  }
}

extension String {
  /// The text as Markdown's code, on one line.
  var markdownCode: String {
    let text = split(whereSeparator: \.isNewline).joined(separator: " ")
    // The fence must be longer than what it holds; spaces at both ends are not shown.
    return text.contains("`") ? "``` \(text) ```" : "`\(text)`"
  }
}
