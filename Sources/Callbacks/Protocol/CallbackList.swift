import Tensor

/// The callbacks of a training, called in their order.
public final class CallbackList {
  public let callbacks: [any Callback]

  public init(_ callbacks: [any Callback]) { self.callbacks = callbacks }

  /// Refuses, before the first step, arguments that make no sense, metrics that nothing reports and callbacks that undo
  /// one another.
  public func check(_ plan: TrainingPlan) throws {
    var available = plan.metrics
    for callback in callbacks {
      for metric in callback.requiredMetrics where !available.contains(metric) {
        throw CallbackError.unknownMetric(callback: callback.name, metric: metric, available: available.sorted())
      }
      try callback.check(plan)
      available.formUnion(callback.providedMetrics)
    }
    if let error = conflicts(plan).error { throw error }
  }

  /// What is allowed and probably not meant, for a list that `check` accepts.
  public func warnings(for plan: TrainingPlan) -> [String] {
    callbacks.flatMap { $0.warnings(for: plan) } + conflicts(plan).warnings
  }

  private func conflicts(_ plan: TrainingPlan) -> EffectConflicts {
    EffectConflicts(callbacks.map { ($0.name, $0.effects(in: plan)) }, plan: plan)
  }

  /// The weights that a callback gives to be measured and saved in place of the training's own; nil where none does.
  public var evaluationWeights: [String: Tensor]? { callbacks.lazy.compactMap(\.evaluationWeights).first }

  public func onTrainBegin(_ context: any TrainingContext) throws {
    for callback in callbacks { try callback.onTrainBegin(context) }
  }

  public func onEpochBegin(_ context: any TrainingContext) throws {
    for callback in callbacks { try callback.onEpochBegin(context) }
  }

  public func onBatchBegin(_ context: any TrainingContext) throws {
    for callback in callbacks { try callback.onBatchBegin(context) }
  }

  public func onUpdateBegin(_ context: any TrainingContext, update: inout PendingUpdate) throws {
    for callback in callbacks { try callback.onUpdateBegin(context, update: &update) }
  }

  public func onBatchEnd(_ context: any TrainingContext, logs: Logs) throws {
    for callback in callbacks { try callback.onBatchEnd(context, logs: logs) }
  }

  public func onValidationEnd(_ context: any TrainingContext, logs: Logs) throws {
    for callback in callbacks { try callback.onValidationEnd(context, logs: logs) }
  }

  public func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) throws {
    for callback in callbacks { try callback.onEpochEnd(context, logs: &logs) }
  }

  /// Tells every callback, also those after one that fails; then throws the first error.
  public func onTrainEnd(_ context: any TrainingContext, outcome: TrainingOutcome) throws {
    var first: (any Error)?
    for callback in callbacks {
      do { try callback.onTrainEnd(context, outcome: outcome) } catch { first = first ?? error }
    }
    if let first { throw first }
  }

  /// Everything that the callbacks must remember, in their order.
  public func savedStates() throws -> [SavedCallback] {
    try callbacks.map { SavedCallback(name: $0.name, state: try $0.savedState()) }
  }

  /// Takes over what a list of the same callbacks saved; call it after `onTrainBegin`.
  ///
  /// - Throws: `CallbackError.otherCallbacks` where the names or their order differ.
  public func restore(_ saved: [SavedCallback]) throws {
    let names = callbacks.map(\.name)
    guard saved.map(\.name) == names else {
      throw CallbackError.otherCallbacks(saved: saved.map(\.name), present: names)
    }
    for (callback, entry) in zip(callbacks, saved) { try callback.restore(entry.state) }
  }
}

/// The saved state of one callback, with its name.
public struct SavedCallback: Sendable {
  public var name: String
  public var state: CallbackState

  public init(name: String, state: CallbackState) {
    self.name = name
    self.state = state
  }
}
