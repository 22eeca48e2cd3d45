import ArgumentParser
import Tensor

/// `captcha-cli bench profile`.
struct BenchProfile: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile", abstract: "Measures where the time goes, operation by operation.",
    discussion: """
      GFLOP are those of the direct computation, and MB those of inputs and outputs if each were moved once, so \
      that the rates of different ways to compute the same can be compared. All figures are means per iteration.

      Example:
        captcha-cli bench profile train
        captcha-cli bench profile latency --model compact --threads 1 --json
      """)

  /// What can be looked into: the work that computes with tensors.
  enum Work: String, CaseIterable, ExpressibleByArgument {
    case train, infer, latency

    var type: any BenchmarkWork.Type {
      switch self {
      case .train: TrainingWork.self
      case .infer: InferenceWork.self
      case .latency: LatencyWork.self
      }
    }
  }

  @Argument(help: "The work to look into.")
  var work = Work.train

  @OptionGroup var options: BenchOptions

  func validate() throws { try work.type.check(options) }

  func run() throws {
    let recorder = OperationRecorder()
    let measurement = try options.measure(work.type, recorder: recorder)
    let report = ProfileReport(measurement, operations: recorder.operations)
    if options.json { return try StandardStreams.write(json: report) }
    for line in report.lines { StandardStreams.write(line) }
  }
}
