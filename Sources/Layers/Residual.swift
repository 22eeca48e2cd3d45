import Tensor

/// A residual block: y = relu(body(x) + shortcut(x)), where the shortcut is x itself unless the shape changes.
///
/// Source: He et al. 2016.
public final class Residual: Layer {
  private let body: Sequential
  private let shortcut: Sequential?

  /// - Parameters:
  ///   - shortcut: what brings x to the body's shape, where that differs.
  public init(
    @ListBuilder<NamedLayer> body: () -> [NamedLayer],
    @ListBuilder<NamedLayer> shortcut: () -> [NamedLayer] = { [] }
  ) {
    self.body = Sequential(body)
    let layers = shortcut()
    self.shortcut = layers.isEmpty ? nil : Sequential { layers }
  }

  public var children: [NamedLayer] {
    NamedLayer(name: "", layer: body)
    shortcut.map { NamedLayer(name: "", layer: $0) }
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    (body(x, context) + (shortcut?(x, context) ?? x)).relu()
  }

  public func outputShape(for input: Shape) -> Shape { body.outputShape(for: input) }
}
