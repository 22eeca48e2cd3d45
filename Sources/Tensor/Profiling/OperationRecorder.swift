import Synchronization

/// Records which operations run, how long each takes and how much work it is.
///
/// ```swift
/// let recorder = OperationRecorder()
/// recorder.start()
/// _ = model(images, .inference)
/// recorder.stop()
/// for operation in recorder.operations { print(operation.name, operation.seconds, operation.flops) }
/// ```
/// Every operation of a backend is recorded, and everything that runs within `measure`. Meant for one thread that calls
/// the operations; the threads among which an operation divides its work are its own affair.
public final class OperationRecorder: Sendable {
  /// All calls of one operation with the same shapes in the same pass.
  public struct Operation: Sendable {
    /// The part of the work that called it: `forward`, or what `OperationRecorder.pass` named.
    public let pass: String
    /// The backend's method, or the name given to `measure`.
    public let name: String
    /// The shapes that decide how much work one call is.
    public let shapes: [Shape]
    /// How many times it was called.
    public fileprivate(set) var calls = 0
    /// The time of all calls, without that of operations recorded within them.
    public fileprivate(set) var seconds = 0.0
    /// The floating-point operations of all calls, counted as those of the direct computation.
    public fileprivate(set) var flops = 0
    /// The bytes of all calls, if every input were read once and every output written once.
    public fileprivate(set) var bytes = 0
  }

  private struct Key: Hashable {
    let pass: String
    let name: String
    let shapes: [Shape]
  }

  private struct State {
    var operations: [Operation] = []
    var indices: [Key: Int] = [:]
    var pass = OperationRecorder.firstPass
    /// The seconds of all operations together.
    var seconds = 0.0
  }

  /// The pass of what runs outside `pass(_:_:)`.
  private static let firstPass = "forward"
  private static let isRecording = Atomic<Bool>(false)
  private static let active = Mutex<OperationRecorder?>(nil)

  private let state = Mutex(State())

  public init() {}

  /// What was recorded so far, in the order of the first calls.
  public var operations: [Operation] { state.withLock(\.operations) }

  /// Records from now on, in addition to what was recorded before. Only one recorder of a process can do so at a time.
  public func start() {
    Self.active.withLock { active in
      precondition(active == nil, "OperationRecorder.start: a recorder is running already; stop it first")
      active = self
    }
    Self.isRecording.store(true, ordering: .relaxed)
  }

  /// Records no more; does nothing where this recorder does not run.
  public func stop() {
    Self.active.withLock { active in
      guard active === self else { return }
      Self.isRecording.store(false, ordering: .relaxed)
      active = nil
    }
  }

  /// The recorder that runs, if any. Costs one relaxed load where none does.
  static var current: OperationRecorder? {
    guard isRecording.load(ordering: .relaxed) else { return nil }
    return active.withLock { $0 }
  }

  /// Runs `body` and records it as an operation where a recorder runs.
  ///
  /// Operations within it stay operations of their own: their time is taken off.
  /// - Parameters:
  ///   - name: what the record calls it.
  ///   - shapes: what tells calls of different size apart.
  ///   - flops: its floating-point operations; 0 where they are not known.
  ///   - bytes: those of its inputs and outputs.
  public static func measure<Result>(
    _ name: String, shapes: @autoclosure () -> [Shape] = [], flops: @autoclosure () -> Int = 0,
    bytes: @autoclosure () -> Int = 0, _ body: () throws -> Result
  ) rethrows -> Result {
    guard let recorder = current else { return try body() }
    return try recorder.record(name, shapes(), flops: flops(), bytes: { _ in bytes() }, body)
  }

  /// Runs `body`; where a recorder runs, what it records meanwhile belongs to the pass `name`, such as `backward`.
  public static func pass<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
    guard let recorder = current else { return try body() }
    let outer = recorder.state.withLock { state in
      defer { state.pass = name }
      return state.pass
    }
    defer { recorder.state.withLock { $0.pass = outer } }
    return try body()
  }

  /// Runs and records `body`; `bytes` may look at the result.
  func record<Result>(
    _ name: String, _ shapes: [Shape], flops: Int, bytes: (Result) -> Int, _ body: () throws -> Result
  ) rethrows -> Result {
    let before = state.withLock(\.seconds)
    let start = ContinuousClock.now
    let result = try body()
    let elapsed = start.duration(to: .now) / .seconds(1)
    let bytes = bytes(result)
    state.withLock { state in
      let own = elapsed - (state.seconds - before)
      let key = Key(pass: state.pass, name: name, shapes: shapes)
      let index = state.indices[key] ?? state.operations.count
      if index == state.operations.count {
        state.indices[key] = index
        state.operations.append(Operation(pass: state.pass, name: name, shapes: shapes))
      }
      state.operations[index].calls += 1
      state.operations[index].seconds += own
      state.operations[index].flops += flops
      state.operations[index].bytes += bytes
      state.seconds += own
    }
    return result
  }
}
