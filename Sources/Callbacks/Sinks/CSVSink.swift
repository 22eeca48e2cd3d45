import Foundation

/// Writes a row of metrics per epoch to a file (`metrics.csv`).
///
/// As Keras's `CSVLogger`: the column `epoch` (from 0), then the metrics of the first epoch by name; `NA` where an epoch
/// lacks one, CRLF line ends. Where the first epoch has no validation, columns for it are added. A run that goes on after an
/// interruption keeps the rows of the epochs before it and its columns, so that the file is the one that an
/// uninterrupted run would have written.
public final class CSVSink: EventSink {
  private let table: EpochTable
  private var validates = true

  public init(_ url: URL) { table = EpochTable(url) }

  public func receive(_ event: TrainingEvent) throws {
    switch event {
    case .trainBegan(let plan):
      validates = plan.validationSamples > 0
      try table.begin(
        keeping: plan.initialEpoch == 0
          ? nil : { row in row["epoch"].flatMap { Int($0) }.map { $0 < plan.initialEpoch } ?? false })
    case .epochEnded(let summary): try append(summary)
    default: break
    }
  }

  private func append(_ summary: EpochSummary) throws {
    if table.columns.isEmpty {
      var keys = summary.logs.keys
      if validates && !keys.contains(where: \.isValidation) {
        keys += keys.filter { $0 != .learningRate }.map(\.onValidation)
      }
      try table.setColumns(keys.map(\.rawValue))
    }
    try table.append(epoch: summary.epoch) { summary.logs[MetricKey(rawValue: $0)]?.cell }
  }
}
