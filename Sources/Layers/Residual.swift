import Tensor

/// A residual block: y = relu(body(x) + shortcut(x)), where the shortcut is x itself unless the shape changes.
///
/// A layer with parameters that gets no name is called by its position, in the shortcut `shortcut0`, `shortcut1`, …
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
    self.shortcut = layers.isEmpty ? nil : Sequential(layers, prefix: "shortcut")
    requireDistinctPaths()
  }

  public var children: [NamedLayer] {
    NamedLayer(name: "", layer: body)
    shortcut.map { NamedLayer(name: "", layer: $0) }
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    body(x, context).addedRelu(shortcut?(x, context) ?? x)
  }

  public func outputShape(for input: Shape) -> Shape {
    let (result, short) = (body.outputShape(for: input), shortcut?.outputShape(for: input) ?? input)
    precondition(result == short, "Residual: the body gives \(result) and the shortcut \(short) for \(input)")
    return result
  }
}
