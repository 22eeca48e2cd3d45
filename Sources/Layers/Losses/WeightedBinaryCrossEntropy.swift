import Tensor

/// Binary cross-entropy in which the outputs that should say yes count more than the others.
///
/// With 63 classes only one output in 63 should, and unweighted their errors hardly show in the mean. Equal to PyTorch's
/// `BCEWithLogitsLoss` with `pos_weight`.
public struct WeightedBinaryCrossEntropy: Loss {
  public static let name = "weighted_bce"
  /// The weight of the targets 1; that of the targets 0 is 1.
  public let positiveWeight: Float

  public init(positiveWeight: Float = 10) { self.positiveWeight = positiveWeight }

  public var outputActivation: OutputActivation { .sigmoid }

  public func callAsFunction(_ logits: Tensor, labels: Tensor) -> Tensor {
    logits.sigmoidCrossEntropy(
      targets: oneHot(labels, like: logits), weighting: BinaryWeighting(positive: positiveWeight))
  }
}
