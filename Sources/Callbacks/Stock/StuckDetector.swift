/// Says why a training reads nothing: when the exact match has been 0 for some epochs, it looks for the usual causes and
/// warns with the cause, its numbers and the remedy.
///
/// Causes that it knows: labels that contradict one another, outputs that are all padding, one reading for every image, a
/// charset or spelling that differs between training and validation, a learning rate that moves nothing. The warning comes
/// again when the training is still stuck after twice as many epochs.
public final class StuckDetector: StatefulCallback {
  public struct State: Codable, Sendable {
    /// Epochs in a row without an image read right.
    public internal(set) var epochs = 0
    /// Their training losses.
    var losses: [Double?] = []
    /// After how many such epochs the next warning is due.
    var due = 0
  }

  public let name = "stuck_detector"
  public var state = State()

  private let patience: Int
  private let samples: Int

  /// - Parameters:
  ///   - patience: after how many epochs without an image read right to warn.
  ///   - samples: how many validation images to look at, at most.
  public init(patience: Int = 5, samples: Int = 1000) {
    self.patience = patience
    self.samples = samples
  }

  public var requiredMetrics: [MetricKey] { [.valExactMatch] }

  public func check(_ plan: TrainingPlan) throws {
    try require(patience > 0, "patience", patience, "give 1 or more")
    try require(samples > 0, "samples", samples, "give 1 or more")
  }

  public func onTrainBegin(_ context: any TrainingContext) { state = State() }

  public func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) throws {
    guard let share = logs[.valExactMatch], !(share > 0) else {
      state = State()
      return
    }
    state.epochs += 1
    state.losses.append(logs[.loss])
    guard state.epochs >= max(patience, state.due) else { return }
    state.due = 2 * state.epochs
    let diagnosis = StuckDiagnosis(
      readings: try context.readings(samples: samples), contradictions: try context.contradictoryLabels(limit: 3),
      charset: context.plan.charset, trainingExactMatch: logs[.exactMatch], losses: state.losses.compactMap { $0 },
      learningRate: context.learningRate)
    context.send(
      .warning(
        "\(name): no validation image was read right for \(state.epochs) \(state.epochs == 1 ? "epoch" : "epochs"): \(diagnosis.text)"
      ))
  }
}
