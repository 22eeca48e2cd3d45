/// Ends the training when the running loss is NaN or infinite after a batch.
///
/// Source: Keras `TerminateOnNaN`. The batch's update has already happened: use it with a checkpoint of the best model.
public final class TerminateOnNonFinite: Callback {
  public let name = "terminate_on_non_finite"

  public init() {}

  public func onBatchEnd(_ context: any TrainingContext, logs: Logs) {
    if let loss = logs[.loss], !loss.isFinite { context.requestStop(.nonFinite(.loss)) }
  }
}
