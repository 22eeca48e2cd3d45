import Callbacks
import Data
import Training

/// An evaluation for people to read.
struct EvaluationText {
  let lines: [String]

  /// - Parameter trainedTypes: the types of captcha that the model was trained on, if it is known.
  init(_ report: EvaluationReport, codec: LabelCodec, trainedTypes: [String]?) {
    var lines: [String] = []
    let interval = report.exactMatchInterval.map(\.percent).joined(separator: " to ")
    lines.append("images               \(report.count.grouped)")
    lines.append("exact match          \(report.exactMatch.percent) (95 %: \(interval))")
    if let folded = report.exactMatchCaseFolded, let merged = report.exactMatchConfusablesMerged {
      lines.append("  but for case       \(folded.percent)")
      lines.append("  but for lookalikes \(merged.percent) (\(ConfusableCharacters.groups.joined(separator: " ")))")
    }
    lines.append("character accuracy   \(report.characterAccuracy.percent)")
    let noLoss = report.inexpressible == report.count ? "the model can say no label" : "the models have none in common"
    lines.append("loss                 \(report.loss.map { "\($0.fixed(5))" } ?? "none: \(noLoss)")")
    lines.append(
      "outputs              accuracy \(report.binaryAccuracy.percent), precision \(report.precision.percent), "
        + "recall \(report.recall.percent)")
    lines.append("speed                \(Int(report.imagesPerSecond).grouped) images/s")
    lines.append("by position          " + report.perPosition.map(\.percent).joined(separator: "  "))
    lines.append("by type")
    for (type, share) in report.byType.sorted(by: { $0.key < $1.key }) {
      let isNew = type != "unknown" && !(trainedTypes?.contains(type) ?? true)
      lines.append(Self.row(type, share) + (isNew ? "  a type that the model was not trained on" : ""))
    }
    lines.append("by length")
    for (length, share) in report.byLength.sorted(by: { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }) {
      lines.append(Self.row(length, share))
    }
    if let confidence = report.confidence {
      lines.append("calibration error    \(confidence.expectedCalibrationError.percent)")
      lines += ConfidenceText(confidence).lines
    }
    if report.inexpressible > 0 {
      lines.append(
        "\(report.inexpressible.grouped) of \(report.count.grouped) labels the model cannot say: it reads 1 to "
          + "\(codec.maximumLength) of \"\(codec.charset.text)\"; they count as read wrong, and not in loss and outputs"
      )
    }
    if !report.confusions.isEmpty {
      let shown = report.confusions.prefix(10).map {
        "\($0.true.isEmpty ? "nothing" : $0.true) as \($0.predicted.isEmpty ? "nothing" : $0.predicted) \($0.count)"
      }
      lines.append("confusions           " + shown.joined(separator: ", "))
    }
    self.lines = lines + Self.examples(report)
  }

  /// Some readings, one per line.
  static func examples(_ report: EvaluationReport) -> [String] {
    guard !report.examples.isEmpty else { return [] }
    return ["readings"]
      + report.examples.map { example in
        "  \(example.label == example.text ? "right" : "WRONG")  label \(padded(example.label, 8))  read "
          + "\(padded(example.text, 8))  confidence \(example.confidence.fixed(3))  \(example.file)"
      }
  }

  private static func row(_ name: String, _ share: EvaluationReport.Share) -> String {
    "  \(padded(name, 18)) \(padded(share.exactMatch.percent, 9)) of \(share.count.grouped)"
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
