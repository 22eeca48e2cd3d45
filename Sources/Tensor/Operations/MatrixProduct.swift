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

  /// The matrix product of x [m, k] with weights [k, n] that may be read in half width (IEEE binary16), which halves the
  /// time where each weight is used only a few times; not tracked.
  ///
  /// The weights' relative error is at most 2⁻¹¹; the arithmetic is in float.
  public func matrixProduct(halfWidth weights: Tensor) -> Tensor {
    requireFloat("matrixProduct(halfWidth:)")
    weights.requireFloat("matrixProduct(halfWidth:)")
    precondition(
      shape.rank == 2 && weights.shape.rank == 2 && shape[1] == weights.shape[0],
      "matrixProduct(halfWidth:): \(shape) does not fit \(weights.shape)")
    precondition(!isTracked && !weights.isTracked, "matrixProduct(halfWidth:): no gradient flows through it")
    return device.backend.matrixProduct(self, halfWidth: weights)
  }
}

extension Backend {
  public func matrixProduct(_ a: Tensor, halfWidth b: Tensor) -> Tensor {
    matrixProduct(a, b, transposeA: false, transposeB: false, precision: .float32)
  }
}
