import Tensor

/// One row per image: x [N, ...] → [N, product of the rest], in NHWC order as in Keras.
public final class Flatten: Layer {
  public init() {}

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    x.reshaped(to: outputShape(for: x.shape))
  }

  public func outputShape(for input: Shape) -> Shape { [input[0], input.count / max(1, input[0])] }
}
