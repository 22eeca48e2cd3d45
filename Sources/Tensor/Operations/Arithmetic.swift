extension Tensor {
  /// a + b for equal shapes. Gradients: dy, dy.
  public static func + (a: Tensor, b: Tensor) -> Tensor {
    a.requireSameShape(as: b, "+")
    return tracked(a.device.backend.combination(a, 1, b, 1), from: [a, b], operation: "+") { [$0, $0] }
  }

  /// a − b for equal shapes. Gradients: dy, −dy.
  public static func - (a: Tensor, b: Tensor) -> Tensor {
    a.requireSameShape(as: b, "-")
    return tracked(a.device.backend.combination(a, 1, b, -1), from: [a, b], operation: "-") { [$0, $0 * -1] }
  }

  /// a · b, element by element, for equal shapes. Gradients: dy · b, dy · a.
  public static func * (a: Tensor, b: Tensor) -> Tensor {
    a.requireSameShape(as: b, "*")
    let (x, y) = (a.detached, b.detached)
    return tracked(a.device.backend.product(a, b), from: [a, b], operation: "*") { [$0 * y, $0 * x] }
  }

  /// x · scale. Gradient: dy · scale.
  public static func * (x: Tensor, scale: Float) -> Tensor {
    x.requireFloat("scale")
    return tracked(x.device.backend.scaled(x, by: scale), from: [x], operation: "scale") { [$0 * scale] }
  }

  /// x · scale + offset. Gradient: dy · scale.
  public func rescaled(by scale: Float, offset: Float) -> Tensor {
    requireFloat("rescaled")
    if shape.rank == 0 { return reshaped(to: [1]).rescaled(by: scale, offset: offset).reshaped(to: []) }
    let count = shape[-1]
    let value = device.backend.columnAffine(
      self, scale: [Float](repeating: scale, count: count), shift: [Float](repeating: offset, count: count))
    return Self.tracked(value, from: [self], operation: "rescaled") { [$0 * scale] }
  }

  /// x [..., C] + bias [C]. Gradients: dy, and its sums over all axes but the last.
  public func adding(bias: Tensor) -> Tensor {
    requireFloat("adding(bias:)")
    precondition(bias.shape == [shape[-1]], "adding(bias:): bias \(bias.shape) does not fit x \(shape)")
    let ones = [Float](repeating: 1, count: shape[-1])
    let value = device.backend.columnAffine(self, scale: ones, shift: bias.elements())
    let needsBias = bias.isTracked
    return Self.tracked(value, from: [self, bias], operation: "adding(bias:)") { dy in
      [dy, needsBias ? dy.device.backend.columnSums(dy) : nil]
    }
  }

  /// The sum of all elements, a scalar. Gradient: dy everywhere.
  public func sum() -> Tensor {
    requireFloat("sum")
    let shape = shape
    return Self.tracked(Tensor(Float(device.backend.sum(self))), from: [self], operation: "sum") {
      [Tensor(repeating: $0.scalar, shape: shape)]
    }
  }

  /// The mean of all elements, a scalar. Gradient: dy / count everywhere.
  public func mean() -> Tensor { sum() * (1 / Float(shape.count)) }

  /// √Σx², the Euclidean norm of all elements, computed in double; not tracked.
  public var norm: Double {
    requireFloat("norm")
    return device.backend.sumOfSquares(self).squareRoot()
  }

  /// The same elements in another shape of equal count. Gradient: dy in the old shape.
  public func reshaped(to newShape: Shape) -> Tensor {
    precondition(newShape.count == shape.count, "reshaped: \(shape) does not fit \(newShape)")
    let old = shape
    let value = Tensor(storage: storage, shape: newShape, dtype: dtype)
    return Self.tracked(value, from: [self], operation: "reshaped") { [$0.reshaped(to: old)] }
  }

  /// Each image turned over its diagonal: x [N,H,W,C] → [N,W,H,C]. Gradient: dy turned back.
  public func rowsAndColumnsSwapped() -> Tensor {
    requireFloat("rowsAndColumnsSwapped")
    precondition(shape.rank == 4, "rowsAndColumnsSwapped: x \(shape); expected [N,H,W,C]")
    return Self.tracked(device.backend.rowsAndColumnsSwapped(self), from: [self], operation: "rowsAndColumnsSwapped") {
      [$0.rowsAndColumnsSwapped()]
    }
  }

  func requireSameShape(as other: Tensor, _ operation: String) {
    requireFloat(operation)
    other.requireFloat(operation)
    precondition(shape == other.shape, "\(operation): the shapes \(shape) and \(other.shape) differ")
  }

  /// Backends read elements as float32 without looking.
  func requireFloat(_ operation: String) {
    precondition(
      dtype == .float32, "\(operation): elements are \(dtype), not float32; convert bytes with floats(dividedBy:)")
  }

  /// uint8 elements as float32, divided by `divisor` (255 maps bytes to 0...1); not tracked.
  public func floats(dividedBy divisor: Float) -> Tensor {
    precondition(dtype == .uint8, "floats(dividedBy:): elements are \(dtype), not uint8")
    return device.backend.floats(from: self, dividedBy: divisor)
  }
}
