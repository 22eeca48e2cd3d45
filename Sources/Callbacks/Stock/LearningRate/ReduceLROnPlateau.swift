/// Lowers the learning rate when a metric has stopped getting better.
///
/// Source: Keras 3 `ReduceLROnPlateau`, whose cooldown of N epochs keeps N − 1 of them from counting. Writes
/// `learning_rate` to the logs before it reduces the rate. By default a NaN is never the best value; `kerasCompatible`
/// gives Keras's way.
public final class ReduceLROnPlateau: StatefulCallback {
  public struct State: Codable, Sendable {
    /// Epochs since the last improvement or reduction.
    public internal(set) var wait = 0
    /// Epochs of the cooldown that are left.
    public internal(set) var cooldown = 0
    public internal(set) var best: Double?
  }

  public let name = "reduce_lr_on_plateau"
  public var state = State()

  private let monitor: Monitor
  private let factor: Double
  private let patience: Int
  private let cooldown: Int
  private let minLearningRate: Double

  /// - Parameters:
  ///   - monitor: the metric to watch.
  ///   - factor: what the rate is multiplied by, between 0 and 1.
  ///   - patience: how many epochs without improvement are endured.
  ///   - cooldown: how many epochs after a reduction do not count.
  ///   - minDelta: the smallest change that counts as an improvement.
  ///   - minLearningRate: the rate is not reduced below it.
  public init(
    monitor: MetricKey = .valLoss, mode: MonitorMode = .auto, factor: Double = 0.1, patience: Int = 10,
    cooldown: Int = 0, minDelta: Double = 1e-4, minLearningRate: Double = 0, kerasCompatible: Bool = false
  ) {
    self.monitor = Monitor(monitor, mode: mode, minDelta: minDelta, kerasCompatible: kerasCompatible)
    self.factor = factor
    self.patience = patience
    self.cooldown = cooldown
    self.minLearningRate = minLearningRate
  }

  public var requiredMetrics: [MetricKey] { [monitor.metric] }
  public var providedMetrics: [MetricKey] { [.learningRate] }

  /// The first epoch gives the best value unless it is NaN; at least one more must be worse, however small the patience.
  public func effects(in plan: TrainingPlan) -> [CallbackEffect] {
    [.changesLearningRate(firstEpoch: min(max(1, patience), .max - 1) + 1)]
  }

  public func check(_ plan: TrainingPlan) throws {
    try monitor.check(callback: name)
    try require(factor > 0 && factor < 1, "factor", factor, "give a number between 0 and 1")
    try require(patience >= 0, "patience", patience, "give 0 or more")
    try require(cooldown >= 0, "cooldown", cooldown, "give 0 or more")
    try require(minLearningRate >= 0 && minLearningRate.isFinite, "min_lr", minLearningRate, "give 0 or more")
  }

  public func onTrainBegin(_ context: any TrainingContext) { state = State() }

  public func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) {
    let rate = context.learningRate
    logs[.learningRate] = Double(rate)
    guard let value = logs[monitor.metric] else {
      context.warnMissing(monitor.metric, callback: name)
      return
    }
    if state.cooldown > 0 {
      state.cooldown -= 1
      state.wait = 0
    }
    if monitor.isImprovement(value, over: state.best) {
      state.best = value
      state.wait = 0
    } else if state.cooldown == 0 {
      state.wait += 1
      if state.wait >= patience && rate > Float(minLearningRate) {
        context.setLearningRate(max(Double(rate) * factor, minLearningRate), by: name)
        state.cooldown = cooldown
        state.wait = 0
      }
    }
  }
}
