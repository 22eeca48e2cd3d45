import Foundation

/// A file name with places for the epoch and metrics, in Python's format notation: `m-{epoch:02d}-{val_loss:.4f}`.
struct FileNameTemplate: Sendable {
  private enum Piece {
    case text(String)
    /// `key`, the width with leading zeros for integers, the decimals for numbers.
    case epoch(width: Int)
    case metric(MetricKey, decimals: Int?)
  }

  /// Room is left for metrics and for the extension in the 255 bytes that a name may have.
  private static let longest = 160

  let text: String
  private var pieces: [Piece] = []
  /// What is wrong with the template and the remedy; nil where nothing is.
  private(set) var fault: String?

  init(_ text: String) {
    self.text = text
    if text.isEmpty || text.contains("/") || text.hasPrefix(".") {
      fault = "give a plain file name; the run directory's folder is added to it"
    } else if text.utf8.count > Self.longest {
      fault = "give at most \(Self.longest) bytes; file systems refuse longer names"
    }
    var rest = Substring(text)
    while let open = rest.firstIndex(of: "{") {
      pieces.append(.text(String(rest[..<open])))
      guard let close = rest[open...].firstIndex(of: "}") else {
        fault = "close the brace"
        return
      }
      let field = rest[rest.index(after: open)..<close].split(separator: ":", omittingEmptySubsequences: false)
      guard let piece = Self.piece(field.map(String.init)) else {
        fault = "write {epoch}, {epoch:03d}, {metric} or {metric:.4f}"
        return
      }
      pieces.append(piece)
      rest = rest[rest.index(after: close)...]
    }
    pieces.append(.text(String(rest)))
  }

  private static func piece(_ field: [String]) -> Piece? {
    guard let key = field.first, !key.isEmpty, field.count <= 2 else { return nil }
    let format = field.count == 2 ? field[1] : ""
    if key == "epoch" {
      if format.isEmpty { return .epoch(width: 0) }
      guard format.hasSuffix("d"), let width = Int(format.dropLast()), (0...18).contains(width) else { return nil }
      return .epoch(width: width)
    }
    if format.isEmpty { return .metric(MetricKey(rawValue: key), decimals: nil) }
    guard format.hasPrefix("."), format.hasSuffix("f"), let decimals = Int(format.dropFirst().dropLast()),
      (0...18).contains(decimals)
    else { return nil }
    return .metric(MetricKey(rawValue: key), decimals: decimals)
  }

  /// Whether the name differs between epochs.
  var isVariable: Bool { pieces.contains { if case .text = $0 { false } else { true } } }

  /// The metrics that the name needs.
  var metrics: [MetricKey] {
    pieces.compactMap { if case .metric(let key, _) = $0 { key } else { nil } }
  }

  /// The names for the epochs of a run, at most the first thousand; metrics count as one value.
  func names(in plan: TrainingPlan) -> Set<String> {
    Set((0..<min(max(plan.epochs, 0), 1000)).map { name(epoch: $0, logs: Logs()) })
  }

  /// The name for an epoch (from 0, written from 1); a metric without a value is written as `none`.
  func name(epoch: Int, logs: Logs) -> String {
    pieces.map { piece in
      switch piece {
      case .text(let text): return text
      case .epoch(let width):
        let digits = "\(epoch + 1)"
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
      case .metric(let key, let decimals):
        guard let value = logs[key] else { return "none" }
        guard value.isFinite, let decimals else { return "\(value)" }
        return String(format: "%.\(decimals)f", value)
      }
    }.joined()
  }
}

// What callbacks that save models have in common.
extension Callback {
  func requireUsable(_ fileName: FileNameTemplate) throws {
    if let fault = fileName.fault { try require(false, "filename", "\"\(fileName.text)\"", fault) }
  }

  /// A warning where a training ends before the first save.
  func warnings(of fileName: FileNameTemplate, savedEvery every: Int, in plan: TrainingPlan) -> [String] {
    guard every > plan.epochs else { return [] }
    return [
      "\(name): every is \(every) and the training has \(plan.epochs) epochs, so \"\(fileName.text)\" is never saved"
    ]
  }
}
