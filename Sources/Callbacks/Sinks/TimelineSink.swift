import Foundation

/// Writes how long a training has taken so far and what it had come to then (`timeline.csv`).
///
/// A row per epoch, and one more where a training was stopped within an epoch:
///
/// | column | holds |
/// |---|---|
/// | `epoch` | from 0 |
/// | `step` | all batches so far |
/// | `images` | all images so far that were trained on, each as often as it was seen |
/// | `training_seconds` | the time so far without that of validations |
/// | `validation_seconds` | the time of all validations so far, that of this row among them |
/// | `loss`, `val_loss`, `val_exact_match` | the epoch's metrics; `NA` where the epoch was not measured |
///
/// The time of training is that until the weights were ready that the row's validation measured; what comes between a
/// validation and the next epoch, such as saving models, counts as training of the next row. A run that goes on after an
/// interruption goes on from the row of its step, so that neither pauses nor steps that a crash has lost are counted; where
/// there is no such row, as in runs of older versions, or none with times that can be, the times are `NA` from there on.
public final class TimelineSink: EventSink {
  /// The columns beside `epoch`.
  public static let columns = [
    "step", "images", "training_seconds", "validation_seconds", "loss", "val_loss", "val_exact_match",
  ]

  private let table: EpochTable
  private let now: () -> ContinuousClock.Instant
  private var stepsPerEpoch = 0
  private var trainingSamples = 0
  private var epoch = 0
  private var step = 0
  private var images = 0
  private var writtenStep = 0
  /// nil where an earlier part of the run has not told its times.
  private var seconds: (training: Double, validation: Double)?
  /// Until when the time is counted; nil before the first epoch of this part.
  private var countedUntil: ContinuousClock.Instant?

  public convenience init(_ url: URL) { self.init(url, now: { .now }) }

  /// - Parameter now: tells the time.
  init(_ url: URL, now: @escaping () -> ContinuousClock.Instant) {
    table = EpochTable(url)
    self.now = now
  }

  public func receive(_ event: TrainingEvent) throws {
    switch event {
    case .trainBegan(let plan): try begin(plan)
    case .epochBegan(let epoch, _, _):
      self.epoch = epoch
      if countedUntil == nil { countedUntil = now() }
    case .batchEnded(let progress):
      step = progress.epoch * stepsPerEpoch + progress.step
      images = progress.epoch * trainingSamples + progress.images
    case .validationEnded(let summary): count(validation: summary.seconds)
    case .epochEnded(let summary): try append(summary.logs)
    case .trainEnded(let outcome, _, _):
      // What a failed training did after its last epoch is not saved.
      if case .failed = outcome { break }
      guard step > writtenStep else { break }
      count(validation: 0)
      try append([:])
    default: break
    }
  }

  private func begin(_ plan: TrainingPlan) throws {
    stepsPerEpoch = plan.stepsPerEpoch
    trainingSamples = plan.trainingSamples
    (step, writtenStep) = (plan.initialStep, plan.initialStep)
    images = 0
    countedUntil = nil
    func stepOfRow(_ row: [String: String]) -> Int? { row["step"].flatMap { Int($0) } }
    let last = try table.begin(
      keeping: !plan.isResuming ? nil : { row in stepOfRow(row).map { $0 <= plan.initialStep } ?? false })
    if table.columns.isEmpty { try table.setColumns(Self.columns) }
    seconds = plan.isResuming ? nil : (0, 0)
    func time(_ column: String) -> Double? {
      last?[column].flatMap { Double($0) }.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
    }
    if let last, stepOfRow(last) == plan.initialStep, let training = time("training_seconds"),
      let validation = time("validation_seconds")
    {
      seconds = (training, validation)
    }
  }

  /// Counts the time since it was last counted: so much of it for a validation, the rest for training.
  private func count(validation: Double) {
    guard let since = countedUntil else { return }
    let time = now()
    countedUntil = time
    seconds?.training += since.duration(to: time) / .seconds(1) - validation
    seconds?.validation += validation
  }

  private func append(_ logs: Logs) throws {
    writtenStep = step
    try table.append(epoch: epoch) { column in
      switch column {
      case "step": "\(step)"
      case "images": "\(images)"
      case "training_seconds": seconds.map { String(format: "%.3f", $0.training) }
      case "validation_seconds": seconds.map { String(format: "%.3f", $0.validation) }
      default: logs[MetricKey(rawValue: column)]?.cell
      }
    }
  }
}
