import Callbacks
import Data
import Foundation
import Tensor

/// Writes event files that TensorBoard shows while a training runs and afterwards: `tensorboard --logdir FOLDER`.
///
/// Each run adds a file to the folder, with epochs counted from 1 as steps:
///
/// | tag | shows |
/// |---|---|
/// | `loss/loss`, `loss/val_loss` | every metric as `metrics.csv` names it, those of one kind in one group |
/// | `training/learning_rate` | the rate of the epoch's last update |
/// | `training/images_per_second`, `training/seconds` | as in the events; the seconds include the validation |
/// | `gradients/LAYER` | the norms of the gradients, where a callback measures them |
/// | `weights/NAME` | the distribution of each parameter's finite values, as a histogram |
/// | `weights/non_finite` | how many weights are NaN or infinite; only where there are any |
/// | `misread/1` to `misread/6`, `misread/readings` | images that were read wrong, and as text what was read |
/// | `configuration` | the configuration, as text |
///
/// Its folder `batches` holds, with batches counted from 1 over all epochs as steps, `batch/loss` (the mean over the
/// epoch's batches so far, as Keras reports it) and `batch/learning_rate`. It is a run of its own for TensorBoard: a
/// run that goes on after an interruption declares void what a crash has left behind from its first step on, which must
/// not mix both kinds of steps.
///
/// To keep the files small, histograms are written for the epochs 1, 2, 3, 4, 6, 8, 12, 16 and so on, images for 1, 2,
/// 4, 8 and so on, and both for the last one; batches at most 100 times per epoch, less often in a training of more
/// than 20 epochs.
public final class TensorBoardSink: EventSink {
  private static let misreadImages = 6
  private static let pointsPerEpoch = 100
  /// TensorBoard itself shows 1000 of each tag, chosen at random.
  private static let pointsPerTraining = 2000
  private static let histogramSchedule = DetailSchedule(perDoubling: 2)
  private static let imageSchedule = DetailSchedule(perDoubling: 1)

  private let folder: URL
  private let configuration: String?
  private let now: () -> Date

  private var plan: TrainingPlan?
  private var epochs: EventFile?
  private var batches: EventFile?
  /// The details of the latest epoch, where it was not due: they are written if it turns out to be the last.
  private var latestHistograms: (step: Int, values: [Tensorboard_Summary.Value])?
  private var latestMisread: (step: Int, images: [MisreadImage])?

  /// - Parameters:
  ///   - folder: where the event files go; made when the training begins.
  ///   - configuration: what was chosen for this training, shown as it is.
  public convenience init(_ folder: URL, configuration: String? = nil) {
    self.init(folder, configuration: configuration, now: { Date() })
  }

  /// - Parameter now: tells the time.
  init(_ folder: URL, configuration: String?, now: @escaping () -> Date) {
    self.folder = folder
    self.configuration = configuration
    self.now = now
  }

  /// - Throws: `EventSinkError` where a file can't be written.
  public func receive(_ event: TrainingEvent) throws {
    switch event {
    case .trainBegan(let plan): try begin(plan)
    case .batchEnded(let progress): try add(progress)
    case .validationEnded(let summary): try add(summary)
    case .gradientsMeasured(let summary):
      let norms = summary.norms.sorted { $0.key < $1.key }
      try epochs?.append(step: summary.epoch + 1, norms.map { .scalar("gradients/\($0.key)", $0.value) })
    case .epochEnded(let summary): try add(summary)
    case .weightsUpdated(let epoch, let weights): try add(weights, step: epoch + 1)
    case .trainEnded: try end()
    default: break
    }
  }

  private func begin(_ plan: TrainingPlan) throws {
    self.plan = plan
    batches = nil
    (latestHistograms, latestMisread) = (nil, nil)
    let step = plan.initialEpoch + 1
    epochs = try EventFile(in: folder, firstStep: step, now: now)
    if let configuration {
      try epochs?.append(step: step, [.text("configuration", Markdown.code(configuration))])
    }
  }

  private func end() throws {
    if let (step, values) = latestHistograms { try epochs?.append(step: step, values) }
    if let (step, images) = latestMisread { try write(images, step: step) }
    (plan, epochs, batches) = (nil, nil, nil)
    (latestHistograms, latestMisread) = (nil, nil)
  }

  // MARK: Scalars

  private func add(_ progress: BatchProgress) throws {
    guard let plan else { return }
    let step = progress.epoch * progress.steps + progress.step
    if batches == nil {
      // Only now is known where an epoch that was interrupted goes on.
      batches = try EventFile(in: folder.appendingPathComponent("batches"), firstStep: step, now: now)
    }
    let points = min(Self.pointsPerEpoch, max(1, Self.pointsPerTraining / max(1, plan.epochs)))
    let interval = (progress.steps + points - 1) / points
    guard progress.step % interval == 0 || progress.step == progress.steps else { return }
    var values: [Tensorboard_Summary.Value] = []
    if let loss = progress.logs[.loss] { values.append(.scalar("batch/loss", loss)) }
    values.append(.scalar("batch/learning_rate", Double(progress.learningRate)))
    try batches?.append(step: step, values)
  }

  private func add(_ summary: EpochSummary) throws {
    var logs = summary.logs
    let rate = logs[.learningRate] ?? Double(summary.learningRate)
    logs[.learningRate] = nil
    let metrics = logs.map { key, value in Tensorboard_Summary.Value.scalar(Self.tag(key), value) }
    let training: [Tensorboard_Summary.Value] = [
      .scalar("training/learning_rate", rate),
      .scalar("training/images_per_second", summary.imagesPerSecond),
      .scalar("training/seconds", summary.seconds),
    ]
    try epochs?.append(step: summary.epoch + 1, metrics + training)
  }

  /// A group for the metric, and its own name.
  static func tag(_ key: MetricKey) -> String {
    let name = key.rawValue
    return (key.isValidation ? String(name.dropFirst("val_".count)) : name) + "/" + name
  }

  // MARK: Details

  private func add(_ weights: [String: Tensor], step: Int) throws {
    var nonFinite = 0
    var values: [Tensorboard_Summary.Value] = []
    for (name, tensor) in weights.sorted(by: { $0.key < $1.key }) where tensor.dtype == .float32 {
      let histogram = tensor.withElements(of: Float.self) { WeightHistogram($0) }
      nonFinite += histogram.nonFiniteCount
      values.append(.histogram("weights/\(name)", histogram))
    }
    if nonFinite > 0 { try epochs?.append(step: step, [.scalar("weights/non_finite", Double(nonFinite))]) }
    if Self.histogramSchedule.isDue(step) {
      try epochs?.append(step: step, values)
      latestHistograms = nil
    } else {
      latestHistograms = (step, values)
    }
  }

  private func add(_ summary: ValidationSummary) throws {
    let (step, images) = (summary.epoch + 1, Array(summary.misread.prefix(Self.misreadImages)))
    if Self.imageSchedule.isDue(step) {
      try write(images, step: step)
      latestMisread = nil
    } else {
      latestMisread = (step, images)
    }
  }

  private func write(_ images: [MisreadImage], step: Int) throws {
    let text = images.isEmpty ? "No image was read wrong." : Markdown.table(images)
    var values = [Tensorboard_Summary.Value.text("misread/readings", text)]
    do {
      for (index, image) in images.enumerated() {
        values.append(try .image("misread/\(index + 1)", image.picture))
      }
    } catch {
      throw EventSinkError(file: epochs?.url.path ?? folder.path, reason: "\(error)")
    }
    try epochs?.append(step: step, values)
  }
}
