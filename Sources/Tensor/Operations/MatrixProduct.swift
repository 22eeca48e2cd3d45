extension Tensor {
  /// The matrix product of [m, k] and [k, n], each taken transposed where asked.
  ///
  /// Gradients: da = dy · bᵀ, db = aᵀ · dy, with the transpositions moved accordingly, in the same precision.
  public func matrixProduct(
    _ other: Tensor, transposeSelf: Bool = false, transposeOther: Bool = false,
    precision: ArithmeticPrecision = .float32
  ) -> Tensor {
    requireFloat("matrixProduct")
    other.requireFloat("matrixProduct")
    precondition(
      shape.rank == 2 && other.shape.rank == 2
        && shape[transposeSelf ? 0 : 1] == other.shape[transposeOther ? 1 : 0],
      "matrixProduct: \(shape)\(transposeSelf ? "ᵀ" : "") does not fit \(other.shape)\(transposeOther ? "ᵀ" : "")")
    let value = device.backend.matrixProduct(
      self, other, transposeA: transposeSelf, transposeB: transposeOther, precision: precision)
    let (a, b) = (detached, other.detached)
    let (needsA, needsB) = (isTracked, other.isTracked)
    return Self.tracked(value, from: [self, other], operation: "matrixProduct") { dy in
      func product(_ a: Tensor, _ b: Tensor, _ transposeA: Bool, _ transposeB: Bool) -> Tensor {
        a.matrixProduct(b, transposeSelf: transposeA, transposeOther: transposeB, precision: precision)
      }
      let da: Tensor? =
        !needsA
        ? nil : transposeSelf ? product(b, dy, transposeOther, true) : product(dy, b, false, !transposeOther)
      let db: Tensor? =
        !needsB
        ? nil : transposeOther ? product(dy, a, true, transposeSelf) : product(a, dy, !transposeSelf, false)
      return [da, db]
    }
  }

  /// The matrix product of x [m, k] with weights [k, n] that may be read as float16 (IEEE binary16), which halves the
  /// time where each weight is used only a few times; not tracked.
  ///
  /// Weights are rounded by at most 2⁻¹¹ of themselves, or 2⁻³⁹ of the largest; the arithmetic is in float32.
  public func matrixProduct(float16Weights weights: Tensor) -> Tensor {
    requireFloat("matrixProduct(float16Weights:)")
    weights.requireFloat("matrixProduct(float16Weights:)")
    precondition(
      shape.rank == 2 && weights.shape.rank == 2 && shape[1] == weights.shape[0],
      "matrixProduct(float16Weights:): \(shape) does not fit \(weights.shape)")
    precondition(!isTracked && !weights.isTracked, "matrixProduct(float16Weights:): no gradient flows through it")
    let backend = device.backend
    return backend.prefersFloat16Weights(shape, weights.shape)
      ? backend.matrixProduct(self, float16Weights: weights) : matrixProduct(weights)
  }
}

extension Backend {
  public func prefersFloat16Weights(_ a: Shape, _ b: Shape) -> Bool { false }

  public func matrixProduct(_ a: Tensor, float16Weights b: Tensor) -> Tensor {
    matrixProduct(a, b, transposeA: false, transposeB: false, precision: .float32)
  }
}
