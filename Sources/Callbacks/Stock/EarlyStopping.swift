import Tensor

/// Ends the training when a metric has stopped getting better, and puts back the best weights.
///
/// Source: Keras 3 `EarlyStopping`. The weights are put back at the end whether the training was stopped early or not; after
/// an error they stay as they are. The best weights are running statistics included, the optimizer not. By default a NaN
/// is never the best; `kerasCompatible` gives Keras's way, where a first NaN is the best for ever and its weights are
/// those that are put back.
public final class EarlyStopping: StatefulCallback {
  public struct State: Codable, Sendable {
    /// Epochs since the last improvement.
    public internal(set) var wait = 0
    public internal(set) var best: Double?
    /// From 0.
    public internal(set) var bestEpoch: Int?
    /// The epoch that asked for the stop, from 0.
    public internal(set) var stoppedEpoch: Int?
  }

  public let name = "early_stopping"
  public var state = State()

  private let monitor: Monitor
  private let patience: Int
  private let baseline: Double?
  private let startEpoch: Int
  private let restoresBestWeights: Bool
  private var bestWeights: [String: Tensor]?

  /// - Parameters:
  ///   - monitor: the metric to watch.
  ///   - minDelta: the smallest change that counts as an improvement.
  ///   - patience: how many epochs without improvement are endured.
  ///   - baseline: a value that must be reached too for the patience to start anew.
  ///   - startEpoch: the first epoch to look at, from 0; those before it are not tracked at all.
  ///   - restoreBestWeights: put the best epoch's weights back at the end.
  public init(
    monitor: MetricKey = .valLoss, mode: MonitorMode = .auto, minDelta: Double = 0, patience: Int = 0,
    baseline: Double? = nil, startEpoch: Int = 0, restoreBestWeights: Bool = false, kerasCompatible: Bool = false
  ) {
    self.monitor = Monitor(monitor, mode: mode, minDelta: minDelta, kerasCompatible: kerasCompatible)
    self.patience = patience
    self.baseline = baseline
    self.startEpoch = startEpoch
    restoresBestWeights = restoreBestWeights
  }

  /// The original system's delayed early stopping: begins with epoch `firstEpoch`, counted from 1.
  public static func delayed(
    firstEpoch: Int, monitor: MetricKey = .valLoss, mode: MonitorMode = .auto, minDelta: Double = 0, patience: Int,
    restoreBestWeights: Bool = true, kerasCompatible: Bool = false
  ) -> EarlyStopping {
    EarlyStopping(
      monitor: monitor, mode: mode, minDelta: minDelta, patience: patience, startEpoch: max(0, firstEpoch - 1),
      restoreBestWeights: restoreBestWeights, kerasCompatible: kerasCompatible)
  }

  public var requiredMetrics: [MetricKey] { [monitor.metric] }

  public func effects(in plan: TrainingPlan) -> [CallbackEffect] { restoresBestWeights ? [.restoresWeights] : [] }

  public func check(_ plan: TrainingPlan) throws {
    try monitor.check(callback: name)
    try require(patience >= 0, "patience", patience, "give 0 or more")
    try require(startEpoch >= 0, "start_from_epoch", startEpoch, "give 0 or more")
  }

  public func onTrainBegin(_ context: any TrainingContext) {
    state = State()
    bestWeights = nil
  }

  public func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) {
    guard let value = logs[monitor.metric] else {
      context.warnMissing(monitor.metric, callback: name)
      return
    }
    guard context.epoch >= startEpoch else { return }
    if monitor.kerasCompatible && bestWeights == nil { keepWeights(context) }
    state.wait += 1
    if monitor.isImprovement(value, over: state.best) {
      state.best = value
      state.bestEpoch = context.epoch
      keepWeights(context)
      if baseline == nil || monitor.isImprovement(value, over: baseline) { state.wait = 0 }
      return
    }
    if state.wait >= patience && context.epoch > 0 {
      state.stoppedEpoch = context.epoch
      context.requestStop(
        .noImprovement(
          monitor: monitor.metric, patience: patience, best: state.best, bestEpoch: state.bestEpoch))
    }
  }

  public func onTrainEnd(_ context: any TrainingContext, outcome: TrainingOutcome) throws {
    if case .failed = outcome { return }
    guard let weights = bestWeights else { return }
    try context.restoreWeights(weights)
    bestWeights = nil
    if let epoch = state.bestEpoch {
      context.send(.bestWeightsRestored(epoch: epoch, metric: monitor.metric, value: state.best ?? .nan))
    }
  }

  private func keepWeights(_ context: any TrainingContext) {
    if restoresBestWeights { bestWeights = context.evaluationWeights }
  }

  public func savedState() throws -> CallbackState {
    CallbackState(json: try encodedState(), tensors: bestWeights ?? [:])
  }

  public func restore(_ saved: CallbackState) throws {
    state = try decodedState(saved)
    bestWeights = saved.tensors.isEmpty ? nil : saved.tensors
  }
}
