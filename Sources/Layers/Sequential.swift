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
  /// By position the blocks of layers that run as one operation.
  private let blocks: [Int: FusedBlock]

  public convenience init(@ListBuilder<NamedLayer> _ layers: () -> [NamedLayer]) {
    self.init(layers())
  }

  /// - Parameter prefix: what stands before the position in the name of a layer that gets no name.
  init(_ layers: [NamedLayer], prefix: String = "") {
    children = layers.enumerated().map { index, child in
      let needsName = child.name.isEmpty && !child.layer.namedParameters.isEmpty
      return needsName ? child.layer.named("\(prefix)\(index)") : child
    }
    var blocks: [Int: FusedBlock] = [:]
    for position in children.indices { blocks[position] = FusedBlock(children[position...].map(\.layer)[...]) }
    self.blocks = blocks
    requireDistinctPaths()
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    var (x, position) = (x, 0)
    while position < children.count {
      if let block = blocks[position], let result = block(x, context, next: blocks[position + block.layerCount]) {
        x = result
        position += block.layerCount
      } else {
        x = children[position].layer(x, context)
        position += 1
      }
    }
    return x
  }

  public func outputShape(for input: Shape) -> Shape {
    children.reduce(input) { $1.layer.outputShape(for: $0) }
  }
}
