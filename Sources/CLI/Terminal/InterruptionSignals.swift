import Dispatch
import Foundation
import Synchronization
import Training

/// Turns the first Ctrl-C (SIGINT), SIGTERM or SIGHUP (a closed terminal) into a request to end the training; a second one ends the program at once.
final class InterruptionSignals {
  private let sources: [any DispatchSourceSignal]
  private let state: State
  private static let numbers = [SIGINT, SIGTERM, SIGHUP]

  /// What the handlers share with the rest.
  private final class State: Sendable {
    let received = Atomic<Int32>(0)
  }

  init(_ interruption: Interruption) {
    let state = State()
    let queue = DispatchQueue(label: "signals", qos: .userInteractive)
    sources = Self.numbers.map { number in
      // The source only sees signals whose own effect is off.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        if interruption.isRequested { _exit(128 + number) }
        state.received.store(number, ordering: .relaxed)
        interruption.request()
        StandardStreams.note(
          "\ninterrupted: ending after this step and saving; once more ends at once without saving")
      }
      source.resume()
      return source
    }
    self.state = state
  }

  /// The exit code that tells of the signal that came: 130, 143 or 129; nil if none has come.
  var exitCode: Int32? {
    let number = state.received.load(ordering: .relaxed)
    return number == 0 ? nil : 128 + number
  }

  /// Lets each of the signals end the program at once, with the exit code that tells of it: for work that has nothing to
  /// save.
  static func endAtOnce() {
    var set = sigset_t()
    sigemptyset(&set)
    for number in numbers {
      signal(number) { _exit(128 + $0) }
      sigaddset(&set, number)
    }
    // They may be blocked where another program started this one.
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
  }

  /// Gives the signals their usual effect back.
  func restore() {
    for source in sources { source.cancel() }
    for number in Self.numbers { signal(number, SIG_DFL) }
  }
}
