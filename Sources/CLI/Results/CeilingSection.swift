import Callbacks

/// What errors consist of, in the page about results: how many of them a better model could avoid.
struct CeilingSection {
  let runs: [RunRecord]

  private static let shownConfusions = 10
  /// The last column takes this many wrong characters and more.
  private static let mostWrong = 4

  private var evaluations: [(run: RunRecord, evaluation: RunRecord.Evaluation)] {
    runs.flatMap { run in run.evaluations.map { (run, $0) } }.filter { Self.errors($0.1.report) > 0 }
  }

  var lines: [String] {
    let all = evaluations
    guard !all.isEmpty else { return [] }
    var table = MarkdownTable(
      [
        ("run", .left), ("evaluation", .left), ("images read wrong", .right), ("gone when case is folded", .right),
        ("gone when look-alikes are merged", .right),
      ] + (1...Self.mostWrong).map { (Self.heading($0), .right) })
    for (run, evaluation) in all {
      let report = evaluation.report
      table.add(
        [
          run.name.markdownText, evaluation.name.markdownText, Self.errors(report).grouped,
          Self.gone(report, report.exactMatchCaseFolded),
          Self.gone(report, report.exactMatchConfusablesMerged),
        ] + (1...Self.mostWrong).map { Self.errors(report, wrongCharacters: $0) })
    }
    return [
      "", "## The ceiling", "",
      "Which errors are hardly the model's: the share that goes away when upper and lower case count as the same, and when",
      "characters that look alike do (\(ConfusableCharacters.groups.map(\.markdownCode).joined(separator: ", "))). Then the "
        + "images read wrong by",
      "their number of wrong characters.", "",
    ] + table.lines + all.flatMap(confusions)
  }

  /// How many images were read wrong.
  private static func errors(_ report: EvaluationReport) -> Int {
    let right = (report.exactMatch * Double(report.count)).rounded()
    return report.count - (Int(exactly: right) ?? report.count)
  }

  /// The share of errors that are none where `exactMatch` is what counts.
  private static func gone(_ report: EvaluationReport, _ exactMatch: Double?) -> String {
    exactMatch.map { (($0 - report.exactMatch) / (1 - report.exactMatch)).percent } ?? "–"
  }

  private static func heading(_ number: Int) -> String {
    number == 1 ? "1 wrong character" : number == mostWrong ? "\(number) or more" : "\(number)"
  }

  private static func errors(_ report: EvaluationReport, wrongCharacters number: Int) -> String {
    guard let counts = report.errorsByWrongCharacters else { return "–" }
    let matching = counts.filter { wrong, _ in
      Int(wrong).map { number == mostWrong ? $0 >= number : $0 == number } ?? false
    }
    return matching.values.reduce(0, +).grouped
  }

  private func confusions(_ run: RunRecord, _ evaluation: RunRecord.Evaluation) -> [String] {
    guard let all = evaluation.report.wrongCharacters, all > 0, !evaluation.report.confusions.isEmpty else { return [] }
    let shown = evaluation.report.confusions.prefix(Self.shownConfusions).map {
      "\($0.text) \((Double($0.count) / Double(all)).percent)"
    }
    return [
      "",
      "Of all \(all.grouped) wrong characters of \(run.name.markdownText), \(evaluation.name.markdownText): "
        + shown.joined(separator: ", ") + ".",
    ]
  }
}
