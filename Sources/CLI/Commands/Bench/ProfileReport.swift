import Tensor

/// Where the time of a measurement went; the fields of `bench profile --json`. All figures are means per iteration.
struct ProfileReport: Encodable {
  let measurement: BenchmarkReport
  /// The operations, those with the most time first.
  let operations: [Row]
  /// The same by pass, in the order in which they run.
  let passes: [Pass]
  /// Time in no operation, milliseconds.
  let outsideMilliseconds: Double

  /// One operation on certain shapes.
  struct Row: Encodable {
    let pass: String
    let operation: String
    let shapes: [[Int]]
    let work: Work
    let calls: Double

    func encode(to encoder: any Encoder) throws {
      try work.encode(to: encoder)
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(pass, forKey: .pass)
      try container.encode(operation, forKey: .operation)
      try container.encode(shapes, forKey: .shapes)
      try container.encode(calls, forKey: .calls)
    }

    private enum CodingKeys: String, CodingKey { case pass, operation, shapes, calls }
  }

  /// All operations of one pass.
  struct Pass: Encodable {
    let pass: String
    let work: Work

    func encode(to encoder: any Encoder) throws {
      try work.encode(to: encoder)
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(pass, forKey: .pass)
    }

    private enum CodingKeys: String, CodingKey { case pass }
  }

  /// Time and amount of work.
  struct Work: Encodable {
    let milliseconds: Double
    /// The part of the iteration's time, 0 to 1.
    let share: Double
    /// Nominal floating-point operations, in thousand millions; 0 where they are not counted.
    let gigaflop: Double
    /// Nominal bytes of inputs and outputs.
    let bytes: Double

    var gigaflopPerSecond: Double { milliseconds > 0 ? gigaflop / milliseconds * 1e3 : 0 }
    var gigabytesPerSecond: Double { milliseconds > 0 ? bytes / milliseconds / 1e6 : 0 }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(milliseconds, forKey: .milliseconds)
      try container.encode(share, forKey: .share)
      try container.encode(gigaflop, forKey: .gigaflop)
      try container.encode(gigaflopPerSecond, forKey: .gigaflopPerSecond)
      try container.encode(bytes, forKey: .bytes)
      try container.encode(gigabytesPerSecond, forKey: .gigabytesPerSecond)
    }

    private enum CodingKeys: String, CodingKey {
      case share, gigaflop, bytes
      case milliseconds = "ms"
      case gigaflopPerSecond = "gigaflop_per_second"
      case gigabytesPerSecond = "gigabytes_per_second"
    }
  }

  init(_ measurement: BenchmarkReport, operations recorded: [OperationRecorder.Operation]) {
    self.measurement = measurement
    let (iterations, total) = (Double(measurement.iterations), measurement.meanMilliseconds)
    func work(_ operations: [OperationRecorder.Operation]) -> Work {
      let milliseconds = operations.reduce(0) { $0 + $1.seconds } * 1000 / iterations
      return Work(
        milliseconds: milliseconds, share: total > 0 ? milliseconds / total : 0,
        gigaflop: Double(operations.reduce(0) { $0 + $1.flops }) / iterations / 1e9,
        bytes: Double(operations.reduce(0) { $0 + $1.bytes }) / iterations)
    }
    operations = recorded.sorted { $0.seconds > $1.seconds }.map {
      Row(
        pass: $0.pass, operation: $0.name, shapes: $0.shapes.map(\.dimensions), work: work([$0]),
        calls: Double($0.calls) / iterations)
    }
    var names: [String] = []
    for operation in recorded where !names.contains(operation.pass) { names.append(operation.pass) }
    passes = names.map { name in Pass(pass: name, work: work(recorded.filter { $0.pass == name })) }
    outsideMilliseconds = total - work(recorded).milliseconds
  }

  func encode(to encoder: any Encoder) throws {
    try measurement.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(operations, forKey: .operations)
    try container.encode(passes, forKey: .passes)
    try container.encode(outsideMilliseconds, forKey: .outsideMilliseconds)
  }

  private enum CodingKeys: String, CodingKey {
    case operations, passes
    case outsideMilliseconds = "outside_ms"
  }
}

extension ProfileReport {
  /// Operations with less than this share of the time share a line.
  private static let shownShare = 0.001

  /// The table for people to read.
  var lines: [String] {
    var table = AlignedTable([
      ("pass", .left), ("operation", .left), ("shapes", .left), ("calls", .right), ("ms", .right), ("share", .right),
      ("GFLOP", .right), ("GFLOP/s", .right), ("MB", .right), ("GB/s", .right),
    ])
    for row in operations where row.work.share >= Self.shownShare {
      let shapes = row.shapes.map { $0.map(String.init).joined(separator: "×") }.joined(separator: ", ")
      let calls = row.calls == row.calls.rounded() ? row.calls.fixed(0) : row.calls.fixed(2)
      table.add([row.pass, row.operation, shapes, calls] + Self.cells(row.work))
    }
    let rest = operations.filter { $0.work.share < Self.shownShare }
    if !rest.isEmpty {
      let calls = rest.reduce(0) { $0 + $1.calls }
      table.add(["", "\(rest.count) more", "", calls.fixed(0)] + Self.cells(Self.sum(rest.map(\.work))))
    }
    table.add([])
    for pass in passes { table.add([pass.pass, "all", "", ""] + Self.cells(pass.work)) }
    let outside = Work(
      milliseconds: outsideMilliseconds, share: outsideMilliseconds / max(measurement.meanMilliseconds, 1e-9),
      gigaflop: 0, bytes: 0)
    table.add(["", "outside any operation", "", ""] + Self.cells(outside))
    table.add(["", "total", "", ""] + Self.cells(Self.sum(passes.map(\.work) + [outside])))
    let title = "\(measurement.title), means of \(measurement.iterations.grouped) iterations"
    let speed =
      "\(measurement.imagesPerSecond.fixed(1)) images/s on \(measurement.cpu), OpenBLAS kernels \(measurement.blas)"
    return [title, ""] + table.lines + ["", speed]
  }

  private static func sum(_ works: [Work]) -> Work {
    Work(
      milliseconds: works.reduce(0) { $0 + $1.milliseconds }, share: works.reduce(0) { $0 + $1.share },
      gigaflop: works.reduce(0) { $0 + $1.gigaflop }, bytes: works.reduce(0) { $0 + $1.bytes })
  }

  /// The cells from the time on; empty where an amount is not counted.
  private static func cells(_ work: Work) -> [String] {
    func amount(_ value: Double, _ digits: Int) -> String { value > 0 ? value.fixed(digits) : "" }
    return [
      work.milliseconds.fixed(3), (work.share * 100).fixed(1) + " %", amount(work.gigaflop, 3),
      amount(work.gigaflopPerSecond, 1), amount(work.bytes / 1e6, 2), amount(work.gigabytesPerSecond, 1),
    ]
  }
}
