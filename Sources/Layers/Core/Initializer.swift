import Tensor

/// How a parameter gets its first value.
public enum Initializer: Sendable, Hashable {
  case zeros
  case ones
  case constant(Float)
  /// Uniform in ±√(6 / (fanIn + fanOut)) (Glorot and Bengio 2010; the default of Keras). For a convolution kernel
  /// [h, w, in, out] the fans include the kernel area.
  case glorotUniform
  /// Normal with deviation √(2 / fanIn) (He et al. 2015).
  case heNormal

  /// A tensor of `shape` with values drawn from `stream`.
  public func values(for shape: Shape, from stream: inout RandomStream) -> Tensor {
    var result = Tensor(uninitialized: shape)
    result.withMutableElements(of: Float.self) { elements in
      switch self {
      case .zeros: elements.update(repeating: 0)
      case .ones: elements.update(repeating: 1)
      case .constant(let value): elements.update(repeating: value)
      case .glorotUniform:
        let (fanIn, fanOut) = Self.fans(of: shape)
        let limit = Float((6 / Double(fanIn + fanOut)).squareRoot())
        for index in elements.indices { elements[index] = stream.float(in: -limit..<limit) }
      case .heNormal:
        let deviation = (2 / Double(Self.fans(of: shape).fanIn)).squareRoot()
        for index in elements.indices { elements[index] = Float(stream.normal() * deviation) }
      }
    }
    return result
  }

  private static func fans(of shape: Shape) -> (fanIn: Int, fanOut: Int) {
    switch shape.rank {
    case 0: (1, 1)
    case 1: (shape[0], shape[0])
    default:
      // All axes but the last two are the receptive field.
      (shape.count / max(1, shape[-1]), shape.count / max(1, shape[-2]))
    }
  }
}
