/// Lowers the learning rate by half a cosine, set before every batch, after a warm-up if there is one.
///
/// In the warm-up the rate rises evenly from `initialLearningRate` to `warmupTarget`; then it falls within `decaySteps`
/// from there, or without a warm-up from `initialLearningRate`, to `alpha` times as much, and stays. Source: Keras 3
/// `CosineDecay`.
public final class CosineDecay: StepSchedule {
  public let name = "cosine_decay"
  public var state = ScheduledLength()

  private let initialLearningRate: Double
  private let decaySteps: Int?
  private let alpha: Double
  private let warmupTarget: Double?
  private let warmupSteps: Int

  /// - Parameters:
  ///   - initialLearningRate: the rate of the first step.
  ///   - decaySteps: how many steps the decay takes; nil for all steps of the training after the warm-up.
  ///   - alpha: the lowest rate as a share of the highest, 0...1.
  ///   - warmupTarget: the rate that the warm-up ends with; nil for no warm-up.
  ///   - warmupSteps: how many steps the warm-up takes, before those of the decay.
  public init(
    initialLearningRate: Double, decaySteps: Int? = nil, alpha: Double = 0, warmupTarget: Double? = nil,
    warmupSteps: Int = 0
  ) {
    self.initialLearningRate = initialLearningRate
    self.decaySteps = decaySteps
    self.alpha = alpha
    self.warmupTarget = warmupTarget
    self.warmupSteps = warmupSteps
  }

  public var dependsOnLength: Bool { decaySteps == nil }

  public func check(_ plan: TrainingPlan) throws {
    if let warmupTarget {
      try require(
        initialLearningRate >= 0 && Float(initialLearningRate).isFinite, "initial_learning_rate", initialLearningRate,
        "give 0 or more")
      try requirePositive("warmup_target", warmupTarget)
      // Keras would skip the warm-up without a word, and with it the initial rate.
      try require(warmupSteps > 0, "warmup_steps", warmupSteps, "give 1 or more, or remove warmup_target")
    } else {
      try requirePositive("initial_learning_rate", initialLearningRate)
      try require(warmupSteps == 0, "warmup_steps", warmupSteps, "give warmup_target too, the rate to warm up to")
    }
    try requireShare("alpha", alpha)
    if let decaySteps {
      try require(decaySteps > 0, "decay_steps", decaySteps, "give 1 or more, or null for all steps of the run")
    }
  }

  public func warnings(for plan: TrainingPlan) -> [String] {
    if let warmupTarget, warmupSteps >= plan.steps {
      return warningsOfUnfinishedWarmup(steps: warmupSteps, target: warmupTarget, in: plan)
    }
    return warningsOfZeroRate(
      in: plan, remedy: "set decay_steps to null for a decay to the end, or alpha to more than 0")
  }

  public func rate(step: Int, of steps: Int) -> Double {
    if let warmupTarget, step < warmupSteps {
      return (warmupTarget - initialLearningRate) * (Double(step) / Double(warmupSteps)) + initialLearningRate
    }
    let top = warmupTarget ?? initialLearningRate
    // A training that ends within the warm-up leaves no steps to divide by.
    let length = decaySteps ?? max(1, steps - warmupSteps)
    return CosineAnnealing.rate(
      from: top, to: alpha * top, share: Double(min(step - warmupSteps, length)) / Double(length))
  }
}
