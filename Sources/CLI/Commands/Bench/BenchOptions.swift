import ArgumentParser
import Foundation
import Models
import Tensor

/// The options of every measurement.
struct BenchOptions: ParsableArguments {
  @Option(
    help: """
      The architecture (\(ModelZoo.names.joined(separator: ", "))) or, but for training, the path of a model file; \
      decides the size of the images too.
      """)
  var model = "enhanced"

  @Option(help: "Images per iteration; 128 where not given. Latency is always that of one image.")
  var batchSize: Int?

  @Option(help: "How many threads to use; CAPTCHA_THREADS or all processors where not given.")
  var threads: Int?

  @Option(help: "How a training takes the factors of its products and convolutions.")
  var precision = ArithmeticPrecision.float32

  @Option(help: "Measures at least this long, in seconds, and at least some iterations.")
  var seconds = 5.0

  @Option(help: "Iterations before the measurement; some of each kind of work where not given.")
  var warmUpIterations: Int?

  @Option(help: ArgumentHelp("A folder of images to use; drawn ones otherwise.", valueName: "dir"))
  var data: String?

  @Flag(help: "Writes JSON to standard output.")
  var json = false

  /// Refuses values that no measurement can use.
  func validate() throws {
    if let batchSize, !(1...65_536).contains(batchSize) {
      throw ValidationError("--batch-size is \(batchSize); give 1 to 65536")
    }
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is \(threads); give 1 to 1024") }
    if !(0...3600).contains(seconds) { throw ValidationError("--seconds is \(seconds); give 0 to 3600") }
    if let warmUpIterations, !(0...10_000).contains(warmUpIterations) {
      throw ValidationError("--warm-up-iterations is \(warmUpIterations); give 0 to 10000")
    }
    _ = try BenchmarkModel(model)
  }

  /// Prepares work and measures it.
  ///
  /// - Parameters:
  ///   - recorder: runs during the measured iterations.
  ///   - prepare: prepares the work from these options.
  func measure<Work: BenchmarkWork>(
    recorder: OperationRecorder? = nil, prepare: (BenchOptions) throws -> Work
  ) throws -> BenchmarkReport {
    // There is nothing to save.
    InterruptionSignals.endAtOnce()
    if let threads { Threads.count = threads }
    let work = try prepare(self)
    let timer = IterationTimer(
      warmUp: warmUpIterations ?? Work.warmUpIterations, seconds: seconds, minimum: Work.minimumIterations,
      recorder: recorder)
    StandardStreams.note("measuring \(Work.name) for at least \(String(format: "%g", seconds)) s")
    try work.run(timer)
    return BenchmarkReport(
      work: Work.name, model: model, precision: precision, batchSize: work.batchSize, seconds: timer.durations,
      dataBytes: work.dataBytes)
  }

  /// Prepares `work` and measures it.
  ///
  /// - Parameter recorder: runs during the measured iterations.
  func measure<Work: BenchmarkWork>(_ work: Work.Type, recorder: OperationRecorder? = nil) throws -> BenchmarkReport {
    try measure(recorder: recorder, prepare: Work.init)
  }

  /// Measures `work` and prints the figures.
  func report<Work: BenchmarkWork>(_ work: Work.Type) throws { try report(prepare: Work.init) }

  /// Measures the work that `prepare` prepares and prints the figures.
  func report<Work: BenchmarkWork>(prepare: (BenchOptions) throws -> Work) throws {
    let report = try measure(prepare: prepare)
    if json { return try StandardStreams.write(json: report) }
    for line in report.lines { StandardStreams.write(line) }
  }
}

/// Work that a measurement repeats.
protocol BenchmarkWork {
  /// The name of its subcommand.
  static var name: String { get }
  /// How many iterations warm it up, unless the user says otherwise.
  static var warmUpIterations: Int { get }
  /// The fewest iterations that make a measurement.
  static var minimumIterations: Int { get }
  /// Refuses options that this work cannot have, before anything is done.
  ///
  /// - Throws: `ValidationError` that names the option.
  static func check(_ options: BenchOptions) throws

  /// Prepares everything that is not measured.
  init(_ options: BenchOptions) throws
  /// The images of one iteration.
  var batchSize: Int { get }
  /// The bytes that the images take in memory.
  var dataBytes: Int { get }
  /// Repeats the work until the timer has enough.
  func run(_ timer: IterationTimer) throws
}

extension BenchmarkWork {
  static func check(_ options: BenchOptions) throws { try options.requireFloat32() }
}

extension BenchOptions {
  /// Refuses another precision for work that has only one.
  func requireFloat32() throws {
    if precision != .float32 {
      throw ValidationError("--precision is \"\(precision.rawValue)\"; only a training has it, leave the option out")
    }
  }
}

extension ArithmeticPrecision: ExpressibleByArgument {}
