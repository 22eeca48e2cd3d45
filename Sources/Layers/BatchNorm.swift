import Tensor

/// Batch normalisation over all axes but the last: x [..., C] → [..., C]; for images as for vectors.
///
/// In training the batch's own mean and biased variance are used, and the running averages move towards them:
/// average = momentum · average + (1 − momentum) · batch. Otherwise the averages are used. A layer whose `gamma` is not
/// trainable is frozen: it always uses its averages and does not move them.
///
/// Parameters: `gamma` (ones), `beta` (zeros), and not trainable `moving_mean` (zeros), `moving_variance` (ones).
/// Defaults as in Keras. Source: Ioffe and Szegedy 2015.
public final class BatchNorm: Layer {
  public let gamma, beta, movingMean, movingVariance: Parameter
  public let momentum: Float
  public let epsilon: Float

  public init(_ channels: Int, momentum: Float = 0.99, epsilon: Float = 1e-3) {
    gamma = Parameter("gamma", [channels], .ones)
    beta = Parameter("beta", [channels], .zeros)
    movingMean = Parameter("moving_mean", [channels], .zeros, isTrainable: false)
    movingVariance = Parameter("moving_variance", [channels], .ones, isTrainable: false)
    self.momentum = momentum
    self.epsilon = epsilon
  }

  public var parameters: [Parameter] {
    gamma
    beta
    movingMean
    movingVariance
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let (scale, offset) = (context.value(of: gamma), context.value(of: beta))
    guard context.isTraining, gamma.isTrainable else {
      return x.normalized(
        mean: movingMean.value, variance: movingVariance.value, gamma: scale, beta: offset, epsilon: epsilon)
    }
    let (output, mean, variance) = x.batchNormalized(gamma: scale, beta: offset, epsilon: epsilon)
    moveAverages(mean: mean, variance: variance)
    return output
  }

  /// Moves the running averages towards a batch's statistics.
  func moveAverages(mean: Tensor, variance: Tensor) {
    movingMean.value = movingMean.value * momentum + mean * (1 - momentum)
    movingVariance.value = movingVariance.value * momentum + variance * (1 - momentum)
  }

  public func outputShape(for input: Shape) -> Shape {
    precondition(input[-1] == gamma.shape[0], "BatchNorm: \(input) does not fit \(gamma.shape[0]) channels")
    return input
  }
}
