import Foundation
import Tensor

/// A loss by name, with its options: what a configuration file holds.
public struct LossConfiguration: Sendable, Codable, Hashable {
  /// One of `names`.
  public var name: String
  /// The focal losses' exponent, and that of the adaptive one for outputs far from their target.
  public var gamma: Float?
  public var hardGamma: Float?
  /// The focal losses' weight of the targets 1.
  public var alpha: Float?
  /// The weighted loss's weight of the targets 1.
  public var positiveWeight: Float?
  /// How far the targets are drawn towards even ones.
  public var labelSmoothing: Float?

  public init(
    name: String, gamma: Float? = nil, hardGamma: Float? = nil, alpha: Float? = nil, positiveWeight: Float? = nil,
    labelSmoothing: Float? = nil
  ) {
    self.name = name
    self.gamma = gamma
    self.hardGamma = hardGamma
    self.alpha = alpha
    self.positiveWeight = positiveWeight
    self.labelSmoothing = labelSmoothing
  }

  /// Every loss by name: a new one is one line here.
  private static let makers: [String: @Sendable (LossConfiguration) -> any Loss] = [
    AdaptiveBinaryFocalCrossEntropy.name: {
      AdaptiveBinaryFocalCrossEntropy(gamma: $0.gamma ?? 3, hardGamma: $0.hardGamma ?? 5, alpha: $0.alpha)
    },
    BinaryCrossEntropy.name: { BinaryCrossEntropy(labelSmoothing: $0.labelSmoothing ?? 0) },
    ConnectionistTemporalClassification.name: { _ in ConnectionistTemporalClassification() },
    BinaryFocalCrossEntropy.name: { BinaryFocalCrossEntropy(gamma: $0.gamma ?? 2, alpha: $0.alpha) },
    WeightedBinaryCrossEntropy.name: { WeightedBinaryCrossEntropy(positiveWeight: $0.positiveWeight ?? 10) },
    SoftmaxCrossEntropy.name: { SoftmaxCrossEntropy(labelSmoothing: $0.labelSmoothing ?? 0) },
  ]

  public static var names: [String] { makers.keys.sorted() }

  /// The loss, or nil where no loss has this name.
  public func make() -> (any Loss)? { Self.makers[name]?(self) }
}
