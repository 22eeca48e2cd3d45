import Data

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
  /// The text as Markdown that shows it as it is, on one line.
  var markdownText: String {
    split(whereSeparator: \.isNewline).joined(separator: " ").visible.reduce(into: "") { text, character in
      if #"\`*_~<>[]&#$"#.contains(character) { text += "\\" }
      text.append(character)
    }
  }

  /// The text as Markdown's code, on one line; a space for an empty one, since there is no code of nothing.
  var markdownCode: String {
    let text = split(whereSeparator: \.isNewline).joined(separator: " ").visible
    if text.isEmpty { return "` `" }
    // A fence is longer than any row of backticks between its ends.
    let backtick = UInt8(ascii: "`")
    let longest = text.utf8.split { $0 != backtick }.map(\.count).max() ?? 0
    let fence = String(repeating: "`", count: longest + 1)
    // A space is taken away at both ends where both have one and there is anything else.
    let losesSpaces = text.hasPrefix(" ") && text.hasSuffix(" ") && text.contains { $0 != " " }
    return longest > 0 || losesSpaces ? "\(fence) \(text) \(fence)" : "\(fence)\(text)\(fence)"
  }
}
