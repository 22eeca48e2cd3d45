import Tensor

/// Binary cross-entropy weighted by how far the output is from its target: (1 − pₜ)^gamma.
///
/// Defaults as Keras's `BinaryFocalCrossentropy`. Source: Lin et al. 2017.
public struct BinaryFocalCrossEntropy: Loss {
  public static let name = "focal"
  public let gamma: Float
  /// Weight of the targets 1 against those 0, or nil for equal weights.
  public let alpha: Float?

  public init(gamma: Float = 2, alpha: Float? = nil) {
    self.gamma = gamma
    self.alpha = alpha
  }

  public var outputActivation: OutputActivation { .sigmoid }

  public func callAsFunction(_ logits: Tensor, labels: Tensor) -> Tensor {
    logits.sigmoidFocalCrossEntropy(targets: oneHot(labels, like: logits), gamma: gamma, alpha: alpha)
  }
}
