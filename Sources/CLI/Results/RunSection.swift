import Callbacks
import Data
import Foundation

/// A run in the page about results: how it was started, its curve, its evaluations.
struct RunSection {
  let run: RunRecord

  /// More rows of a curve than this are thinned out.
  private static let maximumRows = 20

  var lines: [String] {
    ["", "## Run \(run.name.markdownText)"] + starts + curve + run.evaluations.flatMap(evaluation)
  }

  // MARK: Starts

  private var starts: [String] {
    guard !run.starts.isEmpty else { return [] }
    var table = MarkdownTable([
      ("start", .left), ("time", .left), ("from epoch", .right), ("version", .left), ("precision", .left),
      ("threads", .right), ("seed", .right), ("machine", .left),
    ])
    for start in run.starts {
      table.add([
        start.resumed ? "resumed" : "new", start.time.markdownText, "\(start.epoch + 1)",
        start.programVersion.markdownText, start.precision.rawValue, "\(start.machine.threads)", "\(start.seed)",
        start.machine.text,
      ])
    }
    let facts = (run.first ?? run.starts[0])
    return ["", "```sh"] + run.starts.map(\.commandLine.shellLine) + ["```", ""] + table.lines + [
      "",
      "Epochs of \(facts.images.grouped) images, in batches of \(facts.batchSize.grouped); validation on "
        + "\(facts.validationImages.grouped).",
    ]
  }

  // MARK: Curve

  private var curve: [String] {
    let rows = run.timeline?.measured ?? []
    guard !rows.isEmpty else { return [] }
    var table = MarkdownTable([
      ("epoch", .right), ("minutes", .right), ("images", .right), ("loss", .right), ("val_loss", .right),
      ("val_exact_match", .right),
    ])
    for row in Self.thinned(rows) {
      table.add([
        "\(row.epoch + 1)", ResultsPage.minutes(row.trainingSeconds), row.images.grouped, Self.loss(row.loss),
        Self.loss(row.validationLoss), row.exactMatch?.percent ?? "–",
      ])
    }
    let note = rows.count > Self.maximumRows ? ["", "\(Self.maximumRows) of \(rows.count) epochs."] : []
    return [""] + table.lines + note
  }

  private static func loss(_ loss: Double?) -> String {
    guard let loss else { return "–" }
    // That of a training which has gone astray may have hundreds of digits.
    return abs(loss) < 1e6 ? loss.fixed(5) : String(format: "%.5g", loss)
  }

  /// At most so many rows at even distances, the first and the last among them.
  static func thinned<Row>(_ rows: [Row]) -> [Row] {
    guard rows.count > maximumRows else { return rows }
    return (0..<maximumRows).map { rows[$0 * (rows.count - 1) / (maximumRows - 1)] }
  }

  // MARK: Evaluations

  private func evaluation(_ evaluation: RunRecord.Evaluation) -> [String] {
    let report = evaluation.report
    var table = MarkdownTable([("measure", .left), ("value", .left)])
    func add(_ name: String, _ value: String?) { if let value, !value.isEmpty { table.add([name, value]) } }
    add("images", report.count.grouped)
    add("exact match (95 % interval)", ResultsPage.exactMatch(report))
    add("exact match but for case", report.exactMatchCaseFolded?.percent)
    add("exact match but for look-alikes", report.exactMatchConfusablesMerged?.percent)
    add("character accuracy", report.characterAccuracy.percent)
    add("labels that the model cannot say", report.inexpressible > 0 ? report.inexpressible.grouped : nil)
    add("exact match by type", Self.shares(report.byType.sorted { $0.key < $1.key }))
    add(
      "exact match by length",
      Self.shares(report.byLength.sorted { (Int($0.key) ?? 0, $0.key) < (Int($1.key) ?? 0, $1.key) }))
    add("right by position", report.perPosition.map(\.percent).joined(separator: ", "))
    add(
      "commonest confusions",
      report.confusions.prefix(10).map { "\($0.text) \($0.count.grouped)" }.joined(separator: ", "))
    add("images/s", report.imagesPerSecond.fixed(0))
    return ["", "### \(run.name.markdownText): \(evaluation.name.markdownText)", ""] + Self.origin(evaluation.record)
      + [""] + table.lines
  }

  /// What was measured on what.
  private static func origin(_ record: EvaluationRecord?) -> [String] {
    guard let record else {
      return ["The model at the end of the training, on images that the run held back (`summary.json`)."]
    }
    func counts(_ name: String, _ counts: [String: Int]) -> String? {
      counts.isEmpty
        ? nil
        : "\(name): "
          + counts.sorted { $0.key < $1.key }.map { "\($0.key.markdownText) \($0.value.grouped)" }.joined(
            separator: ", ")
    }
    let kinds = [counts("types", record.data.types), counts("styles", record.data.styles)].compactMap(\.self)
    return [
      "Model \(record.model.markdownCode) (MD5 \(record.modelMD5.markdownCode)) on the "
        + "\(record.data.count.grouped) images of \(record.data.folder.markdownCode)"
        + (kinds.isEmpty ? "" : " (\(kinds.joined(separator: "; ")))") + "; \(record.time.markdownText), version "
        + "\(record.programVersion.markdownText), \(record.machine.threadText), \(record.machine.text).",
      "", "```sh", record.commandLine.shellLine, "```",
    ]
  }

  private static func shares(_ shares: [(key: String, value: EvaluationReport.Share)]) -> String {
    shares.map { "\($0.key.markdownText) \($0.value.exactMatch.percent) of \($0.value.count.grouped)" }.joined(
      separator: ", ")
  }
}

extension MachineDescription {
  var threadText: String { "\(threads) thread\(threads == 1 ? "" : "s")" }

  /// Everything but the threads.
  var text: String {
    "\(cpu.markdownText), \(processors) processors, \((Double(memoryBytes) / Double(1 << 30)).fixed(1)) GiB, "
      + "\(simd.markdownText), OpenBLAS kernels \(blas.markdownText), \(system.markdownText)"
  }
}

extension EvaluationReport.Confusion {
  /// `0` as `O`, for Markdown.
  var text: String {
    "\(`true`.isEmpty ? "nothing" : `true`.markdownCode) as \(predicted.isEmpty ? "nothing" : predicted.markdownCode)"
  }
}
