import Tensor

/// How a parameter gets its first value.
public enum Initializer: Sendable, Hashable {
  case zeros
  case ones
  /// Uniform in ±√(6 / (fanIn + fanOut)) (Glorot and Bengio 2010; Keras's default). The fans of a convolution kernel
  /// [h, w, in, out] include the kernel's area.
  case glorotUniform
  /// Normal with deviation √(2 / fanIn) (He et al. 2015).
  case heNormal
  /// Rows, or columns where there are fewer of them, that are orthogonal to each other and of length 1; of all such matrices
  /// each is equally likely (Saxe et al. 2014). All axes but the last count as rows.
  case orthogonal

  /// A tensor of `shape` with values drawn from `stream`.
  public func callAsFunction(_ shape: Shape, _ stream: inout RandomStream) -> Tensor {
    var result = Tensor(uninitialized: shape)
    result.withMutableElements(of: Float.self) { elements in
      switch self {
      case .zeros: elements.update(repeating: 0)
      case .ones: elements.update(repeating: 1)
      case .glorotUniform:
        let (fanIn, fanOut) = Self.fans(of: shape)
        let limit = Float((6 / Double(fanIn + fanOut)).squareRoot())
        for index in elements.indices { elements[index] = stream.float(in: -limit..<limit) }
      case .heNormal:
        let deviation = (2 / Double(Self.fans(of: shape).fanIn)).squareRoot()
        for index in elements.indices { elements[index] = Float(stream.normal() * deviation) }
      case .orthogonal:
        precondition(shape.rank >= 2, "Initializer: a shape \(shape) has no rows and columns to be orthogonal")
        let (rows, columns) = (shape.rows, shape[-1])
        let vectors = Self.orthogonalVectors(min(rows, columns), length: max(rows, columns), &stream)
        for index in elements.indices {
          let (row, column) = (index / columns, index % columns)
          elements[index] = Float(rows <= columns ? vectors[row][column] : vectors[column][row])
        }
      }
    }
    return result
  }

  /// Orthogonal vectors of length 1 in random directions: normal ones after Gram and Schmidt, which is the QR decomposition
  /// with positive numbers on R's diagonal.
  private static func orthogonalVectors(_ count: Int, length: Int, _ stream: inout RandomStream) -> [[Double]] {
    var vectors: [[Double]] = []
    while vectors.count < count {
      var vector = (0..<length).map { _ in stream.normal() }
      // Twice, since the first time leaves rounding errors beside what it takes away.
      for _ in 0..<2 {
        for other in vectors {
          let product = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
          for index in 0..<length { vector[index] -= product * other[index] }
        }
      }
      let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
      vectors.append(vector.map { $0 / norm })
    }
    return vectors
  }

  /// Inputs and outputs of one unit: all axes but the last two are a kernel's area.
  private static func fans(of shape: Shape) -> (fanIn: Int, fanOut: Int) {
    precondition(shape.rank >= 2, "Initializer: a shape \(shape) has no fans; expected [in, out] or [h, w, in, out]")
    let area = shape.dimensions.dropLast(2).reduce(1, *)
    return (area * shape[-2], area * shape[-1])
  }
}

extension Parameter {
  /// A parameter with one of the stock initialisers.
  convenience init(_ name: String, _ shape: Shape, _ initializer: Initializer, isTrainable: Bool = true) {
    self.init(name, shape: shape, isTrainable: isTrainable) { initializer($0, &$1) }
  }
}
