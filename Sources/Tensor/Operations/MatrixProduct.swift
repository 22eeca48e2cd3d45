extension Tensor {
  /// The matrix product of [m, k] and [k, n], each taken transposed where asked.
  ///
  /// Gradients: da = dy · bᵀ, db = aᵀ · dy, with the transpositions moved accordingly.
  public func matrixProduct(_ other: Tensor, transposeSelf: Bool = false, transposeOther: Bool = false) -> Tensor {
    requireFloat("matrixProduct")
    other.requireFloat("matrixProduct")
    precondition(
      shape.rank == 2 && other.shape.rank == 2
        && shape[transposeSelf ? 0 : 1] == other.shape[transposeOther ? 1 : 0],
      "matrixProduct: \(shape)\(transposeSelf ? "ᵀ" : "") does not fit \(other.shape)\(transposeOther ? "ᵀ" : "")")
    let value = device.backend.matrixProduct(
      self, other, transposeA: transposeSelf, transposeB: transposeOther)
    let (a, b) = (detached, other.detached)
    let (needsA, needsB) = (isTracked, other.isTracked)
    return Self.tracked(value, from: [self, other], operation: "matrixProduct") { dy in
      let da: Tensor? =
        !needsA
        ? nil
        : transposeSelf
          ? b.matrixProduct(dy, transposeSelf: transposeOther, transposeOther: true)
          : dy.matrixProduct(b, transposeOther: !transposeOther)
      let db: Tensor? =
        !needsB
        ? nil
        : transposeOther
          ? dy.matrixProduct(a, transposeSelf: true, transposeOther: transposeSelf)
          : a.matrixProduct(dy, transposeSelf: !transposeSelf)
      return [da, db]
    }
  }
}
