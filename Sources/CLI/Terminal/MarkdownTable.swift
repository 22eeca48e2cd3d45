/// A table in Markdown.
struct MarkdownTable {
  private let alignments: [AlignedTable.Alignment]
  private var rows: [[String]]

  /// A table with one heading and alignment per column.
  init(_ columns: [(heading: String, alignment: AlignedTable.Alignment)]) {
    alignments = columns.map(\.alignment)
    rows = [columns.map(\.heading)]
  }

  /// The lines of a table whose rows are known.
  ///
  /// - Parameter rightAligned: the columns that line up on the right, from 0.
  static func lines(
    _ headings: [String], rightAligned: some Sequence<Int> = [], _ rows: [[String]]
  ) -> [String] {
    let right = Set(rightAligned)
    var table = MarkdownTable(headings.enumerated().map { ($1, right.contains($0) ? .right : .left) })
    for row in rows { table.add(row) }
    return table.lines
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
