import Data

/// A comparison of two folders for people to read.
struct DatasetComparisonText {
  let lines: [String]

  init(_ comparison: DatasetComparison) {
    var lines = [
      "first   \(comparison.first.path): \(comparison.first.samples.count.grouped) images",
      "second  \(comparison.second.path): \(comparison.second.samples.count.grouped) images",
    ].map(\.visible)
    for group in comparison.groups {
      lines.append("")
      lines.append(
        "\(group.type.map { "type \($0)" } ?? "all images"): \(group.firstCount.grouped) and "
          .visible + group.secondCount.grouped)
      lines += Self.measureTable(group).lines
      if let colors = group.colors { lines += Self.colorTable(colors).lines }
    }
    lines.append("")
    let marked = comparison.groups.reduce(0) { sum, group in
      sum + group.measures.count(where: \.isSignificant) + (group.colors ?? []).count(where: \.isSignificant)
    }
    let compared = comparison.groups.reduce(0) { $0 + $1.measures.count + ($1.colors?.count ?? 0) }
    lines.append(
      "\(marked.grouped) of \(compared.grouped) differ by more than chance explains (*): means by 4 standard errors or "
        + "more, distributions with a probability below 0.0001, colours by 5 times what chance gives")
    self.lines = lines
  }

  private static func measureTable(_ group: DatasetComparison.Group) -> AlignedTable {
    var table = AlignedTable([
      ("measure", .left), ("first", .right), ("±", .right), ("second", .right), ("±", .right), ("difference", .right),
      ("KS", .right), ("p", .right), ("", .left),
    ])
    for measure in group.measures {
      table.add([
        measure.measure.rawValue, number(measure.first?.mean), number(measure.first?.standardError),
        number(measure.second?.mean), number(measure.second?.standardError),
        measure.difference.map { ($0 > 0 ? "+" : "") + $0.fixed(1) } ?? "-",
        measure.distribution?.distance.fixed(3) ?? "-", measure.distribution?.probability.fixed(4) ?? "-",
        measure.isSignificant ? "*" : "",
      ])
    }
    return table
  }

  private static func colorTable(_ colors: [ColorDistance]) -> AlignedTable {
    var table = AlignedTable([
      ("colour histogram", .left), ("distance", .right), ("by chance", .right), ("", .left),
    ])
    for color in colors {
      table.add([
        color.channel, color.distance.fixed(4), color.expected.fixed(4), color.isSignificant ? "*" : "",
      ])
    }
    return table
  }

  /// With four significant digits or all before the point.
  private static func number(_ value: Double?) -> String {
    guard let value else { return "-" }
    let size = abs(value)
    return value.fixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4)
  }
}
