/// Saves the model at epoch ends: by default when a metric is better than ever, otherwise after every epoch or every so
/// many.
///
/// ```swift
/// ModelCheckpoint()                                                        // the best, by val_loss
/// ModelCheckpoint(fileName: "last", saveBestOnly: false)                   // the last
/// ModelCheckpoint(fileName: "epoch-{epoch:03d}", saveBestOnly: false, every: 5, keep: 3)
/// ```
/// Source: Keras 3 `ModelCheckpoint`. By default a NaN is never the best value, and an epoch without the metric saves nothing;
/// `kerasCompatible` gives Keras's way, where a first NaN is the best for ever and a missing metric saves anyway. The best
/// value is kept over a second training with the same instance and over a resume; a resumed run never replaces a better
/// model that it finds.
public final class ModelCheckpoint: StatefulCallback {
  public struct State: Codable, Sendable {
    public internal(set) var best: Double?
    /// The files that were written and not removed, the oldest first; noted where their number is limited.
    public internal(set) var kept: [String]?
  }

  public let name = "model_checkpoint"
  public var state: State

  private let fileName: FileNameTemplate
  private let monitor: Monitor
  private let saveBestOnly: Bool
  private let every: Int
  private let keep: Int?
  private var guardian = BetterModelGuard()

  /// - Parameters:
  ///   - fileName: the file's name without folder and extension. It may hold `{epoch}` (counted from 1) and metrics, with
  ///     Python's formats: `model-{epoch:03d}-{val_loss:.4f}`. One name is overwritten at every save.
  ///   - monitor: the metric that says which epoch is best.
  ///   - saveBestOnly: false saves without looking at the metric.
  ///   - every: look at every so many epochs only.
  ///   - keep: how many files with different names to keep: the latest.
  ///   - initialBest: the value that must be improved on for the first save.
  public init(
    fileName: String = "best-val-loss", monitor: MetricKey = .valLoss, mode: MonitorMode = .auto,
    saveBestOnly: Bool = true, every: Int = 1, keep: Int? = nil, initialBest: Double? = nil,
    kerasCompatible: Bool = false
  ) {
    self.fileName = FileNameTemplate(fileName)
    self.monitor = Monitor(monitor, mode: mode, kerasCompatible: kerasCompatible)
    self.saveBestOnly = saveBestOnly
    self.every = every
    self.keep = keep
    state = State(best: initialBest)
  }

  public var requiredMetrics: [MetricKey] {
    (saveBestOnly ? [monitor.metric] : []) + fileName.metrics
  }

  public func effects(in plan: TrainingPlan) -> [CallbackEffect] { [.savesModel(named: fileName.text)] }

  public func check(_ plan: TrainingPlan) throws {
    if saveBestOnly { try monitor.check(callback: name) }
    try requireUsable(fileName)
    try require(every > 0, "every", every, "give 1 or more")
    guard let keep else { return }
    try require(keep > 0, "keep", keep, "give 1 or more, or leave it out to keep all")
    try require(
      fileName.isVariable, "keep", keep,
      "the file name \"\(fileName.text)\" is always the same; give one with {epoch}, or leave out keep")
  }

  public func warnings(for plan: TrainingPlan) -> [String] { warnings(of: fileName, savedEvery: every, in: plan) }

  public func onTrainBegin(_ context: any TrainingContext) { guardian = BetterModelGuard() }

  public func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) throws {
    guard (context.epoch + 1) % every == 0 else { return }
    let file = fileName.name(epoch: context.epoch, logs: logs)
    guard saveBestOnly else { return try save(context, file, value: nil) }
    guard let value = logs[monitor.metric] else {
      context.warnMissing(monitor.metric, callback: name)
      if monitor.kerasCompatible { try save(context, file, value: nil) }
      return
    }
    guard monitor.isImprovement(value, over: state.best) else { return }
    if let better = guardian.better(than: value, in: file, monitor, context) {
      state.best = better
      return
    }
    try save(context, file, value: value)
    state.best = value
  }

  private func save(_ context: any TrainingContext, _ file: String, value: Double?) throws {
    try context.saveModel(named: file, metric: value == nil ? nil : monitor.metric, value: value)
    guardian.noteSaved(file)
    guard let keep else { return }
    var kept = (state.kept ?? []).filter { $0 != file } + [file]
    while kept.count > keep { try context.removeModel(named: kept.removeFirst()) }
    state.kept = kept
  }
}
