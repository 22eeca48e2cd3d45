import Foundation

/// Lowers the learning rate by half a cosine again and again, set before every batch: each restart begins high once more.
///
/// The first decay takes `firstDecaySteps`, each later one `tMul` times as many as the one before, and begins with `mMul`
/// times its rate above the lowest one, which is `alpha · initialLearningRate` for all. A decay may begin between two
/// steps. Source: Keras 3 `CosineDecayRestarts`; SGDR, Loshchilov & Hutter 2016.
public final class CosineDecayRestarts: StepSchedule {
  public let name = "cosine_decay_restarts"
  public var state = ScheduledLength()

  private let initialLearningRate: Double
  private let firstDecaySteps: Int
  private let tMul: Double
  private let mMul: Double
  private let alpha: Double

  /// - Parameters:
  ///   - initialLearningRate: the rate of the first step.
  ///   - firstDecaySteps: how many steps the first decay takes.
  ///   - tMul: how much longer each decay is than the one before: 1, or at least 1.01.
  ///   - mMul: what the height of each decay is multiplied by for the next.
  ///   - alpha: the lowest rate as a share of `initialLearningRate`, 0...1.
  public init(
    initialLearningRate: Double, firstDecaySteps: Int, tMul: Double = 2, mMul: Double = 1, alpha: Double = 0
  ) {
    self.initialLearningRate = initialLearningRate
    self.firstDecaySteps = firstDecaySteps
    self.tMul = tMul
    self.mMul = mMul
    self.alpha = alpha
  }

  public func check(_ plan: TrainingPlan) throws {
    try requirePositive("initial_learning_rate", initialLearningRate)
    try require(firstDecaySteps > 0, "first_decay_steps", firstDecaySteps, "give 1 or more")
    // Decays that get shorter would all be over after a finite number of steps.
    try require(tMul >= 1 && tMul.isFinite, "t_mul", tMul, "give a number of at least 1")
    // So that the number of restarts before a step, which are counted one by one, stays small.
    try require(tMul == 1 || tMul >= 1.01, "t_mul", tMul, "give 1, or at least 1.01")
    try requirePositive("m_mul", mMul)
    try requireShare("alpha", alpha)
    // A height that grows with every restart can leave what a float holds.
    let last = restart(before: max(0, plan.steps - 1)).count
    try require(
      Float(initialLearningRate * pow(mMul, Double(last))).isFinite, "m_mul", mMul,
      "the rate becomes infinite in this run; give 1 or less")
  }

  public func warnings(for plan: TrainingPlan) -> [String] {
    warningsOfZeroRate(in: plan, remedy: "give m_mul nearer to 1, or alpha more than 0")
  }

  public func rate(step: Int, of steps: Int) -> Double {
    let (count, share) = restart(before: step)
    let lowest = alpha * initialLearningRate
    return CosineAnnealing.rate(
      from: lowest + (initialLearningRate - lowest) * pow(mMul, Double(count)), to: lowest, share: share)
  }

  /// How many restarts a step has behind it, and the share of the present decay that is done.
  private func restart(before step: Int) -> (count: Int, share: Double) {
    if tMul == 1 {
      let (count, rest) = step.quotientAndRemainder(dividingBy: firstDecaySteps)
      return (count, Double(rest) / Double(firstDecaySteps))
    }
    // Not Keras's logarithm: where a restart falls on a step, its rounding can give the step to the decay before and so
    // the lowest rate in place of the highest. The sums here are rounded too, hence the margin.
    let margin = 1e-12 * Double(step + 1)
    var (count, rest, length) = (0, Double(step), Double(firstDecaySteps))
    while rest > length - margin {
      rest -= length
      length *= tMul
      count += 1
    }
    return (count, max(0, rest) / length)
  }
}
