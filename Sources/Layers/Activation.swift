import Tensor

/// The function that a layer applies to its result.
public enum Activation: String, Sendable, Codable {
  case linear, relu, sigmoid

  func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .linear: x
    case .relu: x.relu()
    case .sigmoid: x.sigmoid()
    }
  }
}

/// max(x, 0) as a layer of its own; any shape.
public final class ReLU: Layer {
  public init() {}
  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor { x.relu() }
  public func outputShape(for input: Shape) -> Shape { input }
}

/// 1 / (1 + e^(−x)) as a layer of its own; any shape.
public final class Sigmoid: Layer {
  public init() {}
  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor { x.sigmoid() }
  public func outputShape(for input: Shape) -> Shape { input }
}
