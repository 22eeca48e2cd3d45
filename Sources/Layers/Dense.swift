import Tensor

/// A fully connected layer: x [N,inputs] → activation(x · kernel + bias) [N,units].
///
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
    if x.shape.rank > 2 {
      return self(x.reshaped(to: [x.shape.rows, x.shape[-1]]), context).reshaped(to: outputShape(for: x.shape))
    }
    let product =
      context.usesFloat16Weights
      ? x.matrixProduct(float16Weights: kernel.value)
      : x.matrixProduct(context.value(of: kernel), precision: context.precision)
    return activation(product.adding(bias: context.value(of: bias)))
  }

  public func outputShape(for input: Shape) -> Shape {
    precondition(
      input.rank >= 2 && input[-1] == kernel.shape[0], "Dense: \(input) does not fit the kernel \(kernel.shape)")
    return Shape(input.dimensions.dropLast() + [kernel.shape[1]])
  }
}
