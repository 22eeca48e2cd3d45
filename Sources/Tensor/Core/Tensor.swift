/// An n-dimensional array with the element type, shape and device known at run time.
///
/// A value: operations return new tensors, and copies share memory until one of them is written to. A tensor that comes
/// from tracked parameters remembers how it was computed, so that `backward()` finds the gradients.
/// Elements lie in row-major order without gaps; images are [N, H, W, C].
public struct Tensor: Sendable {
  var storage: Storage
  public let shape: Shape
  public let dtype: DType
  /// How this tensor was computed, where a gradient can flow back through it.
  var node: GradientNode?

  init(storage: Storage, shape: Shape, dtype: DType, node: GradientNode? = nil) {
    self.storage = storage
    self.shape = shape
    self.dtype = dtype
    self.node = node
  }

  /// A tensor whose elements are undefined until they are written.
  public init(uninitialized shape: Shape, dtype: DType = .float32) {
    self.init(storage: Storage(size: shape.count * dtype.size), shape: shape, dtype: dtype)
  }

  /// A tensor filled with one value.
  public init(repeating value: Float, shape: Shape) {
    self.init(uninitialized: shape)
    withMutableElements(of: Float.self) { $0.update(repeating: value) }
  }

  /// A tensor of zeros.
  public init(zeros shape: Shape) { self.init(repeating: 0, shape: shape) }

  /// A tensor with the given elements in row-major order.
  public init<Element: TensorElement>(_ elements: [Element], shape: Shape) {
    precondition(
      elements.count == shape.count, "Tensor: \(elements.count) elements do not fill the shape \(shape)")
    self.init(uninitialized: shape, dtype: Element.dtype)
    // As bytes: going through a generic sequence, element by element, would take longer than a layer.
    elements.withUnsafeBytes { bytes in
      if let first = bytes.baseAddress { storage.bytes.copyMemory(from: first, byteCount: bytes.count) }
    }
  }

  /// A scalar.
  public init(_ value: Float) { self.init([value], shape: []) }

  /// The device whose backend computes with this tensor.
  public var device: Device { .cpu }

  /// Whether a gradient can flow back through this tensor.
  public var isTracked: Bool { node != nil }

  /// The same elements without their history.
  public var detached: Tensor { Tensor(storage: storage, shape: shape, dtype: dtype) }

  /// The elements in row-major order.
  public func elements<Element: TensorElement>(of type: Element.Type) -> [Element] {
    withElements(of: type) { Array($0) }
  }

  /// The float32 elements in row-major order.
  public func elements() -> [Float] { elements(of: Float.self) }

  /// The only element of a tensor with one element.
  public var scalar: Float {
    precondition(shape.count == 1, "Tensor.scalar: the shape is \(shape)")
    return withElements(of: Float.self) { $0[0] }
  }

  /// Calls `body` with the elements in memory; the pointer is valid during the call only.
  public func withElements<Element: TensorElement, Result>(
    of type: Element.Type, _ body: (UnsafeBufferPointer<Element>) throws -> Result
  ) rethrows -> Result {
    try withExtendedLifetime(storage) { try body(UnsafeBufferPointer(buffer(of: type))) }
  }

  /// Calls `body` with the elements for writing, after a copy where another tensor shares the memory.
  ///
  /// The tensor must not be tracked: its gradient would be that of the earlier elements.
  public mutating func withMutableElements<Element: TensorElement, Result>(
    of type: Element.Type, _ body: (UnsafeMutableBufferPointer<Element>) throws -> Result
  ) rethrows -> Result {
    precondition(!isTracked, "withMutableElements: this tensor is tracked; write to its `detached` copy")
    if !isKnownUniquelyReferenced(&storage) {
      // Whoever keeps the old elements, such as a snapshot of weights, hardly computes with them.
      storage.forgetDerived()
      let copy = Storage(size: shape.count * dtype.size)
      copy.bytes.copyMemory(from: storage.bytes, byteCount: shape.count * dtype.size)
      storage = copy
    } else {
      storage.forgetDerived()
    }
    return try withExtendedLifetime(storage) { try body(buffer(of: type)) }
  }

  /// Another form of these elements, such as weights in the order in which a kernel reads them; kept until they change.
  func derived(_ form: String, _ make: () -> Tensor) -> Tensor { storage.derived("\(form), \(shape)", make) }

  private func buffer<Element: TensorElement>(of type: Element.Type) -> UnsafeMutableBufferPointer<Element> {
    precondition(Element.dtype == dtype, "Tensor: elements are \(dtype), not \(Element.dtype)")
    return UnsafeMutableBufferPointer(
      start: storage.bytes.assumingMemoryBound(to: Element.self), count: shape.count)
  }
}

extension Tensor: CustomStringConvertible {
  public var description: String {
    let shown = 8
    let values: [String] =
      switch dtype {
      case .float32, .bfloat16: converted(to: .float32).elements().prefix(shown).map { "\($0)" }
      case .uint8: elements(of: UInt8.self).prefix(shown).map { "\($0)" }
      case .int32: elements(of: Int32.self).prefix(shown).map { "\($0)" }
      }
    let rest = shape.count > shown ? ", …" : ""
    return "Tensor \(dtype.rawValue) \(shape): \(values.joined(separator: ", "))\(rest)"
  }
}
