/// What a run is going to do, known before its first step.
public struct TrainingPlan: Equatable, Sendable {
  /// The number of the last epoch plus one; epochs count from 0.
  public var epochs: Int
  /// The epoch that the run starts with: 0, or more when it resumes.
  public var initialEpoch: Int
  /// The number of batches that an earlier part of the run has done; 0 for a new run.
  public var initialStep: Int
  /// The number of batches of one epoch, a short last one included; 0 where only a configuration is checked and the
  /// number of images is not known.
  public var stepsPerEpoch: Int
  public var trainingSamples: Int
  public var validationSamples: Int
  /// The optimizer's learning rate before any callback changes it.
  public var learningRate: Float
  /// The metrics that the loop reports at the end of each epoch.
  public var metrics: Set<MetricKey>
  /// The characters that the model can read; empty where it is not known.
  public var charset: String

  public init(
    epochs: Int, initialEpoch: Int = 0, initialStep: Int = 0, stepsPerEpoch: Int, trainingSamples: Int = 0,
    validationSamples: Int = 0,
    learningRate: Float, metrics: Set<MetricKey>, charset: String = ""
  ) {
    self.epochs = epochs
    self.initialEpoch = initialEpoch
    self.initialStep = initialStep
    self.stepsPerEpoch = stepsPerEpoch
    self.trainingSamples = trainingSamples
    self.validationSamples = validationSamples
    self.learningRate = learningRate
    self.metrics = metrics
    self.charset = charset
  }

  /// Whether the run goes on with an earlier one.
  public var isResuming: Bool { initialStep > 0 || initialEpoch > 0 }
}
