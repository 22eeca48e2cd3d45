import Tensor

/// How gradients are kept from growing too large; all as in Keras 3.
public enum GradientClipping: Equatable, Sendable {
  /// Each parameter's gradient is scaled to at most this Euclidean norm: `g·c / max(‖g‖, c)` (Keras `clipnorm`).
  ///
  /// A norm whose square overflows Float counts as infinite: that gradient becomes zero.
  case byNorm(Float)
  /// All gradients are scaled by one factor to at most this norm of all together (Keras `global_clipnorm`).
  ///
  /// Where that norm is not finite, all gradients become NaN.
  case byGlobalNorm(Float)
  /// Each element is limited to −c...c (Keras `clipvalue`).
  case byValue(Float)

  /// The norm or magnitude that is allowed.
  var limit: Float {
    switch self {
    case .byNorm(let limit), .byGlobalNorm(let limit), .byValue(let limit): limit
    }
  }
}

/// What one call of `Optimizer.apply` did.
public struct UpdateSummary: Equatable, Sendable {
  /// Whether the parameters changed; false while gradients are being accumulated.
  public internal(set) var isUpdate = false
  /// The largest norm of a parameter's gradient before clipping; nil where clipping did not need the norms.
  public internal(set) var largestGradientNorm: Float?
  /// How many parameters' gradients the norm limit made smaller.
  public internal(set) var clippedParameters = 0
}

extension Tensor {
  /// Σx² in Float's range: infinite where it is more than Float can hold.
  var squaredNorm: Float {
    let norm = norm
    return Float(norm * norm)
  }
}
