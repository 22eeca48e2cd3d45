import Tensor

/// Layers one after the other.
///
/// ```swift
/// let model = Sequential {
///   Conv2D(3, 32, kernelSize: 3, activation: .relu).named("conv1")
///   MaxPool2D()
///   Flatten()
///   Dense(32 * 100 * 30, 504).named("output")
/// }
/// ```
/// A layer with parameters that gets no name is called by its position (`0`, `1`, …).
public final class Sequential: Layer {
  public let children: [NamedLayer]

  public init(@ListBuilder<NamedLayer> _ layers: () -> [NamedLayer]) {
    children = layers().enumerated().map { index, child in
      let needsName = child.name.isEmpty && !child.layer.namedParameters.isEmpty
      return needsName ? child.layer.named("\(index)") : child
    }
    let names = namedParameters.map(\.name)
    precondition(Set(names).count == names.count, "Sequential: two parameters have the same path in \(names)")
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    children.reduce(x) { $1.layer($0, context) }
  }

  public func outputShape(for input: Shape) -> Shape {
    children.reduce(input) { $1.layer.outputShape(for: $0) }
  }
}
