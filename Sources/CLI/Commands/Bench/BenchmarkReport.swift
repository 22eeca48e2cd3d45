import Tensor

/// The figures of one measurement; the fields of `bench --json`.
struct BenchmarkReport: Encodable {
  let work: String
  /// What `--model` said.
  let model: String
  let precision: ArithmeticPrecision
  let batchSize: Int
  let threads: Int
  /// The processor's name.
  let cpu: String
  let simd: String
  /// The kernels of OpenBLAS.
  let blas: String
  /// The images of an iteration over its median time, with all threads.
  let imagesPerSecond: Double
  let imagesPerSecondPerThread: Double
  let medianMilliseconds: Double
  let p99Milliseconds: Double
  let minimumMilliseconds: Double
  let maximumMilliseconds: Double
  /// How many iterations were measured.
  let iterations: Int
  /// The mean time of an iteration, for sums over iterations.
  let meanMilliseconds: Double
  /// The most memory that the process has held, the images included.
  let peakResidentBytes: Int
  /// What the images take of it.
  let dataBytes: Int

  /// - Parameter seconds: the time of each measured iteration; at least one.
  init(
    work: String, model: String, precision: ArithmeticPrecision, batchSize: Int, seconds: [Double], dataBytes: Int
  ) {
    self.work = work
    self.model = model
    self.precision = precision
    self.batchSize = batchSize
    self.dataBytes = dataBytes
    threads = Threads.count
    cpu = Machine.processor ?? "unknown"
    simd = SIMDLevel.active.rawValue
    blas = BLAS.selection.core
    let times = Quantiles(seconds.map { $0 * 1000 })
    iterations = seconds.count
    medianMilliseconds = times.median
    p99Milliseconds = times.value(atOrAbove: 0.99)
    minimumMilliseconds = times.minimum
    maximumMilliseconds = times.maximum
    meanMilliseconds = times.mean
    imagesPerSecond = Double(batchSize) / max(times.median / 1000, 1e-9)
    imagesPerSecondPerThread = imagesPerSecond / Double(threads)
    peakResidentBytes = Machine.peakResidentBytes
  }

  private enum CodingKeys: String, CodingKey {
    case work, model, precision, threads, cpu, simd, blas, iterations
    case batchSize = "batch_size"
    case imagesPerSecond = "images_per_second"
    case imagesPerSecondPerThread = "images_per_second_per_thread"
    case medianMilliseconds = "median_ms"
    case p99Milliseconds = "p99_ms"
    case minimumMilliseconds = "minimum_ms"
    case maximumMilliseconds = "maximum_ms"
    case meanMilliseconds = "mean_ms"
    case peakResidentBytes = "peak_rss_bytes"
    case dataBytes = "data_bytes"
  }

  /// What was measured, in a line.
  var title: String {
    "\(work) \(model), batch \(batchSize), \(threads) thread\(threads == 1 ? "" : "s"), \(simd)"
      + (precision == .float32 ? "" : ", \(precision.rawValue)")
  }

  /// The figures for people to read.
  var lines: [String] {
    let perThread = threads == 1 ? "" : " (\(imagesPerSecondPerThread.fixed(1)) per thread)"
    return [
      "\(title): \(imagesPerSecond.fixed(1)) images/s\(perThread)",
      "  time    median \(milliseconds(medianMilliseconds))  p99 \(milliseconds(p99Milliseconds))  minimum "
        + "\(milliseconds(minimumMilliseconds))  maximum \(milliseconds(maximumMilliseconds))  \(iterations.grouped) "
        + "iterations",
      "  memory  peak \(Self.size(peakResidentBytes)), of which images \(Self.size(dataBytes))",
      "  on      \(cpu), OpenBLAS kernels \(blas)",
    ]
  }

  private func milliseconds(_ value: Double) -> String { "\(value.fixed(value < 10 ? 3 : 1)) ms" }

  private static func size(_ bytes: Int) -> String {
    bytes >= 1_000_000_000 ? "\((Double(bytes) / 1e9).fixed(1)) GB" : "\((Double(bytes) / 1e6).fixed(1)) MB"
  }
}

/// Values by rank.
struct Quantiles {
  private let sorted: [Double]

  init(_ values: [Double]) {
    precondition(!values.isEmpty, "Quantiles: there are no values")
    sorted = values.sorted()
  }

  var minimum: Double { sorted[0] }
  var maximum: Double { sorted[sorted.count - 1] }
  var mean: Double { sorted.reduce(0, +) / Double(sorted.count) }
  /// The middle value, or the mean of the two in the middle.
  var median: Double { (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2 }

  /// The smallest value that is not below the share `share` of all values (nearest rank).
  func value(atOrAbove share: Double) -> Double {
    sorted[min(sorted.count, max(1, Int((share * Double(sorted.count)).rounded(.up)))) - 1]
  }
}
