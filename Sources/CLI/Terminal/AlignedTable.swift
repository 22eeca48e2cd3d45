/// Rows of text whose columns line up.
struct AlignedTable {
  enum Alignment { case left, right }

  private let alignments: [Alignment]
  private var rows: [[String]]

  /// A table with one heading and alignment per column.
  init(_ columns: [(heading: String, alignment: Alignment)]) {
    alignments = columns.map(\.alignment)
    rows = [columns.map(\.heading)]
  }

  /// Adds a row, whose missing cells at the end stay empty.
  mutating func add(_ cells: [String]) {
    precondition(cells.count <= alignments.count, "AlignedTable: \(cells.count) cells in \(alignments.count) columns")
    rows.append(cells + [String](repeating: "", count: alignments.count - cells.count))
  }

  /// The lines, headings first, two spaces between columns.
  var lines: [String] {
    let widths = alignments.indices.map { column in rows.reduce(0) { max($0, $1[column].count) } }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let space = String(repeating: " ", count: widths[column] - cell.count)
        line += (column == 0 ? "" : "  ") + (alignments[column] == .left ? cell + space : space + cell)
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}
