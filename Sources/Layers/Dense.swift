import Tensor

/// A fully connected layer: x [..., inputs] → activation(x · kernel + bias) [..., units].
///
/// All axes but the last are rows of the product, such as the steps of sequences [N,T,inputs].
/// Parameters: `kernel` [inputs, units] (Glorot uniform), `bias` [units] (zeros), as in Keras.
public final class Dense: Layer {
  public let kernel: Parameter
  public let bias: Parameter
  public let activation: Activation

  public init(_ inputs: Int, _ units: Int, activation: Activation = .linear) {
    kernel = Parameter("kernel", [inputs, units], .glorotUniform)
    bias = Parameter("bias", [units], .zeros)
    self.activation = activation
  }

  public var parameters: [Parameter] {
    kernel
    bias
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let shape = outputShape(for: x.shape)
    let rows = x.shape.rank == 2 ? x : x.reshaped(to: [x.shape.rows, x.shape[-1]])
    let product =
      context.usesFloat16Weights
      ? rows.matrixProduct(float16Weights: kernel.value)
      : rows.matrixProduct(context.value(of: kernel), precision: context.precision)
    let result = activation(product.adding(bias: context.value(of: bias)))
    return shape.rank == 2 ? result : result.reshaped(to: shape)
  }

  public func outputShape(for input: Shape) -> Shape {
    precondition(
      input.rank >= 2 && input[-1] == kernel.shape[0], "Dense: \(input) does not fit the kernel \(kernel.shape)")
    return Shape(input.dimensions.dropLast() + [kernel.shape[1]])
  }
}
