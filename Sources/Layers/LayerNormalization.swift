import Tensor

/// Layer normalisation over the last axis: x [..., C] → [..., C], each row by its own mean and biased variance.
///
/// The same in training and in use. Parameters: `gamma` [C] (ones), `beta` [C] (zeros). Defaults as in Keras.
/// Source: Ba, Kiros and Hinton 2016.
public final class LayerNormalization: Layer {
  public let gamma, beta: Parameter
  public let epsilon: Float

  public init(_ channels: Int, epsilon: Float = 1e-3) {
    gamma = Parameter("gamma", [channels], .ones)
    beta = Parameter("beta", [channels], .zeros)
    self.epsilon = epsilon
  }

  public var parameters: [Parameter] {
    gamma
    beta
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    x.layerNormalized(gamma: context.value(of: gamma), beta: context.value(of: beta), epsilon: epsilon)
  }

  public func outputShape(for input: Shape) -> Shape {
    precondition(input[-1] == gamma.shape[0], "LayerNormalization: \(input) does not fit \(gamma.shape[0]) channels")
    return input
  }
}
