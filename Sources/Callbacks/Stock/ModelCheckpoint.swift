/// Saves the model at epoch ends, by default only when a metric is better than ever.
///
/// Source: Keras 3 `ModelCheckpoint`. By default a NaN is never the best value, and an epoch without the metric saves nothing;
/// `kerasCompatible` gives Keras's way, where a first NaN is the best for ever and a missing metric saves anyway. The best
/// value is kept over a second training with the same instance and over a resume.
public final class ModelCheckpoint: StatefulCallback {
  public struct State: Codable, Sendable {
    public internal(set) var best: Double?
  }

  public let name = "model_checkpoint"
  public var state: State

  private let fileName: FileNameTemplate
  private let monitor: Monitor
  private let saveBestOnly: Bool

  /// - Parameters:
  ///   - fileName: the file's name without folder and extension. It may hold `{epoch}` (counted from 1) and metrics, with
  ///     Python's formats: `model-{epoch:03d}-{val_loss:.4f}`. One name is overwritten at every save.
  ///   - monitor: the metric that says which epoch is best.
  ///   - saveBestOnly: false saves every epoch.
  ///   - initialBest: the value that must be improved on for the first save.
  public init(
    fileName: String = "best-val-loss", monitor: MetricKey = .valLoss, mode: MonitorMode = .auto,
    saveBestOnly: Bool = true, initialBest: Double? = nil, kerasCompatible: Bool = false
  ) {
    self.fileName = FileNameTemplate(fileName)
    self.monitor = Monitor(monitor, mode: mode, kerasCompatible: kerasCompatible)
    self.saveBestOnly = saveBestOnly
    state = State(best: initialBest)
  }

  public var requiredMetrics: [MetricKey] {
    (saveBestOnly ? [monitor.metric] : []) + fileName.metrics
  }

  public func check(_ plan: TrainingPlan) throws {
    if saveBestOnly { try monitor.check(callback: name) }
    if let fault = fileName.fault {
      throw CallbackError.invalidArgument(
        callback: name, argument: "filename", value: "\"\(fileName.text)\"", remedy: fault)
    }
  }

  public func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) throws {
    guard saveBestOnly else { return try save(context, logs, value: nil) }
    guard let value = logs[monitor.metric] else {
      context.warnMissing(monitor.metric, callback: name)
      if monitor.kerasCompatible { try save(context, logs, value: nil) }
      return
    }
    if monitor.isImprovement(value, over: state.best) {
      try save(context, logs, value: value)
      state.best = value
    }
  }

  private func save(_ context: any TrainingContext, _ logs: Logs, value: Double?) throws {
    try context.saveModel(
      named: fileName.name(epoch: context.epoch, logs: logs), metric: value == nil ? nil : monitor.metric, value: value)
  }
}
