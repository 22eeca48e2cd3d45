import Foundation

/// Lowers the learning rate by the same factor every so many steps: `initialLearningRate · decayRate^(step / decaySteps)`,
/// set before every batch.
///
/// As a staircase, the exponent is rounded down. Source: Keras 3 `ExponentialDecay`.
public final class ExponentialDecay: StepSchedule {
  public let name = "exponential_decay"
  public var state = ScheduledLength()

  private let initialLearningRate: Double
  private let decaySteps: Int
  private let decayRate: Double
  private let isStaircase: Bool

  /// - Parameters:
  ///   - initialLearningRate: the rate of the first step.
  ///   - decaySteps: how many steps a decay by `decayRate` takes.
  ///   - decayRate: what the rate is multiplied by within `decaySteps`, above 0 and at most 1.
  ///   - isStaircase: lower the rate at once after each `decaySteps`, not evenly.
  public init(initialLearningRate: Double, decaySteps: Int, decayRate: Double, isStaircase: Bool = false) {
    self.initialLearningRate = initialLearningRate
    self.decaySteps = decaySteps
    self.decayRate = decayRate
    self.isStaircase = isStaircase
  }

  public func check(_ plan: TrainingPlan) throws {
    try requirePositive("initial_learning_rate", initialLearningRate)
    try require(decaySteps > 0, "decay_steps", decaySteps, "give 1 or more")
    try require(decayRate > 0 && decayRate <= 1, "decay_rate", decayRate, "give a number above 0 and at most 1")
  }

  public func warnings(for plan: TrainingPlan) -> [String] {
    warningsOfZeroRate(in: plan, remedy: "give decay_steps more, or decay_rate nearer to 1")
  }

  public func rate(step: Int, of steps: Int) -> Double {
    let exponent = isStaircase ? Double(step / decaySteps) : Double(step) / Double(decaySteps)
    return initialLearningRate * pow(decayRate, exponent)
  }
}
