/// The gradients that `Tensor.backward()` found, by parameter.
public struct Gradients: Sendable {
  /// The parameter is kept too: were it freed, another could take its identity.
  private var values: [ObjectIdentifier: (parameter: Parameter, gradient: Tensor)] = [:]

  /// The gradient of the loss with respect to `parameter`, of its shape; nil where the loss does not depend on it.
  public subscript(parameter: Parameter) -> Tensor? {
    get { values[ObjectIdentifier(parameter)]?.gradient }
    set { values[ObjectIdentifier(parameter)] = newValue.map { (parameter, $0) } }
  }

  public init() {}

  /// The number of parameters with a gradient.
  public var count: Int { values.count }
}

extension Tensor {
  /// The gradients of this scalar with respect to every tracked parameter that it was computed from.
  ///
  /// The computation's record is used up: what was kept for the gradients is freed on the way, and a second call for the
  /// same result stops the program with a message.
  public func backward() -> Gradients {
    precondition(shape.count == 1, "backward: only a scalar has gradients; the shape is \(shape)")
    guard let root = node else {
      fatalError("backward: this tensor is not tracked; compute the loss in a tracking forward context")
    }
    var result = Gradients()
    var pending: [ObjectIdentifier: Tensor] = [ObjectIdentifier(root): Tensor(repeating: 1, shape: shape)]
    var nodes = reachableNodes(from: root)
    while let node = nodes.popLast() {
      let content = node.take()
      guard let gradient = pending.removeValue(forKey: ObjectIdentifier(node)) else { continue }
      switch content {
      case .leaf(let parameter):
        result[parameter] = result[parameter].map { $0 + gradient } ?? gradient
      case .used(let operation):
        // Not a precondition: its message is shown in release builds too.
        fatalError("backward: the record of \(operation) was used by an earlier call; compute the loss again")
      case .record(let record):
        for (input, part) in zip(record.inputs, record.rule(gradient)) {
          guard let input, let part else { continue }
          let key = ObjectIdentifier(input)
          pending[key] = pending[key].map { $0 + part } ?? part
        }
      }
    }
    return result
  }

  /// Every node that `root` was computed from, in ascending order.
  private func reachableNodes(from root: GradientNode) -> [GradientNode] {
    var seen: Set<ObjectIdentifier> = [ObjectIdentifier(root)]
    var found = [root]
    var index = 0
    while index < found.count {
      for case let input? in found[index].inputs where seen.insert(ObjectIdentifier(input)).inserted {
        found.append(input)
      }
      index += 1
    }
    return found.sorted { $0.number < $1.number }
  }
}
