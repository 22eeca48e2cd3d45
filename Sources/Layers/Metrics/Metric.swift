import Tensor

/// What a metric sees of one batch.
public struct MetricBatch: Sendable {
  /// [N, positions, classes], each in 0...1.
  public let probabilities: Tensor
  /// The true classes [N, positions], int32.
  public let labels: Tensor
  /// The classes that were read [N, positions], int32.
  public let predicted: Tensor

  public init(probabilities: Tensor, labels: Tensor, predicted: Tensor) {
    precondition(
      probabilities.shape.rank == 3 && labels.shape == predicted.shape
        && labels.shape == [probabilities.shape[0], probabilities.shape[1]],
      "MetricBatch: probabilities \(probabilities.shape), labels \(labels.shape), predicted \(predicted.shape)")
    self.probabilities = probabilities
    self.labels = labels
    self.predicted = predicted
  }
}

/// A number about predictions, gathered batch by batch since the last reset.
public protocol Metric: Sendable {
  /// Its key in logs, as Keras would call it.
  var name: String { get }
  mutating func update(_ batch: MetricBatch)
  /// The value over all batches so far; 0 before the first.
  var result: Double { get }
  mutating func reset()
  /// All that was counted so far, so that a measurement can be saved and taken up again.
  var counts: [Int] { get set }
}
