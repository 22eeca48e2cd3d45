import Synchronization

/// A tensor with an identity that training changes: a weight, or a running statistic of a layer.
///
/// The value may be read from several threads; it must not be changed while another thread uses it.
public final class Parameter: @unchecked Sendable {
  /// Makes a first value of a shape, drawing from a stream of random numbers where it needs any.
  public typealias InitialValue = @Sendable (Shape, inout RandomStream) -> Tensor

  /// The name within its layer, such as `kernel`.
  public let name: String
  public let shape: Shape
  /// Whether optimizers change it; running statistics and frozen weights are not trainable.
  public var isTrainable: Bool

  private let initialValue: InitialValue
  /// nil until it is first needed, which several threads may find at once.
  private let current = Mutex<Tensor?>(nil)

  /// A parameter whose first value is drawn when it is first needed or by `initialize(from:)`.
  public init(_ name: String, shape: Shape, isTrainable: Bool = true, initialValue: @escaping InitialValue) {
    self.name = name
    self.shape = shape
    self.isTrainable = isTrainable
    self.initialValue = initialValue
  }

  /// A parameter with a given value.
  public convenience init(_ name: String, value: Tensor, isTrainable: Bool = true) {
    let value = value.detached
    self.init(name, shape: value.shape, isTrainable: isTrainable) { _, _ in value }
  }

  /// The current value, always float32 of `shape`.
  public var value: Tensor {
    get { current.withLock { $0 ?? drawIfNeeded(&$0) } }
    set {
      let value = checked(newValue)
      current.withLock { $0 = value }
    }
    _modify {
      // Taken out while it changes, so that it is not copied.
      var value = current.withLock { current in
        defer { current = nil }
        return current ?? drawIfNeeded(&current)
      }
      defer { self.value = value }
      yield &value
    }
  }

  /// Draws a new value.
  public func initialize(from stream: RandomStream) {
    var stream = stream
    value = initialValue(shape, &stream)
  }

  private func drawIfNeeded(_ current: inout Tensor?) -> Tensor {
    var stream = RandomStream(seed: 0).stream(name)
    let value = checked(initialValue(shape, &stream))
    current = value
    return value
  }

  /// `value` as this parameter holds it: a parameter is where gradients end, so its value never carries the history of
  /// another computation.
  private func checked(_ value: Tensor) -> Tensor {
    precondition(
      value.shape == shape && value.dtype == .float32,
      "Parameter \(name): a value of \(value.dtype) \(value.shape) does not fit the shape \(shape)")
    return value.detached
  }

  /// The value as the start of a computation: gradients flow back to this parameter where `tracking` is set and it is
  /// trainable.
  public func tensor(tracking: Bool) -> Tensor {
    guard tracking, isTrainable else { return value }
    var result = value
    result.node = GradientNode(.leaf(self))
    return result
  }
}
