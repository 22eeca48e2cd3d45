import Synchronization

/// One step of a tracked computation: where its inputs came from and how a gradient flows back to them.
///
/// Nodes rise in number as they are made, so descending order visits every result before its inputs. The record is taken
/// out when it is used: what it kept for the gradient is freed on the way.
final class GradientNode: @unchecked Sendable {
  typealias Rule = @Sendable (_ gradient: Tensor) -> [Tensor?]

  struct Record: Sendable {
    /// The operation's name, for messages.
    let operation: String
    var inputs: [GradientNode?]
    let rule: Rule
  }

  enum Content: Sendable {
    /// A parameter's value: gradients end here.
    case leaf(Parameter)
    case record(Record)
    /// A record that `backward` has used.
    case used(operation: String)
  }

  private static let counter = Atomic<UInt64>(0)

  let number: UInt64
  private let content: Mutex<Content>

  init(_ content: Content) {
    number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
    self.content = Mutex(content)
  }

  /// The inputs through which gradients flow on, without using the record.
  var inputs: [GradientNode?] {
    content.withLock { if case .record(let record) = $0 { record.inputs } else { [] } }
  }

  /// The content; a record is used up by this.
  func take() -> Content {
    content.withLock { content in
      let taken = content
      if case .record(let record) = taken { content = .used(operation: record.operation) }
      return taken
    }
  }

  /// Dropping a long chain must not recurse once per link: inputs that nobody else holds are taken apart in a loop.
  deinit {
    var pending = releaseInputs()
    while var node = pending.popLast() {
      if isKnownUniquelyReferenced(&node) { pending.append(contentsOf: node.releaseInputs()) }
    }
  }

  private func releaseInputs() -> [GradientNode] {
    content.withLock { content in
      guard case .record(var record) = content else { return [] }
      let inputs = record.inputs.compactMap { $0 }
      record.inputs = []
      content = .record(record)
      return inputs
    }
  }
}

extension Tensor {
  /// `value` as the result of an operation on `inputs`, tracked where one of them is.
  ///
  /// - Parameters:
  ///   - rule: receives the gradient of the result and returns one for each input, in order; nil where none flows. It
  ///     must keep detached tensors only.
  static func tracked(
    _ value: Tensor, from inputs: [Tensor], operation: String, rule: @escaping GradientNode.Rule
  ) -> Tensor {
    guard inputs.contains(where: { $0.isTracked }) else { return value }
    var result = value
    result.node = GradientNode(
      .record(GradientNode.Record(operation: operation, inputs: inputs.map(\.node), rule: rule)))
    return result
  }
}
