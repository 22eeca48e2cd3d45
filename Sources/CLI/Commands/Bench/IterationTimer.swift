import Tensor

/// Times iterations: first some that do not count, then as many as a measurement needs.
final class IterationTimer {
  /// The seconds of each measured iteration.
  private(set) var durations: [Double] = []

  private var warmUp: Int
  private let seconds: Double
  private let minimum: Int
  private let recorder: OperationRecorder?
  private var start = ContinuousClock.now
  private var total = 0.0

  /// - Parameters:
  ///   - warmUp: how many iterations come before the measured ones.
  ///   - seconds: how long the measured ones take together, at least.
  ///   - minimum: how many there are, at least.
  ///   - recorder: runs during the measured ones.
  init(warmUp: Int, seconds: Double, minimum: Int, recorder: OperationRecorder?) {
    self.warmUp = warmUp
    self.seconds = seconds
    self.minimum = minimum
    self.recorder = recorder
  }

  /// Whether the operations are recorded too.
  var isRecording: Bool { recorder != nil }

  /// Whether enough was measured.
  var isFinished: Bool { durations.count >= minimum && total >= seconds }

  /// Begins an iteration.
  func begin() {
    if warmUp == 0 { recorder?.start() }
    start = .now
  }

  /// Ends the iteration that was begun.
  func end() {
    let elapsed = start.secondsUntilNow
    if warmUp > 0 {
      warmUp -= 1
      return
    }
    recorder?.stop()
    durations.append(elapsed)
    total += elapsed
  }

  /// Calls `body` once per iteration, with its number, until enough was measured.
  func run(_ body: (Int) throws -> Void) rethrows {
    var iteration = 0
    while !isFinished {
      begin()
      try body(iteration)
      end()
      iteration += 1
    }
  }
}
