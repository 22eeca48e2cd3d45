/// Ends the training after a number of seconds, at the next batch's end.
///
/// The time of a run that is resumed counts from where it was saved.
public final class TimeBudget: StatefulCallback {
  public struct State: Codable, Sendable {
    /// Seconds used before this run began.
    public internal(set) var earlier = 0.0
  }

  public let name = "time_budget"
  public let adjustableArguments: Set<String> = ["seconds"]

  /// The seconds used so far are part of what is saved.
  public var state: State {
    get { State(earlier: used) }
    set {
      earlier = newValue.earlier
      begin = now()
    }
  }

  private let seconds: Double
  private let now: () -> ContinuousClock.Instant
  private var earlier = 0.0
  private var begin: ContinuousClock.Instant?

  /// - Parameter seconds: how long the training may take.
  public convenience init(seconds: Double) { self.init(seconds: seconds, now: { .now }) }

  /// - Parameter now: tells the time.
  init(seconds: Double, now: @escaping () -> ContinuousClock.Instant) {
    self.seconds = seconds
    self.now = now
  }

  private var used: Double {
    guard let begin else { return earlier }
    return earlier + begin.duration(to: now()) / .seconds(1)
  }

  public func check(_ plan: TrainingPlan) throws {
    try require(seconds > 0 && seconds.isFinite, "seconds", seconds, "give a positive number")
  }

  public func onTrainBegin(_ context: any TrainingContext) { state = State() }

  /// - Throws: `CallbackError` where nothing is left of the time: each resume would train one batch more.
  public func restore(_ saved: CallbackState) throws {
    state = try decodedState(saved)
    try require(
      earlier < seconds, "seconds", seconds,
      "the run has used \(Int(earlier.rounded(.up))) s already; give more to go on")
  }

  public func onBatchEnd(_ context: any TrainingContext, logs: Logs) {
    if used >= seconds { context.requestStop(.timeBudget(seconds: seconds)) }
  }
}
