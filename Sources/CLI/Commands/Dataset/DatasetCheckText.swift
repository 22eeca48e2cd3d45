import Data

/// The findings of a check for people to read.
struct DatasetCheckText {
  let lines: [String]

  /// The most files of one finding that are shown; the others are counted.
  private static let shownFiles = 4

  /// - Parameter limit: how many findings of each kind are shown; nil for all, with all files.
  init(_ report: DatasetCheckReport, limit: Int?) {
    var lines: [String] = []
    for kind in DatasetFinding.Kind.allCases {
      let findings = report.findings.filter { $0.kind == kind }
      if findings.isEmpty { continue }
      let severity = findings.contains { $0.severity == .error } ? DatasetFinding.Severity.error : .warning
      lines.append("\(severity.rawValue) \(kind.rawValue): \(findings.count.grouped); \(kind.remedy)")
      for finding in findings.prefix(limit ?? findings.count) { lines.append("  " + Self.line(finding, limit: limit)) }
      if let limit, findings.count > limit {
        lines.append("  and \((findings.count - limit).grouped) more; give --all to list them")
      }
    }
    self.lines = lines + [Self.summary(report)]
  }

  private static func line(_ finding: DatasetFinding, limit: Int?) -> String {
    var files = finding.files
    if limit != nil && files.count > shownFiles {
      files = files.prefix(shownFiles - 1) + ["\((files.count - shownFiles + 1).grouped) more"]
    }
    let confidence = finding.confidence.map { ", confidence \($0.fixed(4))" } ?? ""
    let text = files.joined(separator: ", ")
    return ((text.isEmpty ? "" : "\(text): ") + finding.detail).visible + confidence
  }

  private static func summary(_ report: DatasetCheckReport) -> String {
    func count(_ count: Int, _ noun: String) -> String { "\(count.grouped) \(noun)\(count == 1 ? "" : "s")" }
    let images = count(report.statistics.count, "image")
    let rejected = report.statistics.rejected.count
    return "\(images) can be used, \(rejected.grouped) cannot; \(count(report.count(.error), "error")), "
      + count(report.count(.warning), "warning")
  }
}
