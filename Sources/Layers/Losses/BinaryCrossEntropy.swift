import Tensor

/// Binary cross-entropy of every output with the one-hot label, from logits; the mean over all outputs.
///
/// What the original system trains with: 504 independent sigmoids. Equal to Keras's `BinaryCrossentropy` after a sigmoid.
public struct BinaryCrossEntropy: Loss {
  public static let name = "bce"
  public init() {}

  public var outputActivation: OutputActivation { .sigmoid }

  public func callAsFunction(_ logits: Tensor, labels: Tensor) -> Tensor {
    logits.sigmoidCrossEntropy(targets: oneHot(labels, like: logits))
  }
}
