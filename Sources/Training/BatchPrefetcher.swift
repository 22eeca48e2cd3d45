import Foundation
import Tensor

/// Makes batches ahead of the loop that uses them, on threads of its own, and hands them out in order.
///
/// Each thread makes whole batches alone, so that a batch has the same bytes whatever else runs, and two of them can use
/// two processors while the loop waits. Whoever makes one must call `stop()`.
final class BatchPrefetcher<Batch: Sendable>: @unchecked Sendable {
  private let count: Int
  private let ahead: Int
  private let make: @Sendable (Int) throws -> Batch
  /// Guards everything below.
  private let condition = NSCondition()
  /// The next batch that a thread takes up, and the next that `next()` returns.
  private var nextToMake = 0
  private var nextToTake = 0
  private var made: [Int: Result<Batch, any Error>] = [:]
  private var runningThreads = 0
  private var isStopped = false
  private var waited = 0.0

  /// - Parameters:
  ///   - count: how many batches there are.
  ///   - ahead: how many may be made or being made before they are asked for; 0 makes each when it is asked for, on the
  ///     caller's thread, which divides the work as usual.
  ///   - make: makes a batch from its index, by any thread; equal indices give equal bytes.
  init(count: Int, ahead: Int, make: @escaping @Sendable (Int) throws -> Batch) {
    precondition(count >= 0 && ahead >= 0, "BatchPrefetcher: \(count) batches, \(ahead) ahead are not possible")
    self.count = count
    self.ahead = ahead
    self.make = make
    runningThreads = min(ahead, count, Threads.count)
    for _ in 0..<runningThreads {
      let thread = Thread { [self] in
        // Known to the system only when it is set from within.
        Thread.current.name = "batches"
        Threads.undivided(run)
      }
      thread.start()
    }
  }

  /// The seconds that `next()` has taken so far.
  var waitedSeconds: Double { condition.withLock { waited } }

  /// The next batch.
  ///
  /// - Throws: what making it threw; there is no batch after that.
  func next() throws -> Batch {
    let start = ContinuousClock.now
    condition.lock()
    defer {
      waited += start.secondsSince
      condition.unlock()
    }
    precondition(nextToTake < count, "BatchPrefetcher.next: all \(count) batches were taken")
    precondition(!isStopped, "BatchPrefetcher.next: stopped")
    let index = nextToTake
    if ahead == 0 {
      let batch = try make(index)
      nextToTake += 1
      return batch
    }
    while made[index] == nil { condition.wait() }
    guard let result = made[index] else { preconditionFailure("BatchPrefetcher.next: no batch \(index)") }
    // One that failed stays, for whoever asks again.
    let batch = try result.get()
    made[index] = nil
    nextToTake += 1
    condition.broadcast()
    return batch
  }

  /// Ends the threads; returns when none makes a batch any more. What was made and not asked for is lost.
  func stop() {
    condition.withLock {
      isStopped = true
      condition.broadcast()
      while runningThreads > 0 { condition.wait() }
      made = [:]
    }
  }

  private func run() {
    condition.lock()
    while true {
      while !isStopped, nextToMake < count, nextToMake >= nextToTake + ahead { condition.wait() }
      if isStopped || nextToMake >= count { break }
      let index = nextToMake
      nextToMake += 1
      condition.unlock()
      let result = Result { try make(index) }
      condition.lock()
      made[index] = result
      // None after it can be asked for.
      if case .failure = result { nextToMake = count }
      condition.broadcast()
    }
    runningThreads -= 1
    condition.broadcast()
    condition.unlock()
  }
}
