import Tensor

/// Two LSTMs that read the same sequences from both ends, their results side by side: x [N,T,inputs] → [N,T,2 · units].
///
/// Children: `forward` and `backward`. Both results stand at the steps that they belong to, as in Keras. The two run as one
/// operation, on threads of their own. Source: Schuster and Paliwal 1997.
public final class Bidirectional: Layer {
  public let forward, backward: LSTM

  /// - Parameters:
  ///   - forward: the layer whose results come first.
  ///   - backward: one that reads the other way; by default one of the same sizes with weights of its own.
  public init(_ forward: LSTM, backward: LSTM? = nil) {
    self.forward = forward
    self.backward = backward ?? LSTM(forward.inputs, forward.units, reversed: !forward.isReversed)
    precondition(
      self.backward.isReversed != forward.isReversed && self.backward.inputs == forward.inputs
        && self.backward.units == forward.units,
      "Bidirectional: the second LSTM must have the sizes of the first and read the other way")
  }

  public var children: [NamedLayer] {
    forward.named("forward")
    backward.named("backward")
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    x.lstm([forward.direction(context), backward.direction(context)], precision: context.precision)
  }

  public func outputShape(for input: Shape) -> Shape {
    let shape = forward.outputShape(for: input)
    return [shape[0], shape[1], 2 * shape[2]]
  }
}
