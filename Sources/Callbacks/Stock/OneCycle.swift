import Foundation

/// One cycle of the learning rate over the whole training, set before every batch: up by half a cosine, then down by another.
///
/// The rate rises from `maximum / initialDivisor` to `maximum` during the warm-up share of all steps and falls to
/// `maximum / (initialDivisor · finalDivisor)` at the last one. Source: Smith 2018; numbers as PyTorch's
/// `OneCycleLR` with cosine annealing and two phases.
public final class OneCycle: StatefulCallback {
  public let name = "one_cycle"

  /// What must stay as it is when a training resumes.
  public struct State: Codable, Sendable {
    /// The steps of the whole cycle.
    var steps: Int?
  }

  public var state = State()

  private let maximum: Double
  private let warmupShare: Double
  private let initialDivisor: Double
  private let finalDivisor: Double

  /// - Parameters:
  ///   - maximum: the highest rate.
  ///   - warmupShare: the share of the steps in which the rate rises, 0...1.
  ///   - initialDivisor: `maximum` divided by the first rate.
  ///   - finalDivisor: the first rate divided by the last one.
  public init(maximum: Double, warmupShare: Double = 0.3, initialDivisor: Double = 25, finalDivisor: Double = 1e4) {
    self.maximum = maximum
    self.warmupShare = warmupShare
    self.initialDivisor = initialDivisor
    self.finalDivisor = finalDivisor
  }

  public var providedMetrics: [MetricKey] { [.learningRate] }

  public func check(_ plan: TrainingPlan) throws {
    let positive = [("max_lr", maximum), ("div_factor", initialDivisor), ("final_div_factor", finalDivisor)]
    for (argument, value) in positive where !(value > 0 && value.isFinite) {
      throw CallbackError.invalidArgument(
        callback: name, argument: argument, value: "\(value)", remedy: "give a positive number")
    }
    if !(0...1).contains(warmupShare) {
      throw CallbackError.invalidArgument(
        callback: name, argument: "pct_start", value: "\(warmupShare)", remedy: "give a number from 0 to 1")
    }
  }

  public func onTrainBegin(_ context: any TrainingContext) {
    state.steps = Self.plannedSteps(context)
  }

  private static func plannedSteps(_ context: any TrainingContext) -> Int {
    context.plan.epochs * context.plan.stepsPerEpoch
  }

  /// Refuses another number of steps: the rate would jump into the middle of a longer cycle.
  public func restore(_ saved: CallbackState) throws {
    let planned = state.steps
    state = try decodedState(saved)
    if let planned, let steps = state.steps, planned != steps {
      throw CallbackError.invalidArgument(
        callback: name, argument: "the cycle", value: "made for \(steps) steps, and this training has \(planned)",
        remedy: "resume with the same epochs and images, or start a new run")
    }
  }

  public func onEpochBegin(_ context: any TrainingContext) {
    // Once per epoch through the call that reports; the steps between would fill a log.
    context.setLearningRate(rate(step: context.step, of: Self.plannedSteps(context)), by: name, isPlanned: true)
  }

  public func onBatchBegin(_ context: any TrainingContext) {
    context.learningRate = Float(rate(step: context.step, of: Self.plannedSteps(context)))
  }

  public func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) {
    logs[.learningRate] = Double(context.learningRate)
  }

  /// The rate for step `step` (from 0) of `steps`; after the last step it stays at its lowest.
  func rate(step: Int, of steps: Int) -> Double {
    let first = maximum / initialDivisor
    let last = first / finalDivisor
    let top = warmupShare * Double(steps) - 1
    let end = Double(steps - 1)
    let position = min(Double(step), end)
    if position <= top {
      return Self.cosine(from: first, to: maximum, share: top > 0 ? position / top : 1)
    }
    return Self.cosine(from: maximum, to: last, share: (position - top) / (end - top))
  }

  private static func cosine(from start: Double, to end: Double, share: Double) -> Double {
    end + (start - end) / 2 * (cos(.pi * share) + 1)
  }
}
