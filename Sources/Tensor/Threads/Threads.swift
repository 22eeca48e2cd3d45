import Dispatch
import Foundation
import Synchronization

/// The processor threads that numerical work is divided among.
///
/// Work is cut into contiguous parts, always at the same places, so that the same thread count gives the same bits on every
/// run. There is one per thread, or there are several, of which each free thread takes the next.
public enum Threads {
  private static let configured = Atomic<Int>(0)

  /// How many threads the process may use; set once at start, before the first operation.
  ///
  /// Starts at the value of the environment variable `CAPTCHA_THREADS` or else at the number of processors that the
  /// process may run on.
  public static var count: Int {
    get {
      if isUndivided { return 1 }
      let value = configured.load(ordering: .relaxed)
      return value > 0 ? value : initialCount
    }
    set {
      precondition(newValue > 0, "Threads.count must be positive, not \(newValue)")
      configured.store(newValue, ordering: .relaxed)
    }
  }

  private static let initialCount: Int = {
    guard let text = ProcessInfo.processInfo.environment["CAPTCHA_THREADS"] else {
      return max(1, ProcessInfo.processInfo.activeProcessorCount)
    }
    guard let value = Int(text), value > 0 else {
      fatalError("CAPTCHA_THREADS=\(text): expected a whole number from 1 on")
    }
    return value
  }()

  @TaskLocal private static var isUndivided = false

  /// Calls `body`, within which `count` is 1: the calling thread does all work itself.
  ///
  /// For threads beside those that the work of the process is divided among.
  public static func undivided<Result>(_ body: () throws -> Result) rethrows -> Result {
    try $isUndivided.withValue(true, operation: body)
  }

  /// The part of `0..<count` that belongs to part `index` of `parts` equal ones.
  public static func part(_ index: Int, of parts: Int, count: Int) -> Range<Int> {
    (count * index / parts)..<(count * (index + 1) / parts)
  }

  /// Calls `body` once per thread with its own contiguous part of `0..<count`, and returns when all have finished.
  ///
  /// - Parameters:
  ///   - count: the number of work items; nothing is called for 0.
  ///   - minimum: the fewest items that are worth a thread of their own.
  ///   - body: receives the part's items and the part's index (`0..<Threads.count`).
  public static func forEachPart(
    of count: Int, minimum: Int = 1, _ body: @Sendable (_ items: Range<Int>, _ part: Int) -> Void
  ) {
    forEachPart(of: count, parts: partCount(of: count, minimum: minimum), body)
  }

  /// How many parts `forEachPart(of:minimum:_:)` makes; 0 for no items.
  static func partCount(of count: Int, minimum: Int) -> Int {
    count > 0 ? max(1, min(Self.count, count / max(1, minimum))) : 0
  }

  /// Calls `body` once for each of `parts` contiguous parts of `0..<count`, for callers that keep something per part.
  static func forEachPart(
    of count: Int, parts: Int, _ body: @Sendable (_ items: Range<Int>, _ part: Int) -> Void
  ) {
    guard count > 0, parts > 0 else { return }
    if parts == 1 { return body(0..<count, 0) }
    DispatchQueue.concurrentPerform(iterations: parts) { index in
      body(part(index, of: parts, count: count), index)
    }
  }

  /// Calls `body` once for each of `portions` contiguous parts of `0..<count`, each taken by the next free thread, so that a
  /// thread that is held up takes fewer. What is summed per portion has the same bits on every run.
  ///
  /// - Parameter scratch: what each thread needs, made once for all of its portions.
  static func forEachPortion<Scratch>(
    of count: Int, portions: Int, scratch: @Sendable () -> Scratch,
    _ body: @Sendable (_ items: Range<Int>, _ portion: Int, _ scratch: Scratch) -> Void
  ) {
    let next = Atomic<Int>(0)
    forEachPart(of: min(Self.count, portions), parts: min(Self.count, portions)) { _, _ in
      var made: Scratch?
      while true {
        let portion = next.wrappingAdd(1, ordering: .relaxed).oldValue
        if portion >= portions { return }
        let own = made ?? scratch()
        made = own
        body(part(portion, of: portions, count: count), portion, own)
      }
    }
  }

  /// The same without scratch memory.
  static func forEachPortion(
    of count: Int, portions: Int, _ body: @Sendable (_ items: Range<Int>, _ portion: Int) -> Void
  ) {
    forEachPortion(of: count, portions: portions, scratch: {}, { items, portion, _ in body(items, portion) })
  }

  /// How many portions of at least `minimum` items to cut `count` items into.
  ///
  /// - Parameter perThread: as many at most for each thread; portions that keep something cost memory and time.
  static func portionCount(of count: Int, minimum: Int, perThread: Int) -> Int {
    let threads = Self.count
    let most = threads == 1 ? 1 : threads * perThread
    return count == 0 ? 0 : max(1, min(most, count / max(1, minimum)))
  }

  /// The sum of what `body` returns for each thread's part of `0..<count`, added up in the order of the parts.
  static func sum(over count: Int, minimum: Int, _ body: @Sendable (_ items: Range<Int>) -> Double) -> Double {
    let parts = partCount(of: count, minimum: minimum)
    var sums = [Double](repeating: 0, count: parts)
    sums.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let shared = SharedPointer(base)
      forEachPart(of: count, parts: parts) { part, index in shared.pointer[index] = body(part) }
    }
    return sums.reduce(0, +)
  }

  /// Returns `transform` of every index in `0..<count` in order; each index is taken by the next free thread.
  public static func map<Result: Sendable>(
    count: Int, _ transform: @Sendable (Int) -> Result
  ) -> [Result] {
    guard count > 0 else { return [] }
    return [Result](unsafeUninitializedCapacity: count) { buffer, initialized in
      nonisolated(unsafe) let base = buffer.baseAddress!
      let next = Atomic<Int>(0)
      DispatchQueue.concurrentPerform(iterations: min(Self.count, count)) { _ in
        while true {
          let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
          if index >= count { return }
          (base + index).initialize(to: transform(index))
        }
      }
      initialized = count
    }
  }
}
