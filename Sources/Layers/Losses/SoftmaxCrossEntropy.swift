import Tensor

/// Softmax cross-entropy of every position's classes; the mean over positions and images.
public struct SoftmaxCrossEntropy: Loss {
  public static let name = "softmax"
  /// The share of the target's probability that is spread evenly over all classes.
  public let labelSmoothing: Float

  public init(labelSmoothing: Float = 0) { self.labelSmoothing = labelSmoothing }

  public var outputActivation: OutputActivation { .softmax }

  public func callAsFunction(_ logits: Tensor, labels: Tensor) -> Tensor {
    let classes = logits.shape.count / max(1, labels.shape.count)
    return logits.reshaped(to: [labels.shape[0], labels.shape[1], classes])
      .softmaxCrossEntropy(targets: labels, labelSmoothing: labelSmoothing)
  }
}
