import Tensor

/// One step of a model: a function of tensors with parameters of its own.
///
/// A new layer is one new file: the function, the shape rule, and the list of what it holds.
public protocol Layer: AnyObject {
  /// The layer's result for x; the first axis is the batch.
  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor

  /// The result's shape for an input shape (with the batch axis).
  func outputShape(for input: Shape) -> Shape

  /// The parameters that this layer holds itself, in a fixed order.
  @ListBuilder<Parameter> var parameters: [Parameter] { get }

  /// The layers inside this one, in a fixed order. Their names are part of the keys in model files.
  @ListBuilder<NamedLayer> var children: [NamedLayer] { get }
}

extension Layer {
  public var parameters: [Parameter] { [] }
  public var children: [NamedLayer] { [] }

  /// This layer under a name within its parent.
  public func named(_ name: String) -> NamedLayer { NamedLayer(name: name, layer: self) }

  /// All parameters of this layer and of the layers inside it, by path, such as `conv1/kernel`.
  ///
  /// The order is fixed. Paths are stable keys in model files and in the optimizer's state.
  public var namedParameters: [NamedParameter] {
    parameters.map { NamedParameter(name: $0.name, parameter: $0) }
      + children.flatMap { child in
        child.layer.namedParameters.map {
          NamedParameter(name: child.name.isEmpty ? $0.name : "\(child.name)/\($0.name)", parameter: $0.parameter)
        }
      }
  }

  /// The number of weights, running statistics included, as Keras counts them.
  public var parameterCount: Int { namedParameters.reduce(0) { $0 + $1.parameter.shape.count } }

  /// Stops the program where two parameters have the same path: one of them would be lost in files.
  func requireDistinctPaths() {
    let names = namedParameters.map(\.name)
    precondition(Set(names).count == names.count, "\(Self.self): two parameters have the same path in \(names)")
  }

  /// Draws all parameters anew. Each one's values depend on the seed and its path only.
  public func initialize(seed: UInt64) {
    let stream = RandomStream(seed: seed).stream("weights")
    for item in namedParameters { item.parameter.initialize(from: stream.stream(item.name)) }
  }
}

/// A layer under its name within its parent. An empty name adds nothing to the paths of what is inside.
public struct NamedLayer {
  public let name: String
  public let layer: any Layer

  public init(name: String, layer: any Layer) {
    precondition(!name.contains("/"), "NamedLayer: a name must not contain '/': \(name)")
    self.name = name
    self.layer = layer
  }
}

/// Builds a list from single elements, optional ones and lists.
@resultBuilder
public enum ListBuilder<Element> {
  public static func buildExpression(_ element: Element) -> [Element] { [element] }
  public static func buildExpression(_ element: Element?) -> [Element] { element.map { [$0] } ?? [] }
  public static func buildExpression(_ elements: [Element]) -> [Element] { elements }
  public static func buildBlock(_ parts: [Element]...) -> [Element] { parts.flatMap { $0 } }
  public static func buildOptional(_ part: [Element]?) -> [Element] { part ?? [] }
  public static func buildEither(first part: [Element]) -> [Element] { part }
  public static func buildEither(second part: [Element]) -> [Element] { part }
  public static func buildArray(_ parts: [[Element]]) -> [Element] { parts.flatMap { $0 } }
}

extension ListBuilder where Element == NamedLayer {
  /// A layer that needs no name, since it holds no parameters or its path is its position.
  public static func buildExpression(_ layer: any Layer) -> [NamedLayer] { [NamedLayer(name: "", layer: layer)] }
}
