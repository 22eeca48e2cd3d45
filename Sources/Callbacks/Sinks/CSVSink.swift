import Foundation
import Tensor

/// Writes a row of metrics per epoch to a file (`metrics.csv`).
///
/// As Keras's `CSVLogger`: the column `epoch` (from 0), then the metrics of the first epoch by name; `NA` where an epoch
/// lacks one, CRLF line ends. Where the first epoch has no validation, columns for it are added. A run that goes on after an
/// interruption keeps the rows of the epochs before it and its columns, so that the file is the one that an
/// uninterrupted run would have written.
public final class CSVSink: EventSink {
  private static let lineEnd = "\r\n"

  private let url: URL
  private var file: GrowingFile?
  private var columns: [MetricKey] = []
  private var validates = true

  public init(_ url: URL) { self.url = url }

  public func receive(_ event: TrainingEvent) throws {
    switch event {
    case .trainBegan(let plan): try begin(plan)
    case .epochEnded(let summary): try append(summary)
    default: break
    }
  }

  /// Keeps what is to be kept of an earlier file.
  private func begin(_ plan: TrainingPlan) throws {
    validates = plan.validationSamples > 0
    columns = []
    do {
      var kept = ""
      if plan.initialEpoch > 0, FileManager.default.fileExists(atPath: url.path) {
        let text = try String(contentsOf: url, encoding: .utf8)
        // A row without its end was cut off by a crash. Editors may have changed the line ends.
        let whole = text.replacing(Self.lineEnd, with: "\n").components(separatedBy: "\n").dropLast()
        if let header = whole.first, !header.hasPrefix("epoch,") {
          // Not ours, or without its header: nothing is lost, and what comes gets a header.
          try setAside()
        } else if let header = whole.first {
          columns = header.split(separator: ",").dropFirst().map { MetricKey(rawValue: String($0)) }
          let rows = whole.dropFirst().filter { row in
            row.prefix { $0 != "," }.wholeNumber.map { $0 < plan.initialEpoch } ?? false
          }
          kept = ([header] + rows).map { $0 + Self.lineEnd }.joined()
        }
      }
      try AtomicFile.write(to: url) { try $0.write(contentsOf: Foundation.Data(kept.utf8)) }
    } catch {
      throw EventSinkError(file: url.path, reason: error.localizedDescription)
    }
    file = try GrowingFile(appendingTo: url)
  }

  /// Gives a file that can't be gone on with another name.
  private func setAside() throws {
    var name = url.appendingPathExtension("old")
    var number = 2
    while FileManager.default.fileExists(atPath: name.path) {
      name = url.appendingPathExtension("old-\(number)")
      number += 1
    }
    try FileManager.default.moveItem(at: url, to: name)
  }

  private func append(_ summary: EpochSummary) throws {
    if columns.isEmpty {
      columns = summary.logs.keys
      if validates && !columns.contains(where: \.isValidation) {
        columns += columns.filter { $0 != .learningRate }.map(\.onValidation)
      }
      try file?.write((["epoch"] + columns.map(\.rawValue)).joined(separator: ",") + Self.lineEnd)
    }
    let cells = columns.map { column in summary.logs[column].map { $0.isNaN ? "nan" : "\($0)" } ?? "NA" }
    try file?.write((["\(summary.epoch)"] + cells).joined(separator: ",") + Self.lineEnd)
  }
}

extension Substring {
  fileprivate var wholeNumber: Int? { Int(self) }
}
