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
    let files = try output.map { page in
      // Where a link leads, since a file would be put in its place; and the picture beside the file that names it.
      let url = URL(fileURLWithPath: page).resolvingSymlinksInPath()
      // Before what takes longer.
      try Self.requireOwn(url, start: ResultsPage.start)
      return (page: url, picture: url.deletingPathExtension().appendingPathExtension("svg"))
    }
    let records = try RunRecord.read(runs)
    let curves = ResultsPage.curves(records)
    let isPictured = files != nil && curves != nil
    if let files, isPictured { try Self.requireOwn(files.picture, start: Self.pictureStart) }
    let page = ResultsPage(runs: records, picture: isPictured ? files?.picture.lastPathComponent : nil)
    let text = page.lines.joined(separator: "\n")
    if let files {
      // The page first: where it can't be written, the earlier one keeps its picture.
      try (text + "\n").writeFile(files.page)
      if let curves {
        try (ResultsPage.mark + "\n" + Self.picture(curves)).writeFile(files.picture.resolvingSymlinksInPath())
      } else if (try? Self.isOwn(files.picture, start: Self.pictureStart)) == true {
        try Self.remove(files.picture)
      }
    }
    for sentence in records.flatMap(\.missing) { StandardStreams.note("warning: \(sentence.visible)") }
    if json { return try StandardStreams.write(json: ResultsSummary(records, output: output)) }
    guard let files else { return StandardStreams.write(text) }
    let line =
      "\(records.count) run\(records.count == 1 ? "" : "s") in \(RunDirectory(files.page).displayPath)"
      + (isPictured ? " and \(RunDirectory(files.picture).displayPath)" : "")
    StandardStreams.write(line.visible)
  }

  private static let pictureStart = "<svg "

  /// Refuses to replace what somebody else has written.
  private static func requireOwn(_ file: URL, start: String) throws {
    guard RecordedFile(file).isThere else { return }
    guard try isOwn(file, start: start) else {
      throw TrainingError(
        "--output: \(RunDirectory(file).displayPath) is there already and was not written by `captcha-cli results`; give "
          + "another name or remove it")
    }
  }

  /// Whether this command has written what is there, as the kind of file that begins with `start`.
  private static func isOwn(_ file: URL, start: String) throws -> Bool {
    do {
      // Version control may have changed the ends of lines.
      let text = try TextLines.text(of: file.path).replacing("\r\n", with: "\n")
      return text.hasPrefix("\(ResultsPage.mark)\n\(start)")
    } catch DatasetError.unreadableList(_, let reason) {
      throw TrainingError(
        "--output: \(RunDirectory(file).displayPath) can't be looked into (\(reason)); give another name, remove "
          + "what is there, or check its permissions")
    }
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
