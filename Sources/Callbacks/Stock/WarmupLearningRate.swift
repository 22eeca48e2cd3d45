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

  public func check(_ plan: TrainingPlan) throws {
    for (argument, rate) in [("start_lr", start), ("target_lr", target)] where !(rate > 0 && rate.isFinite) {
      throw CallbackError.invalidArgument(
        callback: name, argument: argument, value: "\(rate)", remedy: "give a positive number")
    }
    if epochs < 1 {
      throw CallbackError.invalidArgument(
        callback: name, argument: "warmup_epochs", value: "\(epochs)", remedy: "give 1 or more")
    }
  }

  public func onTrainBegin(_ context: any TrainingContext) {
    // Allowed, since a short trial of a long recipe is useful.
    guard epochs > context.plan.epochs else { return }
    context.send(
      .warning(
        "\(name): the warm-up takes \(epochs) epochs and the training only \(context.plan.epochs), so the rate never "
          + "reaches \(target); train longer or set warmup_epochs lower"))
  }

  public func onEpochBegin(_ context: any TrainingContext) {
    guard context.epoch < epochs else { return }
    let share = Double(context.epoch + 1) / Double(epochs)
    context.setLearningRate(start + (target - start) * share, by: name, isPlanned: true)
  }
}
