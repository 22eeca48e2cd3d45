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

    /// Takes what only grows from a later row, and returns the first column that went down; what a row does not know stays
    /// as it was.
    fileprivate mutating func grow(by row: Row) -> String? {
      let falls = [
        ("epoch", row.epoch < epoch), ("images", row.images < images),
        ("training_seconds", row.trainingSeconds.map { $0 < trainingSeconds ?? 0 } ?? false),
        ("validation_seconds", row.validationSeconds.map { $0 < validationSeconds ?? 0 } ?? false),
      ]
      (epoch, images) = (row.epoch, row.images)
      trainingSeconds = row.trainingSeconds ?? trainingSeconds
      validationSeconds = row.validationSeconds ?? validationSeconds
      return falls.first { $0.1 }?.0
    }
  }

  /// In the order of time.
  let rows: [Row]

  /// The rows in which the validation part was measured.
  var measured: [Row] { rows.filter { $0.exactMatch != nil } }

  /// Images per second of training over the whole run; nil where its time is not known.
  var imagesPerSecond: Double? {
    guard let last = rows.last, let seconds = last.trainingSeconds, seconds > 0 else { return nil }
    return Double(last.images) / seconds
  }

  /// The first row whose exact match is at least `mark`.
  func passing(_ mark: Double) -> Row? { rows.first { $0.exactMatch.map { $0 >= mark } ?? false } }

  /// - Parameter file: named in errors.
  /// - Throws: `TrainingError` that names the file and the line.
  init(_ text: String, file: String) throws {
    // A last line without its end is being written, or was cut off.
    let lines = text.replacing("\r\n", with: "\n").components(separatedBy: "\n").dropLast()
    let names = lines.first?.components(separatedBy: ",") ?? []
    for name in ["epoch"] + TimelineSink.columns {
      let count = names.count { $0 == name }
      guard count != 1 else { continue }
      throw TrainingError(
        "\(file):1: \(count == 0 ? "there is no column \(name)" : "the column \(name) is there \(count) times"); give the "
          + "file that a training wrote, or remove it to leave its times out")
    }
    var most = Row(epoch: 0, images: 0)
    rows = try lines.enumerated().dropFirst().map { line in
      func fault(_ reason: String) -> TrainingError {
        TrainingError(
          "\(file):\(line.offset + 1): \(reason); correct the line, or remove the file to leave its times out")
      }
      let row = try Self.row(line.element, names: names, fault: fault)
      if let name = most.grow(by: row) { throw fault("\(name) is smaller than in a row before") }
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
