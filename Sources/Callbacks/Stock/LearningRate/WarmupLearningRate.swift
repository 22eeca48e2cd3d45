/// Raises the learning rate evenly over the first epochs: `start + (target − start)·(epoch + 1)/epochs`, epochs from 0.
///
/// Sets the rate at epoch begin and leaves it alone once the warm-up is over.
public final class WarmupLearningRate: Callback {
  public let name = "warmup_learning_rate"

  private let start: Double
  private let target: Double
  private let epochs: Int

  /// - Parameters:
  ///   - start: the rate before the first step up.
  ///   - target: the rate of the last warm-up epoch.
  ///   - epochs: how many epochs the warm-up takes.
  public init(start: Double, target: Double, epochs: Int) {
    self.start = start
    self.target = target
    self.epochs = epochs
  }

  public func effects(in plan: TrainingPlan) -> [CallbackEffect] { [.setsLearningRate(epochs: 0..<max(0, epochs))] }

  public func check(_ plan: TrainingPlan) throws {
    try requirePositive("start_lr", start)
    try requirePositive("target_lr", target)
    try require(epochs > 0, "warmup_epochs", epochs, "give 1 or more")
  }

  public func warnings(for plan: TrainingPlan) -> [String] {
    // Allowed, since a short trial of a long recipe is useful.
    guard epochs > plan.epochs else { return [] }
    return [
      "\(name): the warm-up takes \(epochs) epochs and the training only \(plan.epochs), so the rate never reaches "
        + "\(target); train longer or set warmup_epochs lower"
    ]
  }

  public func onEpochBegin(_ context: any TrainingContext) {
    guard context.epoch < epochs else { return }
    let share = Double(context.epoch + 1) / Double(epochs)
    context.setLearningRate(start + (target - start) * share, by: name, isPlanned: true)
  }
}
