import Synchronization

/// Called with the number of finished items and of all items, never by two threads at once, with rising numbers; the
/// last call has both equal.
public typealias ProgressHandler = @Sendable (_ done: Int, _ total: Int) -> Void

/// Counts items that several threads finish, and reports about a thousand times in all.
final class ProgressCounter: Sendable {
  private let total: Int
  private let step: Int
  private let handler: ProgressHandler?
  private let done = Mutex(0)

  init(total: Int, handler: ProgressHandler?) {
    self.total = total
    self.handler = handler
    step = max(1, total / 1000)
  }

  func advance() {
    guard let handler else { return }
    done.withLock { done in
      done += 1
      if done % step == 0 || done == total { handler(done, total) }
    }
  }
}
