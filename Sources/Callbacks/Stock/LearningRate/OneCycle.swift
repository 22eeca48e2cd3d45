/// One cycle of the learning rate over the whole training, set before every batch: up by half a cosine, then down by another.
///
/// The rate rises from `maximum / initialDivisor` to `maximum` during the warm-up share of all steps and falls to
/// `maximum / (initialDivisor · finalDivisor)` at the last one. Source: Smith 2018; numbers as PyTorch's
/// `OneCycleLR` with cosine annealing and two phases.
public final class OneCycle: StepSchedule {
  public let name = "one_cycle"
  public var state = ScheduledLength()

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

  public var dependsOnLength: Bool { true }

  public func check(_ plan: TrainingPlan) throws {
    try requirePositive("max_lr", maximum)
    try requirePositive("div_factor", initialDivisor)
    try requirePositive("final_div_factor", finalDivisor)
    try requireShare("pct_start", warmupShare)
    let first = maximum / initialDivisor
    try require(Float(first).isFinite, "div_factor", initialDivisor, "the first rate would be infinite; give more")
    try require(
      Float(first / finalDivisor).isFinite, "final_div_factor", finalDivisor,
      "the last rate would be infinite; give more")
  }

  /// After the last step the rate stays at its lowest.
  public func rate(step: Int, of steps: Int) -> Double {
    let first = maximum / initialDivisor
    let last = first / finalDivisor
    let top = warmupShare * Double(steps) - 1
    let end = Double(steps - 1)
    let position = min(Double(step), end)
    if position <= top {
      return CosineAnnealing.rate(from: first, to: maximum, share: top > 0 ? position / top : 1)
    }
    return CosineAnnealing.rate(from: maximum, to: last, share: (position - top) / (end - top))
  }
}
