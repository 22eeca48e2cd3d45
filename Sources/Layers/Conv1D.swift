import Tensor

/// One-dimensional convolution over sequences: x [N,T,C] → [N,T',filters].
///
/// Parameters: `kernel` [size, C, filters] (Glorot uniform), `bias` [filters] (zeros), as in Keras. Computed as the
/// convolution of images of one row.
public final class Conv1D: Layer {
  public let kernel: Parameter
  public let bias: Parameter?
  public let stride: Int
  public let padding: Padding
  public let activation: Activation

  /// - Parameters:
  ///   - inputChannels: C.
  ///   - filters: the result's channels.
  ///   - kernelSize: the steps that a window covers.
  ///   - padding: Keras's default is `valid`; as in `Conv2D` it is `same` here.
  ///   - useBias: whether a bias is added; superfluous before a normalisation.
  public init(
    _ inputChannels: Int, _ filters: Int, kernelSize: Int, stride: Int = 1, padding: Padding = .same,
    useBias: Bool = true, activation: Activation = .linear
  ) {
    kernel = Parameter("kernel", [kernelSize, inputChannels, filters], .glorotUniform)
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
    let y = x.reshaped(to: Self.images(x.shape)).convolved(
      with: context.value(of: kernel).reshaped(to: windowShape), bias: bias.map(context.value), stride: stride,
      padding: padding, relu: activation == .relu, precision: context.precision)
    let result = y.reshaped(to: [y.shape[0], y.shape[2], y.shape[3]])
    return activation == .relu ? result : activation(result)
  }

  public func outputShape(for input: Shape) -> Shape {
    let shape = ConvolutionGeometry(
      x: Self.images(input), kernel: windowShape, stride: stride, padding: padding
    ).outputShape
    return [shape[0], shape[2], shape[3]]
  }

  /// The kernel's shape as a window of one row.
  private var windowShape: Shape { Shape([1] + kernel.shape.dimensions) }

  /// The shape of sequences as images of one row.
  private static func images(_ x: Shape) -> Shape {
    precondition(x.rank == 3, "Conv1D: x \(x); expected [N,T,C]")
    return [x[0], 1, x[1], x[2]]
  }
}
