import Foundation

/// Writes each event as a line of JSON, for programs that follow a training.
///
/// Every line is an object with `event` and `time` (ISO 8601, UTC); the other fields depend on the event:
///
/// | `event` | fields |
/// |---|---|
/// | `train_began` | `epoch` (the first), `epochs`, `steps` (per epoch), `images`, `validation_images`, `learning_rate` |
/// | `epoch_began` | `epoch`, `epochs`, `learning_rate` |
/// | `batch_ended` (at most one a second) | `epoch`, `epochs`, `step`, `steps` (both of the epoch), `logs`, `learning_rate`, `images_per_second`, `remaining_seconds` |
/// | `validation_ended` | `epoch`, `logs` |
/// | `epoch_ended` | `epoch`, `epochs`, `logs`, `learning_rate`, `seconds`, `images_per_second`, `data_wait` (the share of the time that the loop waited for batches) |
/// | `learning_rate_changed` | `epoch`, `callback`, `earlier`, `requested`, `learning_rate`, `is_planned` |
/// | `model_saved` | `epoch`, `name`, `metric`, `value` |
/// | `best_weights_restored` | `epoch`, `metric`, `value` |
/// | `metric_missing` | `epoch`, `metric`, `callback` |
/// | `gradients_measured` | `epoch`, `norms` |
/// | `update_skipped` | `step`, `text` |
/// | `message`, `warning` | `text` |
/// | `train_ended` | `epochs` (that were run), `seconds`, `outcome` (`completed`, `stopped` or `failed`), `text` |
///
/// Epochs and steps count from 0, as in `metrics.csv`. NaN and infinities are the texts `nan`, `inf` and `-inf`.
public final class JSONLinesSink: EventSink {
  private let now: () -> Date
  private let write: (String) throws -> Void
  private var lastBatch = Date.distantPast

  /// Writes to a stream, such as standard error.
  public convenience init(output: FileHandle) {
    self.init(now: { Date() }, write: { try output.write(contentsOf: Foundation.Data($0.utf8)) })
  }

  /// Writes to the end of a file.
  ///
  /// - Throws: an error that names the file where it can't be opened.
  public convenience init(_ url: URL) throws {
    let file = try GrowingFile(appendingTo: url)
    self.init(now: { Date() }, write: file.write)
  }

  /// - Parameters:
  ///   - now: tells the time.
  ///   - write: receives each line with its end.
  init(now: @escaping () -> Date, write: @escaping (String) throws -> Void) {
    self.now = now
    self.write = write
  }

  public func receive(_ event: TrainingEvent) throws {
    guard var line = EventLine(event) else { return }
    let time = now()
    if case .batchEnded(let progress) = event {
      // Whoever follows wants to know how it gets on, not ten thousand lines an epoch.
      guard time.timeIntervalSince(lastBatch) >= 1 || progress.step == progress.steps else { return }
      lastBatch = time
    }
    line.time = time.formatted(.iso8601)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    try write(String(decoding: try encoder.encode(line), as: UTF8.self) + "\n")
  }
}

/// What the line of an event says; fields that are nil are left out.
private struct EventLine: Encodable {
  var event: String
  var time = ""
  var epoch: Int?
  var epochs: Int?
  var step: Int?
  var steps: Int?
  var images: Int?
  var validationImages: Int?
  var logs: Pairs?
  var norms: Pairs?
  var learningRate: Float?
  var earlier: Float?
  var requested: Double?
  var isPlanned: Bool?
  var callback: String?
  var name: String?
  var metric: String?
  var value: Double?
  var seconds: Double?
  var imagesPerSecond: Double?
  var remainingSeconds: Double?
  var dataWait: Double?
  var outcome: String?
  var text: String?

