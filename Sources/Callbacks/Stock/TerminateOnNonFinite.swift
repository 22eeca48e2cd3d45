import Tensor

/// Acts on a batch whose loss or gradients are NaN or infinite, before the weights change.
///
/// Source: Keras `TerminateOnNaN`, which only looks at the running loss after the update: by then the weights are spoilt.
/// Here that update is left out in every mode, so that the weights stay those of the step before.
public final class TerminateOnNonFinite: StatefulCallback {
  /// What happens beside leaving out the update.
  public enum Mode: String, CaseIterable, Sendable {
    /// The training ends after the epoch's validation.
    case stop
    /// The training fails at once.
    case raise
    /// The training goes on with the next batch; it ends where too many batches in a row are left out.
    case skip
  }

  public struct State: Codable, Sendable {
    /// Batches in a row that were left out, up to now.
    public internal(set) var skipped = 0
  }

  public let name = "terminate_on_non_finite"
  public var state = State()

  private let mode: Mode
  private let maximumSkips: Int

  /// - Parameter maximumSkips: how many batches in a row may be left out; one more ends the training.
  public init(mode: Mode = .stop, maximumSkips: Int = 10) {
    self.mode = mode
    self.maximumSkips = maximumSkips
  }

  public func check(_ plan: TrainingPlan) throws {
    try require(maximumSkips > 0, "max_skips", maximumSkips, "give 1 or more")
  }

  public func onTrainBegin(_ context: any TrainingContext) { state = State() }

  public func onUpdateBegin(_ context: any TrainingContext, update: inout PendingUpdate) throws {
    guard let fault = Self.fault(in: update) else {
      state.skipped = 0
      return
    }
    update.skip(because: fault)
    switch mode {
    case .stop: context.requestStop(.nonFinite(fault))
    case .raise:
      throw CallbackError.nonFinite(callback: name, step: context.step, fault: fault)
    case .skip:
      state.skipped += 1
      if state.skipped > maximumSkips { context.requestStop(.nonFinite(fault)) }
    }
  }

  /// What is not finite; nil where all is.
  private static func fault(in update: PendingUpdate) -> String? {
    if !update.loss.isFinite { return "the loss is \(update.loss)" }
    return update.namedGradients.first { !$0.gradient.norm.isFinite }.map { "the gradient of \($0.name) is not finite" }
  }

  public func onBatchEnd(_ context: any TrainingContext, logs: Logs) {
    // A loop without `onUpdateBegin`, or running numbers that were spoilt before.
    if mode != .skip, let loss = logs[.loss], !loss.isFinite {
      context.requestStop(.nonFinite("the loss is \(loss)"))
    }
  }
}
