import Callbacks
import Foundation
import Training

/// What `timeline.csv` says of a run; ``TimelineSink`` writes it.
struct RunTimeline {
  struct Row: Equatable {
    /// From 0.
    var epoch: Int
    /// All images so far.
    var images: Int
    /// nil where an earlier part of the run has not recorded them.
    var trainingSeconds: Double?
    var validationSeconds: Double?
    /// nil where the epoch was not measured.
    var loss: Double?
    var validationLoss: Double?
    /// 0...1.
    var exactMatch: Double?

    var minutes: Double? { trainingSeconds.map { $0 / 60 } }

    /// Takes what only grows from a later row; what that does not know stays as it was.
    ///
    /// - Returns: what is smaller in the later row, for an error.
    fileprivate mutating func advance(to row: Row) -> String? {
      func fall<Value: Comparable>(_ name: String, _ before: Value?, _ after: Value?) -> String? {
        guard let before, let after, after < before else { return nil }
        return "\(name) is \(after), less than the \(before) of a row above"
      }
      let fault =
        fall("epoch", epoch, row.epoch) ?? fall("images", images, row.images)
        ?? fall("training_seconds", trainingSeconds, row.trainingSeconds)
        ?? fall("validation_seconds", validationSeconds, row.validationSeconds)
      (epoch, images) = (row.epoch, row.images)
      trainingSeconds = row.trainingSeconds ?? trainingSeconds
      validationSeconds = row.validationSeconds ?? validationSeconds
      return fault
    }
  }

  /// In the order of time.
  let rows: [Row]

  /// The rows in which the validation part was measured.
  var measured: [Row] { rows.filter { $0.exactMatch != nil } }

  /// Images per second of training over the whole run; nil where its time is not known.
  var imagesPerSecond: Double? {
    // A time that is too short to be one says nothing of the speed.
    guard let last = rows.last, let seconds = last.trainingSeconds, seconds > 1e-6 else { return nil }
    return Double(last.images) / seconds
  }

  /// The first row whose exact match is at least `mark`.
  func passing(_ mark: Double) -> Row? { rows.first { $0.exactMatch.map { $0 >= mark } ?? false } }

  /// - Parameter file: named in errors.
  /// - Throws: `TrainingError` that names the file and the line.
  init(_ text: String, file: String) throws {
    // A last line without its end is being written, or was cut off.
    let lines = text.replacing("\r\n", with: "\n").components(separatedBy: "\n").dropLast()
    guard let header = lines.first else {
      rows = []
      return
    }
    let names = header.components(separatedBy: ",")
    for name in ["epoch"] + TimelineSink.columns {
      let count = names.count { $0 == name }
      guard count != 1 else { continue }
      throw TrainingError(
        "\(file):1: \(count == 0 ? "there is no column \(name)" : "the column \(name) is there \(count) times"); give the "
          + "file that a training wrote, or remove it to leave its times out")
    }
    var latest = Row(epoch: 0, images: 0)
    rows = try lines.enumerated().dropFirst().map { line in
      func fault(_ reason: String) -> TrainingError {
        TrainingError(
          "\(file):\(line.offset + 1): \(reason); correct the line, or remove the file to leave its times out")
      }
      let row = try Self.row(line.element, names: names, fault: fault)
      if let reason = latest.advance(to: row) { throw fault(reason) }
      return row
    }
  }

  private static func row(_ line: String, names: [String], fault: (String) -> TrainingError) throws -> Row {
    let cells = line.components(separatedBy: ",")
    guard cells.count == names.count else { throw fault("\(cells.count) cells in \(names.count) columns") }
    let byName = Dictionary(zip(names, cells)) { first, _ in first }
    func whole(_ name: String) throws -> Int {
      guard let number = byName[name].flatMap({ Int($0) }), RecordedJSON.counts.contains(number) else {
        throw fault("\(name) is \"\(byName[name] ?? "")\", not a whole number")
      }
      return number
    }
    func number(_ name: String, in range: ClosedRange<Double>? = nil) throws -> Double? {
      guard let text = byName[name], text != "NA" else { return nil }
      guard let number = Double(text), range?.contains(number) ?? true else {
        throw fault("\(name) is \"\(text)\", not a number that it can be")
      }
      return number
    }
    // Far more than any training takes, and far from where arithmetic overflows.
    let seconds = 0...1e12
    return Row(
      epoch: try whole("epoch"), images: try whole("images"),
      trainingSeconds: try number("training_seconds", in: seconds),
      validationSeconds: try number("validation_seconds", in: seconds), loss: try number("loss"),
      validationLoss: try number("val_loss"), exactMatch: try number("val_exact_match", in: 0...1))
  }
}
