import Callbacks
import Foundation

/// A page about runs in Markdown, made of what their directories hold; beside it stands what the original system reached.
struct ResultsPage {
  /// The first line of what the command writes, by which it knows its own files again.
  static let mark =
    "<!-- Written by `captcha-cli results` from run directories; run it again rather than change this. -->"

  /// What a page begins with behind the mark, which its picture has too.
  static let start = "# Results\n"

  let runs: [RunRecord]
  /// The name of the picture beside the page; nil where there is none.
  let picture: String?

  /// The exact match that the original system reached, to compare with: the one in Python and Keras that this program
  /// replaces, in its own validation on 20 % of 60,012 images.
  static let originalSystem: [(name: String, exactMatch: Double)] = [
    ("before its recipe of 2026-01-30", 0.5579), ("with its recipe of 2026-01-30", 0.7063), ("at its very best", 0.772),
  ]
  /// The exact match that a run is watched for passing.
  static let passedMarks = [0.772, 0.88, 0.92]

  var lines: [String] {
    let reached = Self.originalSystem.map { "\(Self.short($0.exactMatch)) \($0.name)" }.joined(separator: ", ")
    var lines = [Self.mark, "# Results", ""]
    lines += [
      "Exact match is the share of images whose whole text is read right. Minutes are those of training: time in validation",
      "is told apart, and pauses between a stop and `--resume` don't count. Images are counted as often as they were seen.",
      "",
      "The original system, the one in Python and Keras that this program replaces, reached \(reached),",
      "in its own validation on 20 % of 60,012 images. Of all results here only these three are not from the runs'",
      "directories.",
      "",
    ]
    lines += overview
    if let picture { lines += ["", "![Exact match over minutes of training](\(Self.address(picture)))"] }
    lines += passing
    for run in runs { lines += RunSection(run: run).lines }
    return lines + CeilingSection(runs: runs).lines
  }

  /// The curves of the runs whose times are known; nil where there is none.
  static func curves(_ runs: [RunRecord]) -> [(name: String, points: [(minutes: Double, share: Double)])]? {
    let curves = runs.compactMap { run -> (name: String, points: [(minutes: Double, share: Double)])? in
      let points = (run.timeline?.measured ?? []).compactMap { row in
        row.minutes.flatMap { minutes in row.exactMatch.map { (minutes: minutes, share: $0) } }
      }
      return points.isEmpty ? nil : (run.name, points)
    }
    return curves.isEmpty ? nil : curves
  }

  private var overview: [String] {
    var table = MarkdownTable([
      ("run", .left), ("recipe, model", .left), ("parameters", .right), ("images trained on", .right),
      ("minutes of training", .right), ("minutes of validation", .right), ("images/s", .right),
      ("exact match of evaluations (95 % interval)", .left),
    ])
    for run in runs {
      let last = run.timeline?.rows.last
      let start = run.first ?? run.starts.first
      table.add([
        run.name.markdownText,
        start.map { [$0.recipe, $0.architecture].compactMap(\.self).joined(separator: ", ").markdownText } ?? "–",
        start?.parameters.grouped ?? "–", last?.images.grouped ?? "–", Self.minutes(last?.trainingSeconds),
        Self.minutes(last?.validationSeconds), run.timeline?.imagesPerSecond?.fixed(1) ?? "–",
        run.evaluations.isEmpty
          ? "–"
          : run.evaluations.map { "\($0.name.markdownText): \(Self.exactMatch($0.report))" }.joined(separator: "<br>"),
      ])
    }
    let missing = runs.flatMap(\.missing).map { "- \($0.markdownText)." }
    return table.lines + (missing.isEmpty ? [] : ["", "What is not known:", ""] + missing)
  }

  private var passing: [String] {
    let known = runs.filter { $0.timeline?.measured.isEmpty == false }
    guard !known.isEmpty else { return [] }
    var table = MarkdownTable([("run", .left)] + Self.passedMarks.map { (Self.short($0), .left) })
    for run in known {
      table.add([run.name.markdownText] + Self.passedMarks.map { Self.passed(run.timeline?.passing($0)) })
    }
    return ["", "## When a run first passed an exact match", "", "By the validation after each epoch.", ""]
      + table.lines
  }

  private static func passed(_ row: RunTimeline.Row?) -> String {
    guard let row else { return "not" }
    let minutes = row.minutes.map { "\($0.fixed(1)) min" } ?? "time not known"
    return "\(minutes), \(row.images.grouped) images (epoch \(row.epoch + 1))"
  }

  /// A file's name as the address of a picture in Markdown, which ends at a space or a parenthesis.
  private static func address(_ name: String) -> String {
    let plain = CharacterSet.urlPathAllowed.subtracting(CharacterSet(charactersIn: "():&"))
    return name.addingPercentEncoding(withAllowedCharacters: plain) ?? name
  }

  // MARK: Numbers

  static func minutes(_ seconds: Double?) -> String { seconds.map { ($0 / 60).fixed(1) } ?? "–" }

  static func exactMatch(_ report: EvaluationReport) -> String {
    "\(report.exactMatch.percent) (\(report.exactMatchInterval.map(\.percent).joined(separator: " to ")))"
  }

  /// A mark with as few digits as it has: `77.2 %`.
  static func short(_ share: Double) -> String {
    let digits = (share * 100).fixed(2)
    let trimmed = digits.hasSuffix("00") ? String(digits.dropLast(3)) : digits
    return (trimmed.contains(".") && trimmed.hasSuffix("0") ? String(trimmed.dropLast()) : trimmed) + " %"
  }
}
