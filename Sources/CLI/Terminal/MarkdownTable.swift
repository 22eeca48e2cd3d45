/// Tables on Markdown pages.
enum MarkdownTable {
  /// The lines of a table.
  ///
  /// - Parameter rightAligned: the columns that line up on the right, from 0.
  static func lines(
    _ headings: [String], rightAligned: some Sequence<Int> = [], _ rows: [[String]]
  ) -> [String] {
    func line(_ cells: [String]) -> String {
      "|" + cells.map { $0.isEmpty ? " |" : " \($0) |" }.joined()
    }
    let right = Set(rightAligned)
    let rule = "|" + headings.indices.map { right.contains($0) ? "---:|" : "---|" }.joined()
    return [line(headings), rule] + rows.map(line)
  }
}
