import Tensor

/// A long short-term memory over sequences: x [N,T,inputs] → [N,T,units], a result for every step.
///
/// Parameters: `kernel` [inputs, 4 · units] (Glorot uniform), `recurrent_kernel` [units, 4 · units] (orthogonal), `bias`
/// [4 · units] (ones for the forget gate, else zeros). Their columns are the gates in the order input, forget, cell, output.
/// As in Keras, with sigmoid and tanh; see `Tensor.lstm`.
public final class LSTM: Layer {
  public let kernel, recurrentKernel, bias: Parameter
  /// Whether it reads from the last step to the first. Results stand at the steps that they belong to, where Keras's
  /// `go_backwards` leaves them in the order in which they were computed.
  public let isReversed: Bool

  public init(_ inputs: Int, _ units: Int, reversed: Bool = false) {
    kernel = Parameter("kernel", [inputs, 4 * units], .glorotUniform)
    recurrentKernel = Parameter("recurrent_kernel", [units, 4 * units], .orthogonal)
    // A memory that begins by forgetting nothing learns long sequences sooner (Jozefowicz et al. 2015).
    bias = Parameter("bias", shape: [4 * units]) { shape, _ in
      Tensor((0..<shape.count).map { Float($0 / units == 1 ? 1 : 0) }, shape: shape)
    }
    isReversed = reversed
  }

  /// The length of x's and the result's last axis.
  public var inputs: Int { kernel.shape[0] }
  public var units: Int { recurrentKernel.shape[0] }

  public var parameters: [Parameter] {
    kernel
    recurrentKernel
    bias
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    x.lstm([direction(context)], precision: context.precision)
  }

  /// The weights for one pass.
  func direction(_ context: ForwardContext) -> LSTMDirection {
    LSTMDirection(
      kernel: context.value(of: kernel), recurrentKernel: context.value(of: recurrentKernel),
      bias: context.value(of: bias), isReversed: isReversed)
  }

  public func outputShape(for input: Shape) -> Shape {
    precondition(
      input.rank == 3 && input[2] == inputs, "LSTM: \(input) does not fit the kernel \(kernel.shape); expected [N,T,C]")
    return [input[0], input[1], units]
  }
}
