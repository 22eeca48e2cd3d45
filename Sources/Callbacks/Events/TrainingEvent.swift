import Tensor

/// What has happened in a training, for those who watch it.
public enum TrainingEvent: Sendable {
  case trainBegan(TrainingPlan)
  /// `epoch` counts from 0; `learningRate` is the one that the epoch starts with.
  case epochBegan(epoch: Int, of: Int, learningRate: Float)
  case batchEnded(BatchProgress)
  case validationEnded(ValidationSummary)
  case epochEnded(EpochSummary)
  /// The weights after an epoch, by parameter name. Whoever keeps them makes training copy them.
  case weightsUpdated(epoch: Int, weights: [String: Tensor])
  /// How large the gradients were in an epoch.
  case gradientsMeasured(GradientSummary)
  /// A batch's update was left out; `step` counts from 0 over all epochs.
  case updateSkipped(step: Int, reason: String)
  case learningRateChanged(LearningRateChange)
  case modelSaved(SavedModel)
  /// The weights of the best epoch (from 0) are the model's again.
  case bestWeightsRestored(epoch: Int, metric: MetricKey, value: Double)
  /// An epoch's logs lack a metric that a callback watches.
  case metricMissing(MetricKey, callback: String, epoch: Int)
  case message(String)
  case warning(String)
  /// `epochsRun` counts all finished epochs, those before a resume included; `seconds` is the time of this part.
  case trainEnded(TrainingOutcome, epochsRun: Int, seconds: Double)
}

/// How far an epoch has got.
public struct BatchProgress: Sendable {
  /// From 0.
  public var epoch: Int
  public var epochs: Int
  /// Batches of this epoch that are done, and their number.
  public var step: Int
  public var steps: Int
  /// The images of those batches that are done.
  public var images: Int
  /// The epoch's running metrics.
  public var logs: Logs
  public var learningRate: Float
  public var imagesPerSecond: Double
  /// Seconds until the epoch's last batch is done.
  public var remainingSeconds: Double

  public init(
    epoch: Int, epochs: Int, step: Int, steps: Int, images: Int, logs: Logs, learningRate: Float,
    imagesPerSecond: Double, remainingSeconds: Double
  ) {
    self.epoch = epoch
    self.epochs = epochs
    self.step = step
    self.steps = steps
    self.images = images
    self.logs = logs
    self.learningRate = learningRate
    self.imagesPerSecond = imagesPerSecond
    self.remainingSeconds = remainingSeconds
  }
}

/// What an epoch came to.
public struct EpochSummary: Sendable {
  /// From 0.
  public var epoch: Int
  public var epochs: Int
  /// Everything that the loop and the callbacks measured.
  public var logs: Logs
  /// The rate that the epoch's last update used.
  public var learningRate: Float
  /// The epoch's time, validation included.
  public var seconds: Double
  /// Training images per second, validation not counted.
  public var imagesPerSecond: Double
  /// The share of the time without validation, 0 to 1, in which the loop waited for its next batch.
  public var dataWait: Double

  public init(
    epoch: Int, epochs: Int, logs: Logs, learningRate: Float, seconds: Double, imagesPerSecond: Double,
    dataWait: Double = 0
  ) {
    self.epoch = epoch
    self.epochs = epochs
    self.logs = logs
    self.learningRate = learningRate
    self.seconds = seconds
    self.imagesPerSecond = imagesPerSecond
    self.dataWait = dataWait
  }
}

/// A change of the learning rate: what was asked for, and what the optimizer then had.
public struct LearningRateChange: Sendable {
  /// From 0.
  public var epoch: Int
  /// The name of the callback that asked.
  public var callback: String
  public var earlier: Float
  public var requested: Double
  public var effective: Float
  /// Whether the change was known before the training.
  public var isPlanned: Bool

  public init(
    epoch: Int, callback: String, earlier: Float, requested: Double, effective: Float,
    isPlanned: Bool = false
  ) {
    self.epoch = epoch
    self.callback = callback
    self.earlier = earlier
    self.requested = requested
    self.effective = effective
    self.isPlanned = isPlanned
  }
}

/// A model file that was written, and why.
public struct SavedModel: Sendable {
  /// From 0.
  public var epoch: Int
  public var name: String
  public var metric: MetricKey?
  public var value: Double?

  public init(epoch: Int, name: String, metric: MetricKey?, value: Double?) {
    self.epoch = epoch
    self.name = name
    self.metric = metric
    self.value = value
  }
}

/// The Euclidean norms of the gradients in an epoch.
public struct GradientSummary: Sendable {
  /// From 0.
  public var epoch: Int
  /// By layer, such as `conv1`: the mean over the measured steps of the norm of all its gradients together.
  public var norms: [String: Double]

  public init(epoch: Int, norms: [String: Double]) {
    self.epoch = epoch
    self.norms = norms
  }
}
