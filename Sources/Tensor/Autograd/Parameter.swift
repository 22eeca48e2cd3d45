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
  private var current: Tensor?

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
    get {
      if current == nil { initialize(from: RandomStream(seed: 0).stream(name)) }
      return current!
    }
    set {
      precondition(
        newValue.shape == shape && newValue.dtype == .float32,
        "Parameter \(name): a value of shape \(newValue.shape) does not fit the shape \(shape)")
      // A parameter is where gradients end: its value never carries the history of another computation.
      current = newValue.detached
    }
    _modify {
      if current == nil { initialize(from: RandomStream(seed: 0).stream(name)) }
      yield &current!
    }
  }

  /// Draws a new value.
  public func initialize(from stream: RandomStream) {
    var stream = stream
    value = initialValue(shape, &stream)
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
