/// How much an element counts in a binary cross-entropy: t · positive + (1 − t) · negative for a target t, times
/// (1 − pₜ)^gamma, where pₜ is the probability given to the target.
public struct BinaryWeighting: Sendable, Hashable {
  /// The weights of targets 1 and 0.
  public var positive, negative: Float
  /// The focal exponent; 0 for none.
  public var gamma: Float
  /// Another exponent for elements whose pₜ is below `hardBelow`; nil for the same.
  public var hardGamma: Float?
  public var hardBelow: Float

  public init(
    positive: Float = 1, negative: Float = 1, gamma: Float = 0, hardGamma: Float? = nil, hardBelow: Float = 0.2
  ) {
    self.positive = positive
    self.negative = negative
    self.gamma = gamma
    self.hardGamma = hardGamma
    self.hardBelow = hardBelow
  }
}
