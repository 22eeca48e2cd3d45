/// A learning rate that is a function of the step alone, whatever it was before.
///
/// The rate is set before every batch and reported once per epoch; the epoch's last one is logged as `learning_rate`. A
/// schedule is its arguments, their checks and its formula:
/// ```swift
/// final class InverseDecay: StepSchedule {
///   let name = "inverse_decay"
///   var state = ScheduledLength()
///   func rate(step: Int, of steps: Int) -> Double { 0.1 / Double(step + 1) }
/// }
/// ```
public protocol StepSchedule: StatefulCallback where State == ScheduledLength {
  /// The rate for a step.
  ///
  /// - Parameters:
  ///   - step: from 0, over all epochs; it can be past the last one where a training goes on.
  ///   - steps: the number of steps of the whole training, at least 1.
  /// - Returns: a finite number of at least 0; anything else ends the training with an error.
  func rate(step: Int, of steps: Int) throws -> Double
  /// Whether the rate depends on `steps`, by default not: such a training can't be resumed with another number of steps,
  /// since the rate would jump into the middle of another curve.
  var dependsOnLength: Bool { get }
}

/// What must stay as it is when a training with a schedule resumes.
public struct ScheduledLength: Codable, Sendable {
  /// The steps of the whole training; nil where the schedule does not depend on them.
  var steps: Int?

  public init() {}
}

extension StepSchedule {
  public var dependsOnLength: Bool { false }

  public var providedMetrics: [MetricKey] { [.learningRate] }

  public func effects(in plan: TrainingPlan) -> [CallbackEffect] { [.setsLearningRate(epochs: 0..<Int.max)] }

  public func onTrainBegin(_ context: any TrainingContext) {
    state.steps = dependsOnLength ? context.plan.steps : nil
  }

  /// - Throws: `CallbackError` where the schedule was made for another number of steps.
  public func restore(_ saved: CallbackState) throws {
    let planned = state.steps
    state = try decodedState(saved)
    if let planned, let steps = state.steps, planned != steps {
      throw CallbackError.invalidArgument(
        callback: name, argument: "the schedule", value: "made for \(steps) steps, and this training has \(planned)",
        remedy: "resume with the same epochs and images, or start a new run")
    }
  }

  public func onEpochBegin(_ context: any TrainingContext) throws {
    // Once per epoch through the call that reports; the steps between would fill a log.
    context.setLearningRate(try currentRate(context), by: name, isPlanned: true)
  }

  public func onBatchBegin(_ context: any TrainingContext) throws {
    context.learningRate = Float(try currentRate(context))
  }

  public func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) throws {
    logs[.learningRate] = Double(context.learningRate)
  }

  private func currentRate(_ context: any TrainingContext) throws -> Double {
    let rate = try rate(step: context.step, of: context.plan.steps)
    try requireUsable(rate, at: "step \(context.step)")
    return rate
  }

  /// A warning where the last steps of a training have the rate 0; a single one may be meant.
  func warningsOfZeroRate(in plan: TrainingPlan, remedy: String) -> [String] {
    var first = plan.steps
    // Where it is 0 for longer, the exact step does not matter.
    let earliest = max(0, plan.steps - 100_000)
    while first > earliest, let rate = try? rate(step: first - 1, of: plan.steps), Float(rate) == 0 { first -= 1 }
    guard first < plan.steps - 1 else { return [] }
    return [
      "\(name): the learning rate is 0 from step \(first + 1) of \(plan.steps) on, so that nothing is learnt there; "
        + remedy
    ]
  }

  /// A warning where a training ends before the rate has risen to its target.
  func warningsOfUnfinishedWarmup(steps: Int, target: Double, in plan: TrainingPlan) -> [String] {
    guard plan.steps > 0, steps >= plan.steps else { return [] }
    return [
      "\(name): the warm-up takes \(steps) steps and the training has only \(plan.steps), so the rate never reaches "
        + "\(target); train longer or set warmup_steps lower"
    ]
  }
}

extension TrainingPlan {
  /// The number of steps of the whole training, those before a resume included; 0 where it is not known.
  var steps: Int { epochs * stepsPerEpoch }
}

extension Callback {
  /// Refuses a rate that no optimizer can train with.
  ///
  /// - Parameter place: the epoch or step that the rate is for, counted as the schedule counts it.
  func requireUsable(_ rate: Double, at place: @autoclosure () -> String) throws {
    guard rate >= 0 && Float(rate).isFinite else {
      throw CallbackError.unusableRate(callback: name, rate: "\(rate)", place: place())
    }
  }
}
