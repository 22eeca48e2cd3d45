import Foundation
import Tensor

/// A loss by name, with its options: what a configuration file holds.
public struct LossConfiguration: Sendable, Codable, Hashable {
  /// One of `names`.
  public var name: String
  /// The focal loss's exponent.
  public var gamma: Float?
  /// The focal loss's weight of the targets 1.
  public var alpha: Float?
  /// The softmax loss's label smoothing.
  public var labelSmoothing: Float?

  public init(name: String, gamma: Float? = nil, alpha: Float? = nil, labelSmoothing: Float? = nil) {
    self.name = name
    self.gamma = gamma
    self.alpha = alpha
    self.labelSmoothing = labelSmoothing
  }

  /// Every loss by name: a new one is one line here.
  private static let makers: [String: @Sendable (LossConfiguration) -> any Loss] = [
    BinaryCrossEntropy.name: { _ in BinaryCrossEntropy() },
    BinaryFocalCrossEntropy.name: { BinaryFocalCrossEntropy(gamma: $0.gamma ?? 2, alpha: $0.alpha) },
    SoftmaxCrossEntropy.name: { SoftmaxCrossEntropy(labelSmoothing: $0.labelSmoothing ?? 0) },
  ]

  public static var names: [String] { makers.keys.sorted() }

  /// The loss, or nil where no loss has this name.
  public func make() -> (any Loss)? { Self.makers[name]?(self) }
}
