import ArgumentParser
import Data
import Foundation
import Report
import Training

/// `captcha-cli results`: makes a page of what runs have recorded.
struct Results: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a page about runs: their curves, speeds and evaluations side by side.",
    discussion: """
      Reads what trainings record in their folders (starts.jsonl, timeline.csv, summary.json) and what `evaluate --record`
      writes into their subfolder evaluations. All results of runs come from there; to compare with, the page tells what
      the system in Python and Keras reached that this program replaces. Runs of versions that did not record all of it are
      shown without what is missing.

      With --output, a picture of the exact match over minutes of training is written beside the page, under its name
      with the ending svg. Where no run has recorded its times there is none, and that of an earlier page is removed.
      Files that this command has not written are neither replaced nor removed.

      Example:
        captcha-cli results runs/1 runs/2
        captcha-cli results runs/1 runs/2 --output docs/results.md
      """)

  @Argument(help: ArgumentHelp("The folders of runs.", valueName: "run"))
  var runs: [String]

  @Option(help: ArgumentHelp("The file for the page, in Markdown; standard output otherwise.", valueName: "file"))
  var output: String?

  @Flag(help: "Writes JSON to standard output.")
  var json = false

  func validate() throws {
    if runs.contains("") { throw ValidationError("the name of a run is empty; give the folder of a training") }
    guard let output else { return }
    if !output.hasSuffix(".md") { throw ValidationError("--output is \(output); give a file that ends in .md") }
  }

  func run() throws {
    let files = output.map { page in
      let url = URL(fileURLWithPath: page)
      return (page: url, picture: url.deletingPathExtension().appendingPathExtension("svg"))
    }
    // Before what takes longer.
    if let files { try Self.requireOwn(files.page) }
    let records = try RunRecord.read(runs)
    let curves = ResultsPage.curves(records)
    let isPictured = files != nil && curves != nil
    if let files, isPictured { try Self.requireOwn(files.picture) }
    let page = ResultsPage(runs: records, picture: isPictured ? files?.picture.lastPathComponent : nil)
    let text = page.lines.joined(separator: "\n")
    if let files {
      // The page first: where it can't be written, the earlier one keeps its picture.
      // Where links lead, since writing in one step would put a file in a link's place.
      try (text + "\n").writeFile(files.page.resolvingSymlinksInPath())
      if let curves {
        try (ResultsPage.mark + "\n" + Self.picture(curves)).writeFile(files.picture.resolvingSymlinksInPath())
      } else if Self.isOwn(files.picture) {
        try Self.remove(files.picture)
      }
    }
    for sentence in records.flatMap(\.missing) { StandardStreams.note("warning: \(sentence.visible)") }
    if json { return try StandardStreams.write(json: ResultsSummary(records, output: output)) }
    guard let files else { return StandardStreams.write(text) }
    StandardStreams.write(
      "\(records.count) run\(records.count == 1 ? "" : "s") in \(RunDirectory(files.page).displayPath)"
        + (isPictured ? " and \(RunDirectory(files.picture).displayPath)" : ""))
  }

  /// Refuses to replace what somebody else has written.
  private static func requireOwn(_ file: URL) throws {
    guard RecordedFile(file).isThere else { return }
    guard isOwn(file) else {
      throw TrainingError(
        "--output: \(RunDirectory(file).displayPath) is there already and was not written by `captcha-cli results`; give "
          + "another name or remove it")
    }
  }

  /// Whether this command has written what is there.
  private static func isOwn(_ file: URL) -> Bool {
    (try? RecordedFile(file).text())?.hasPrefix(ResultsPage.mark + "\n") == true
  }

  private static func remove(_ file: URL) throws {
    do {
      try FileManager.default.removeItem(at: file)
    } catch {
      throw TrainingError(
        "\(RunDirectory(file).displayPath): the picture of an earlier page can't be removed "
          + "(\(error.localizedDescription)); remove it")
    }
  }

  private static func picture(_ curves: [(name: String, points: [(minutes: Double, share: Double)])]) -> String {
    CurvePicture(
      title: "Exact match on each run's validation images", horizontalTitle: "minutes of training",
      curves: curves.map { curve in
        CurvePicture.Curve(
          name: curve.name, points: curve.points.map { CurvePicture.Point(minutes: $0.minutes, share: $0.share) })
      },
      levels: ResultsPage.originalSystem.map {
        CurvePicture.Level(
          name: "original system \($0.name): \(ResultsPage.short($0.exactMatch))", share: $0.exactMatch)
      }
    ).svg()
  }
}
