import Tensor

/// In training, zeroes each element with probability `rate` and divides the others by 1 − rate; otherwise does nothing.
public final class Dropout: Layer {
  public let rate: Double

  public init(_ rate: Double) {
    precondition((0..<1).contains(rate), "Dropout: rate \(rate) is not in 0..<1")
    self.rate = rate
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    context.isTraining ? x.droppedOut(rate: rate, stream: context.nextStream()) : x
  }

  public func outputShape(for input: Shape) -> Shape { input }
}
