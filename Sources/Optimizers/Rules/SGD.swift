/// Stochastic gradient descent.
///
/// Without momentum `w ← w − rate·g`. With it `b ← momentum·b − rate·g`, then `w ← w + b`, or `w ← w + momentum·b − rate·g`
/// (Nesterov). The rate is inside the buffer `b`, as in Keras.
public struct SGD: UpdateRule {
  public let momentum: Float
  public let nesterov: Bool

  /// - Parameter momentum: in 0...1; 0 keeps no moments.
  public init(momentum: Float = 0, nesterov: Bool = false) {
    precondition((0...1).contains(momentum), "SGD: momentum \(momentum) is not in 0...1")
    self.momentum = momentum
    self.nesterov = nesterov
  }

  public var defaultLearningRate: Float { 0.01 }
  public var slots: [String] { momentum == 0 ? [] : ["momentum"] }

  public func update(_ part: ParameterPart, rate: Float, updateNumber: Int) {
    if momentum == 0 {
      part.forEachBlock { block in block.weights -= rate * block.gradient }
    } else {
      part.forEachBlock { block in
        let step = rate * block.gradient
        let buffer = momentum * block[slot: 0] - step
        block[slot: 0] = buffer
        block.weights += nesterov ? momentum * buffer - step : buffer
      }
    }
  }
}
