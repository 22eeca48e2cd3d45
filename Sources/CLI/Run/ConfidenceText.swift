import Callbacks

/// What confidences are worth, for people to read.
struct ConfidenceText {
  let lines: [String]

  init(_ report: ConfidenceReport) {
    var table = AlignedTable([
      ("  confidence", .left), ("kept", .right), ("images", .right), ("right", .right), ("95 %", .left),
    ])
    for row in report.coverage {
      let interval = row.accuracy == nil ? "" : row.accuracyInterval.map(\.percent).joined(separator: " to ")
      table.add([
        "  from \(row.minimumConfidence.shortest)", row.coverage.percent, row.count.grouped,
        row.accuracy?.percent ?? "–", interval,
      ])
    }
    var lines = ["by confidence"] + table.lines
    for row in report.thresholds {
      let accuracy = "\((row.accuracy * 100).shortest) %"
      guard let confidence = row.minimumConfidence else {
        lines.append("  \(accuracy) right: no confidence is high enough")
        continue
      }
      lines.append("  \(accuracy) right: from \(confidence.threshold), which keeps \(row.coverage.percent)")
    }
    self.lines = lines
  }
}

extension Double {
  /// A limit to type back in: rounded down, so that it keeps what the limit itself keeps.
  var threshold: String { ((self * 10_000).rounded(.down) / 10_000).fixed(4) }

  /// With as many digits after the point as it needs, at most four.
  fileprivate var shortest: String {
    var text = fixed(4)
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text
  }
}
