import Foundation
import Synchronization

/// A line on standard error that counts work: rewritten in place on a terminal, else written once at the end.
final class ProgressLine: Sendable {
  private let title: String
  private let start = ContinuousClock.now
  private let state = Mutex((shown: -1.0, done: 0))

  /// - Parameter title: what is done to what, such as "drawing images".
  init(_ title: String) { self.title = title }

  /// Shows that `done` of `total` are done; may be called from any thread.
  func update(_ done: Int, _ total: Int) {
    let seconds = elapsed
    state.withLock { state in
      state.done = done
      guard StandardStreams.errorIsTerminal, seconds - state.shown >= 0.1 || done == total else { return }
      state.shown = seconds
      let share = total == 0 ? 1 : Double(done) / Double(total)
      let remaining = done == 0 ? 0 : seconds / share - seconds
      let text =
        "\(title) \(done.grouped)/\(total.grouped)  \((share * 100).fixed(0)) %  \(rate(done, seconds))/s  "
        + "\(remaining.fixed(0)) s left"
      StandardStreams.noteText("\r\u{1B}[K\(text)")
    }
  }

  /// Ends the line with what was done in all, and returns the seconds.
  @discardableResult
  func finish() -> Double {
    let seconds = elapsed
    let done = state.withLock(\.done)
    let text = "\(title): \(done.grouped) in \(seconds.fixed(1)) s (\(rate(done, seconds))/s)"
    StandardStreams.note((StandardStreams.errorIsTerminal ? "\r\u{1B}[K" : "") + text)
    return seconds
  }

  private var elapsed: Double { start.secondsUntilNow }
  private func rate(_ done: Int, _ seconds: Double) -> String { Int(Double(done) / max(seconds, 1e-9)).grouped }
}

extension ContinuousClock.Instant {
  /// Seconds from this instant until now.
  var secondsUntilNow: Double { duration(to: .now) / .seconds(1) }
}
