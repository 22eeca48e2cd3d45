import ArgumentParser
import Data
import Foundation
import Models
import Synchronization

/// `captcha-cli dataset check`.
struct DatasetCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Finds images, labels and names that are wrong or doubtful.",
    discussion: """
      Errors are images that can't be used or are surely wrong; the rest are warnings. Exit code 1 if there are errors, \
      or with --strict any findings.

      Examples:
        captcha-cli dataset check images
        captcha-cli dataset check images --validation new-images --strict
        captcha-cli dataset check images --model model.safetensors
      """)

  @OptionGroup var folder: DatasetFolder

  @Option(
    help: ArgumentHelp("A folder of images to validate with, none of which may be in the other.", valueName: "dir"))
  var validation: String?

  @Option(
    help: ArgumentHelp(
      "A model or ensemble that reads all images, to find labels that it contradicts.", valueName: "file"))
  var model: String?

  @Option(help: "How sure the model must be of what it reads, from 0 to 1; 0.9 if not given.")
  var confidence: Double?

  @Flag(
    help: "Lets the model read images of sizes that it was not trained on too, scaled; without it they are left out.")
  var resize = false

  @Flag(help: "Makes warnings count: exit code 1 if there are any.")
  var strict = false

  @Flag(help: "Lists all findings; otherwise at most 10 of each kind.")
  var all = false

  func validate() throws {
    if let confidence, !(0...1).contains(confidence) {
      throw ValidationError("--confidence is \(confidence); give 0 to 1")
    }
    if model == nil && (confidence != nil || resize) {
      throw ValidationError("\(resize ? "--resize" : "--confidence") is for --model FILE; give one, or leave it out")
    }
  }

  func run() throws {
    if let validation, Self.isSameFolder(folder.path, validation) {
      throw ValidationError("--validation \(validation) is the same folder; give the one of the other images")
    }
    let recognizer = try model.map { try ModelFile.recognizer(contentsOf: URL(fileURLWithPath: $0)) }
    let auditor = recognizer.map { LabelAuditor($0, confidence: confidence ?? 0.9, resizes: resize) }
    let progress = StageLines(isAuditing: auditor != nil)
    let checker = DatasetChecker(
      options: DatasetCheckOptions(codec: try folder.codec(of: recognizer), expectsWholeCharset: folder.charset != nil))
    let report = try checker.check(
      folder.path, validation: validation, auditor: auditor, progress: progress.update)
    progress.finish()
    try recognizer?.requireNumbers()
    if let auditor { note(auditor, imageCount: report.statistics.count) }
    if folder.json {
      try StandardStreams.write(json: JSONReport(report))
    } else {
      for line in DatasetCheckText(report, limit: all ? nil : 10).lines { StandardStreams.write(line) }
    }
    try fail(report)
  }

  /// Says which images the model has not judged.
  private func note(_ auditor: LabelAuditor, imageCount: Int) {
    let others = imageCount - auditor.readCount
    if others > 0 {
      StandardStreams.note(
        "\(others.grouped) of \(imageCount.grouped) images have sizes that the model was not trained on, and it has not "
          + "read them; give --resize to scale them")
    }
    if auditor.unjudgedCount > 0 {
      StandardStreams.note(
        "images of types that the model was not trained on, or with labels that it cannot say, which it has not judged: "
          + auditor.unjudgedCount.grouped)
    }
  }

  /// Ends with exit code 1 where findings demand it.
  private func fail(_ report: DatasetCheckReport) throws {
    let rejected = report.statistics.rejected.count
    let (errors, warnings) = (report.count(.error), report.count(.warning))
    let reason: String
    if rejected > 0 {
      reason = "\(rejected) of \(report.statistics.count + rejected) images cannot be used; correct or remove them"
    } else if errors > 0 {
      reason = "\(errors) \(errors == 1 ? "error" : "errors"); correct or remove these images"
    } else if strict && warnings > 0 {
      reason =
        "\(warnings) \(warnings == 1 ? "warning" : "warnings"), and --strict is given; correct or remove these images"
    } else {
      return
    }
    StandardStreams.noteFailure("\(folder.path): \(reason)")
    throw ExitCode.failure
  }

  private static func isSameFolder(_ one: String, _ other: String) -> Bool {
    func real(_ path: String) -> URL { URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL }
    return real(one).path == real(other).path
  }

  /// The JSON object: the counts of `dataset stats` and the findings.
  private struct JSONReport: Encodable {
    let report: DatasetCheckReport

    init(_ report: DatasetCheckReport) { self.report = report }

    private enum CodingKeys: String, CodingKey { case findings, counts, errors, warnings }

    func encode(to encoder: any Encoder) throws {
      try DatasetCounts(report.statistics).encode(to: encoder)
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(report.findings, forKey: .findings)
      let counts = report.counts.map { ($0.key.rawValue, $0.value) }
      try values.encode(Dictionary(uniqueKeysWithValues: counts), forKey: .counts)
      try values.encode(report.count(.error), forKey: .errors)
      try values.encode(report.count(.warning), forKey: .warnings)
    }
  }
}

/// The progress of a check: a line for each stage that has something to do.
private final class StageLines: Sendable {
  private let reading: ProgressLine
  private let comparing = Mutex<ProgressLine?>(nil)

  init(isAuditing: Bool) {
    reading = ProgressLine(isAuditing ? "reading images with the model" : "reading images")
  }

  func update(_ stage: DatasetChecker.Stage, _ done: Int, _ total: Int) {
    switch stage {
    case .reading: reading.update(done, total)
    case .comparing:
      let line = comparing.withLock { line in
        if let line { return line }
        reading.finish()
        let new = ProgressLine("comparing pictures that may be equal")
        line = new
        return new
      }
      line.update(done, total)
    }
  }

  func finish() { (comparing.withLock { $0 } ?? reading).finish() }
}
