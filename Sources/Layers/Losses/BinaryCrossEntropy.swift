import Tensor

/// Binary cross-entropy of every output with the one-hot label, from logits; the mean over all outputs.
///
/// What the original system trains with: 504 independent sigmoids. Equal to Keras's `BinaryCrossentropy` after a sigmoid.
public struct BinaryCrossEntropy: Loss {
  public static let name = "bce"
  /// How far the targets are drawn from 0 and 1 towards ½, as in Keras: t · (1 − labelSmoothing) + labelSmoothing / 2.
  public let labelSmoothing: Float

  public init(labelSmoothing: Float = 0) { self.labelSmoothing = labelSmoothing }

  public var outputActivation: OutputActivation { .sigmoid }

  public func callAsFunction(_ logits: Tensor, labels: Tensor) -> Tensor {
    logits.sigmoidCrossEntropy(targets: oneHot(labels, like: logits, smoothing: labelSmoothing))
  }
}
