import Tensor

/// The focal loss with a larger exponent for the outputs that are far from their target: (1 − pₜ)^gamma, where gamma is
/// `hardGamma` for pₜ below 0.2 and `gamma` for the others.
///
/// Source: Mukhoti et al. 2020, "Calibrating Deep Neural Networks using Focal Loss" (FLSD-53: 5 and 3), there for softmax.
public struct AdaptiveBinaryFocalCrossEntropy: Loss {
  public static let name = "adaptive_focal"
  public let gamma: Float
  public let hardGamma: Float
  /// Weight of the targets 1 against those 0, or nil for equal weights.
  public let alpha: Float?

  public init(gamma: Float = 3, hardGamma: Float = 5, alpha: Float? = nil) {
    self.gamma = gamma
    self.hardGamma = hardGamma
    self.alpha = alpha
  }

  public var outputActivation: OutputActivation { .sigmoid }

  public func callAsFunction(_ logits: Tensor, labels: Tensor) -> Tensor {
    logits.sigmoidCrossEntropy(
      targets: oneHot(labels, like: logits),
      weighting: BinaryWeighting(
        positive: alpha ?? 1, negative: alpha.map { 1 - $0 } ?? 1, gamma: gamma, hardGamma: hardGamma))
  }
}
