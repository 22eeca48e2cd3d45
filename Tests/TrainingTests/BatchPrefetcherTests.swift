import Foundation
import Synchronization
import Testing

@testable import Training

/// What a test's source has been asked for.
private final class Calls: Sendable {
  private let begun = Mutex<[Int]>([])
  var indices: [Int] { begun.withLock { $0.sorted() } }
  func add(_ index: Int) { begun.withLock { $0.append(index) } }
}

@Suite struct BatchPrefetcherTests {
  @Test(arguments: [0, 1, 2, 5, 40]) func batchesComeInOrderEachMadeOnce(ahead: Int) throws {
    let calls = Calls()
    let batches = BatchPrefetcher(count: 30, ahead: ahead) { index in
      calls.add(index)
      // Later ones are ready earlier.
      usleep(UInt32((index + 1) % 3) * 300)
      return index * index
    }
    defer { batches.stop() }
    for index in 0..<30 { #expect(try batches.next() == index * index) }
    #expect(calls.indices == Array(0..<30))
  }

  @Test(arguments: [1, 2, 3]) func noMoreThanSomeAreMadeAhead(ahead: Int) throws {
    let calls = Calls()
    let finished = DispatchSemaphore(value: 0)
    let batches = BatchPrefetcher(count: 20, ahead: ahead) { index in
      calls.add(index)
      finished.signal()
      return index
    }
    defer { batches.stop() }
    for taken in 0..<10 {
      for _ in 0..<(taken == 0 ? ahead : 1) { finished.wait() }
      // Those that were made are all that may be: a thread that went on would soon show.
      usleep(2000)
      #expect(calls.indices == Array(0..<taken + ahead))
      #expect(try batches.next() == taken)
    }
  }

  @Test(arguments: [0, 1, 2, 4]) func anErrorComesAtItsBatch(ahead: Int) throws {
    let batches = BatchPrefetcher(count: 10, ahead: ahead) { index in
      if index >= 3 { throw Mishap(description: "batch \(index)") }
      return index
    }
    defer { batches.stop() }
    for index in 0..<3 { #expect(try batches.next() == index) }
    #expect(throws: Mishap(description: "batch 3")) { try batches.next() }
  }

  @Test func stoppingWaitsForTheBatchThatIsBeingMadeAndEndsTheThreads() throws {
    let (begun, mayEnd) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let ended = Atomic(false)
    let batches = BatchPrefetcher(count: 10, ahead: 1) { index in
      begun.signal()
      mayEnd.wait()
      ended.store(true, ordering: .sequentiallyConsistent)
      return index
    }
    begun.wait()
    #if os(Linux)
      // A thread may begin its work before it has its name.
      for _ in 0..<100 where !threadNames.contains("batches\n") { Thread.sleep(forTimeInterval: 0.01) }
      #expect(threadNames.contains("batches\n"))
    #endif
    DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(20)) { mayEnd.signal() }
    batches.stop()
    let hasEnded = ended.load(ordering: .sequentiallyConsistent)
    #expect(hasEnded)
    // Again, and without any batches.
    batches.stop()
    BatchPrefetcher(count: 0, ahead: 2) { $0 }.stop()
    try expectNoThreads()
  }

  /// No thread that makes batches is left, some moments after the last was stopped.
  private func expectNoThreads() throws {
    #if os(Linux)
      for _ in 0..<1000 where threadNames.contains("batches\n") { usleep(10_000) }
      #expect(!threadNames.contains("batches\n"))
    #endif
  }

  /// The names of this process's threads, as Linux tells them.
  private var threadNames: [String] {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
    return tasks.compactMap { try? String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8) }
  }

  @Test func noThreadIsLeftWhereverTheLoopEnds() throws {
    for taken in 0...6 {
      let batches = BatchPrefetcher(count: 6, ahead: 2) { $0 }
      for index in 0..<taken { #expect(try batches.next() == index) }
      batches.stop()
    }
    try expectNoThreads()
  }
}
