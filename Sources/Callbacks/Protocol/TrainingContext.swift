import Tensor

/// What a callback sees of a running training, and all that it may change.
public protocol TrainingContext: AnyObject {
  /// What the run is going to do.
  var plan: TrainingPlan { get }
  /// The current epoch, from 0.
  var epoch: Int { get }
  /// The number of batches done since the training's first epoch; it goes on counting when a run resumes.
  var step: Int { get }
  /// The rate that the optimizer uses for its next update.
  ///
  /// Change it through `setLearningRate(_:by:)`, which tells the event sinks.
  var learningRate: Float { get set }

  /// Copies of all weights that are being trained, by parameter name, running statistics included.
  func weightsSnapshot() -> [String: Tensor]
  /// Puts back what `weightsSnapshot()` returned.
  func restoreWeights(_ snapshot: [String: Tensor]) throws
  /// The weights that are measured and saved: those of `weightsSnapshot()`, or what a callback gives in their place.
  var evaluationWeights: [String: Tensor] { get }
  /// Writes the model as it is now to `checkpoints/NAME.safetensors` of the run directory, in place of an earlier one of
  /// that name.
  ///
  /// - Parameters:
  ///   - name: the file's name without folder and extension, such as `best-val-loss`.
  ///   - metadata: texts for the file beside the model's own description.
  /// - Throws: an error that names the file where it can't be written.
  func saveModel(named name: String, metadata: [String: String]) throws
  /// The metadata of a model file that this run has written; nil where there is none that can be read.
  func modelMetadata(named name: String) -> [String: String]?
  /// Removes a model file that this run has written; nothing happens where there is none.
  func removeModel(named name: String) throws
  /// What is read on the first `samples` validation images with the weights as they are now.
  func readings(samples: Int) throws -> [LabelledReading]
  /// Pictures of the training part that occur more than once with different labels, at most `limit` of them; none where
  /// the images are drawn for each epoch.
  func contradictoryLabels(limit: Int) throws -> [ContradictoryLabels]

  /// Ends the training: the loop leaves the batch loop at once, validation and epoch end still run. The first reason
  /// counts.
  func requestStop(_ reason: StopReason)
  /// Tells every event sink.
  func send(_ event: TrainingEvent)
}

extension TrainingContext {
  /// Sets the learning rate and reports both what was asked for and what the optimizer then has.
  ///
  /// - Parameters:
  ///   - rate: rounded to Float, as in Keras.
  ///   - callback: the name of the callback that asks.
  ///   - isPlanned: whether the change was known before the training, as those of a schedule are.
  public func setLearningRate(_ rate: Double, by callback: String, isPlanned: Bool = false) {
    let earlier = learningRate
    learningRate = Float(rate)
    send(
      .learningRateChanged(
        LearningRateChange(
          epoch: epoch, callback: callback, earlier: earlier, requested: rate, effective: learningRate,
          isPlanned: isPlanned)))
  }

  /// The share of the first `samples` validation images whose whole text is read right, 0...1, with the weights as they
  /// are now.
  public func exactMatch(samples: Int) throws -> Double {
    let readings = try readings(samples: samples)
    return readings.isEmpty ? 0 : Double(readings.count(where: \.isRight)) / Double(readings.count)
  }

  /// Saves the model because `metric` has `value`, and reports it.
  public func saveModel(named name: String, metric: MetricKey?, value: Double?) throws {
    var metadata = ["epoch": "\(epoch + 1)"]
    if let metric, let value { metadata[metric.rawValue] = "\(value)" }
    try saveModel(named: name, metadata: metadata)
    send(.modelSaved(SavedModel(epoch: epoch, name: name, metric: metric, value: value)))
  }
}

extension TrainingContext {
  /// Warns that an epoch's logs lack a metric that a callback watches.
  func warnMissing(_ metric: MetricKey, callback: String) {
    send(.metricMissing(metric, callback: callback, epoch: epoch))
  }
}
