import Callbacks
import Foundation
import Training

/// What a run directory says of its training: all that a page about results shows.
struct RunRecord {
  /// An evaluation of one of the run's models.
  struct Evaluation {
    let name: String
    let report: EvaluationReport
    /// What was measured on what; nil for the one that a training makes at its end.
    let record: EvaluationRecord?
  }

  let name: String
  /// Empty for a run of an older version, and where the file has been emptied.
  let starts: [RunStart]
  /// nil for a run of an older version.
  let timeline: RunTimeline?
  /// The one at the training's end first, then those of the folder by name.
  let evaluations: [Evaluation]
  /// What is not there, a sentence each.
  let missing: [String]

  /// The start that made the run; nil where only later ones are known, or none.
  var first: RunStart? { starts.first { !$0.resumed } }

  /// Reads run directories, whose names are as short as tells them apart. One that is given twice is read once.
  ///
  /// - Throws: `TrainingError` that names the folder or the file, and in a file the line where it is known.
  static func read(_ paths: [String]) throws -> [RunRecord] {
    // By bytes: texts that differ only in how Unicode composes them are equal, and folders of such names are not one.
    func bytes(_ text: String) -> [UInt8] { [UInt8](text.utf8) }
    var seen: Set<[UInt8]> = []
    let directories = paths.map { RunDirectory(URL(fileURLWithPath: $0)) }
      .filter { seen.insert(bytes($0.url.resolvingSymlinksInPath().standardizedFileURL.path)).inserted }
    let names = directories.map(\.url.lastPathComponent)
    // `runs/1` says more than `1`.
    let areShort = Set(names.map(bytes)).count == names.count && !names.contains { Int($0) != nil }
    return try zip(directories, names).map { try RunRecord($0, name: areShort ? $1 : $0.displayPath) }
  }

  private init(_ directory: RunDirectory, name: String) throws {
    let path = directory.displayPath
    guard FileManager.default.fileExists(atPath: directory.url.path) else {
      throw TrainingError("\(path): no such run; give the folder of a training")
    }
    self.name = name
    var missing: [String] = []
    func read<Content>(
      _ url: URL, without: String, isEmpty: (Content) -> Bool, parse: (String, _ file: String) throws -> Content
    ) throws -> Content? {
      let file = RecordedFile(url)
      let content = try file.text().map { try parse($0, file.path) }
      if content.map(isEmpty) ?? true {
        let lack = content == nil ? "no \(url.lastPathComponent)" : "\(url.lastPathComponent) records nothing"
        missing.append("\(name): \(lack), so \(without)")
      }
      return content
    }
    let starts = try read(
      directory.starts, without: "recipe, model, machine, seed and command lines are not known", isEmpty: \.isEmpty,
      parse: RunStart.lines)
    self.starts = starts ?? []
    timeline = try read(
      directory.timeline, without: "minutes, images, the curve and when it passed the marks are not known",
      isEmpty: \.rows.isEmpty, parse: RunTimeline.init)
    if let last = self.timeline?.rows.last, last.trainingSeconds == nil {
      missing.append("\(name): an earlier part of the run has not recorded its time, so minutes are not known")
    }
    evaluations = try Self.atTheEnd(directory) + Self.recorded(directory)
    if starts == nil, timeline == nil, evaluations.isEmpty, !directory.isUsed {
      throw TrainingError("\(path): holds nothing of a training; give the folder of one")
    }
    self.missing = missing
  }

  /// The part of `summary.json` that is shown.
  private struct Summary: Decodable {
    let evaluation: EvaluationReport?
  }

  private static func atTheEnd(_ directory: RunDirectory) throws -> [Evaluation] {
    guard let json = try RecordedFile(directory.summary).json(), let report = try json.decode(Summary.self).evaluation
    else {
      return []
    }
    try check(report, json, below: ["evaluation"])
    return [Evaluation(name: "end of training", report: report, record: nil)]
  }

  private static func recorded(_ directory: RunDirectory) throws -> [Evaluation] {
    try names(inFolder: RecordedFile(directory.evaluations)).map { name in
      let file = RecordedFile(directory.evaluations.appendingPathComponent(name))
      guard let json = try file.json() else {
        throw TrainingError(
          "\(file.path): can't be found by the name that its folder lists; if the name is not UTF-8, rename the file")
      }
      let record = try json.decode(EvaluationRecord.self)
      try check(record.evaluation, json)
      let data = record.data
      try json.require(
        counts: record.machine.counts + [(["data", "count"], data.count)]
          + data.types.values.map { (["data", "types"], $0) } + data.styles.values.map { (["data", "styles"], $0) })
      return Evaluation(name: String(name.dropLast(".json".count)), report: record.evaluation, record: record)
    }
  }

