import Tensor

/// Two-dimensional convolution: x [N,H,W,C] → [N,H',W',filters].
///
/// Parameters: `kernel` [size, size, C, filters] (Glorot uniform), `bias` [filters] (zeros), as in Keras.
public final class Conv2D: Layer {
  public let kernel: Parameter
  public let bias: Parameter?
  public let stride: Int
  public let padding: Padding
  public let activation: Activation

  /// - Parameters:
  ///   - inputChannels: C.
  ///   - filters: the result's channels.
  ///   - kernelSize: height and width of the window.
  ///   - useBias: whether a bias is added; superfluous before a normalisation.
  public init(
    _ inputChannels: Int, _ filters: Int, kernelSize: Int, stride: Int = 1, padding: Padding = .same,
    useBias: Bool = true, activation: Activation = .linear
  ) {
    kernel = Parameter("kernel", [kernelSize, kernelSize, inputChannels, filters], .glorotUniform)
    bias = useBias ? Parameter("bias", [filters], .zeros) : nil
    self.stride = stride
    self.padding = padding
    self.activation = activation
  }

  public var parameters: [Parameter] {
    kernel
    bias
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    // ReLU costs nothing inside the convolution.
    let y = x.convolved(
      with: context.value(of: kernel), bias: bias.map(context.value), stride: stride, padding: padding,
      relu: activation == .relu, precision: context.precision)
    return activation == .relu ? y : activation(y)
  }

  public func outputShape(for input: Shape) -> Shape {
    ConvolutionGeometry(x: input, kernel: kernel.shape, stride: stride, padding: padding).outputShape
  }
}