  private enum CodingKeys: String, CodingKey {
    case event, time, epoch, epochs, step, steps, images, logs, norms, earlier, requested, callback, name, metric, value
    case seconds, outcome, text
    case validationImages = "validation_images"
    case learningRate = "learning_rate"
    case isPlanned = "is_planned"
    case imagesPerSecond = "images_per_second"
    case remainingSeconds = "remaining_seconds"
    case dataWait = "data_wait"
  }

  /// Numbers under names that stay as they are.
  struct Pairs: Encodable {
    private struct Key: CodingKey {
      let stringValue: String
      init(stringValue: String) { self.stringValue = stringValue }
      var intValue: Int? { nil }
      init?(intValue: Int) { nil }
    }

    let values: [(name: String, value: Double)]

    init(_ logs: Logs) { values = logs.map { ($0.key.rawValue, $0.value) } }
    init(_ values: [String: Double]) { self.values = values.map { ($0.key, $0.value) } }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      for (name, value) in values { try container.encode(value, forKey: Key(stringValue: name)) }
    }
  }

  /// nil for an event that is too large for a line.
  init?(_ event: TrainingEvent) {
    switch event {
    case .trainBegan(let plan):
      self.event = "train_began"
      (epoch, epochs, steps) = (plan.initialEpoch, plan.epochs, plan.stepsPerEpoch)
      (images, validationImages) = (plan.trainingSamples, plan.validationSamples)
      learningRate = plan.learningRate
    case .epochBegan(let epoch, let epochs, let rate):
      self.event = "epoch_began"
      (self.epoch, self.epochs, learningRate) = (epoch, epochs, rate)
    case .batchEnded(let progress):
      self.event = "batch_ended"
      (epoch, epochs, step, steps) = (progress.epoch, progress.epochs, progress.step, progress.steps)
      (logs, learningRate) = (Pairs(progress.logs), progress.learningRate)
      (imagesPerSecond, remainingSeconds) = (progress.imagesPerSecond, progress.remainingSeconds)
    case .validationEnded(let summary):
      self.event = "validation_ended"
      (epoch, logs) = (summary.epoch, Pairs(summary.logs))
    case .epochEnded(let summary):
      self.event = "epoch_ended"
      (epoch, epochs, logs) = (summary.epoch, summary.epochs, Pairs(summary.logs))
      (learningRate, seconds, imagesPerSecond) = (summary.learningRate, summary.seconds, summary.imagesPerSecond)
      dataWait = summary.dataWait
    case .learningRateChanged(let change):
      self.event = "learning_rate_changed"
      (epoch, callback, isPlanned) = (change.epoch, change.callback, change.isPlanned)
      (earlier, requested, learningRate) = (change.earlier, change.requested, change.effective)
    case .modelSaved(let model):
      self.event = "model_saved"
      (epoch, name, metric, value) = (model.epoch, model.name, model.metric?.rawValue, model.value)
    case .bestWeightsRestored(let epoch, let metric, let value):
      self.event = "best_weights_restored"
      (self.epoch, self.metric, self.value) = (epoch, metric.rawValue, value)
    case .metricMissing(let metric, let callback, let epoch):
      self.event = "metric_missing"
      (self.epoch, self.metric, self.callback) = (epoch, metric.rawValue, callback)
    case .gradientsMeasured(let summary):
      self.event = "gradients_measured"
      (epoch, norms) = (summary.epoch, Pairs(summary.norms))
    case .updateSkipped(let step, let reason):
      self.event = "update_skipped"
      (self.step, text) = (step, reason)
    case .message(let text):
      self.event = "message"
      self.text = text
    case .warning(let text):
      self.event = "warning"
      self.text = text
    case .trainEnded(let outcome, let epochs, let seconds):
      self.event = "train_ended"
      (self.epochs, self.seconds, text) = (epochs, seconds, Language.en.text(outcome))
      self.outcome =
        switch outcome {
        case .completed: "completed"
        case .stopped: "stopped"
        case .failed: "failed"
        }
    case .weightsUpdated: return nil
    }
  }
}
