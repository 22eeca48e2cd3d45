/// Saves the model when it reads more whole texts right than ever, measured on a part of the validation images.
public final class ExactMatchCheckpoint: StatefulCallback {
  public struct State: Codable, Sendable {
    /// The best share so far, 0...1; a model that reads nothing right is never saved.
    public internal(set) var best = 0.0
  }

  public let name = "exact_match_checkpoint"
  public var state = State()

  private let fileName: FileNameTemplate
  private let every: Int
  private let samples: Int
  private let monitor = Monitor(.valExactMatch, mode: .max, kerasCompatible: false)
  private var guardian = BetterModelGuard()

  /// - Parameters:
  ///   - fileName: the file's name without folder and extension; it may hold what that of `ModelCheckpoint` may.
  ///   - every: measure after every so many epochs.
  ///   - samples: how many validation images to read, at most.
  public init(fileName: String = "best-exact-match", every: Int = 5, samples: Int = 2000) {
    self.fileName = FileNameTemplate(fileName)
    self.every = every
    self.samples = samples
  }

  public var requiredMetrics: [MetricKey] { fileName.metrics }

  public func effects(in plan: TrainingPlan) -> [CallbackEffect] { [.savesModel(named: fileName.text)] }

  public func check(_ plan: TrainingPlan) throws {
    try require(every > 0, "every", every, "give 1 or more")
    try require(samples > 0, "samples", samples, "give 1 or more")
    try requireUsable(fileName)
    try require(
      plan.validationSamples > 0, "samples", samples,
      "there is no validation image to read; give the run a validation part")
  }

  public func warnings(for plan: TrainingPlan) -> [String] { warnings(of: fileName, savedEvery: every, in: plan) }

  public func onTrainBegin(_ context: any TrainingContext) { guardian = BetterModelGuard() }

  public func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) throws {
    guard (context.epoch + 1) % every == 0 else { return }
    let share = try context.exactMatch(samples: samples)
    guard share > state.best else { return }
    let file = fileName.name(epoch: context.epoch, logs: logs)
    if let better = guardian.better(than: share, in: file, monitor, context) {
      state.best = better
      return
    }
    try context.saveModel(named: file, metric: .valExactMatch, value: share)
    guardian.noteSaved(file)
    state.best = share
  }
}