  /// The names of the evaluations of a folder in their order; none where there is no folder.
  private static func names(inFolder folder: RecordedFile) throws -> [String] {
    guard folder.isThere else { return [] }
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
        .filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.sorted()
    } catch {
      throw TrainingError(
        "\(folder.path): can't be read as a folder of evaluations (\(error.localizedDescription)); restore or remove it"
      )
    }
  }

  /// Refuses numbers that no page can be made of.
  private static func check(_ report: EvaluationReport, _ json: RecordedJSON, below path: [String] = []) throws {
    let (shares, counts) = (0.0...1.0, 0...max(0, report.count))
    func isShare(_ value: Double?) -> Bool { value.map(shares.contains) ?? true }
    func areShares(_ parts: [String: EvaluationReport.Share]) -> Bool {
      parts.values.allSatisfy { counts.contains($0.count) && shares.contains($0.exactMatch) }
    }
    func isInterval(_ bounds: [Double], around share: Double?) -> Bool {
      guard bounds.count == 2, bounds.allSatisfy(shares.contains), bounds[0] <= bounds[1] else { return false }
      // Not to the last bit, which rounding decides.
      return share.map { (bounds[0] - 1e-9...bounds[1] + 1e-9).contains($0) } ?? true
    }
    /// That of a comparison which lets more pass.
    func isLarger(_ share: Double?) -> Bool { isShare(share) && share ?? 1 >= report.exactMatch }
    let wrong = max(0, report.wrongCharacters ?? RecordedJSON.counts.upperBound)
    let errors = report.errorsByWrongCharacters?.values ?? [:].values
    let confidence = report.confidence
    let checks: [(String, Bool)] = [
      ("count", RecordedJSON.counts.contains(report.count)), ("exact_match", isShare(report.exactMatch)),
      ("exact_match_ci95", isInterval(report.exactMatchInterval, around: report.exactMatch)),
      ("exact_match_case_folded", isLarger(report.exactMatchCaseFolded)),
      ("exact_match_confusables_merged", isLarger(report.exactMatchConfusablesMerged)),
      ("character_accuracy", isShare(report.characterAccuracy)),
      ("images_per_second", (0...1e12).contains(report.imagesPerSecond)),
      ("inexpressible_labels", RecordedJSON.counts.contains(report.inexpressible)),
      ("wrong_characters", RecordedJSON.counts.contains(report.wrongCharacters ?? 0)),
      ("per_position", report.perPosition.allSatisfy(shares.contains)),
      ("by_type", areShares(report.byType)), ("by_length", areShares(report.byLength)),
      ("confusions", report.confusions.allSatisfy { (0...wrong).contains($0.count) }),
      // The sum in floating point can't overflow.
      (
        "errors_by_wrong_characters",
        errors.allSatisfy(counts.contains) && errors.reduce(0.0) { $0 + Double($1) } <= Double(report.count)
      ),
      ("confidence.expected_calibration_error", isShare(confidence?.expectedCalibrationError)),
      (
        "confidence.coverage",
        confidence?.coverage.allSatisfy {
          isShare($0.minimumConfidence) && isShare($0.coverage) && isShare($0.accuracy)
            && ($0.accuracy == nil || isInterval($0.accuracyInterval, around: $0.accuracy))
        } ?? true
      ),
    ]
    for (key, isPossible) in checks where !isPossible {
      throw json.error(ofValueAt: path + key.components(separatedBy: "."))
    }
  }
}

extension MachineDescription {
  /// What must be a count, by its path in records.
  fileprivate var counts: [(path: [String], count: Int)] {
    [(["machine", "threads"], threads), (["machine", "processors"], processors)]
  }
}

extension RunStart {
  /// The lines of `starts.jsonl`.
  ///
  /// - Throws: `TrainingError` that names the file and the line.
  static func lines(_ text: String, file: String) throws -> [RunStart] {
    // A last line without its end is being written, or was cut off.
    let lines = text.replacing("\r\n", with: "\n").components(separatedBy: "\n").dropLast()
    return try lines.enumerated().filter { !$0.element.isEmpty }.map {
      let json = RecordedJSON(text: $0.element, file: file, firstLine: $0.offset + 1)
      let start = try json.decode(RunStart.self)
      try json.require(
        counts: start.machine.counts + [
          (["epoch"], start.epoch), (["images"], start.images), (["validation_images"], start.validationImages),
          (["batch_size"], start.batchSize), (["parameters"], start.parameters),
        ])
      return start
    }
  }
}
