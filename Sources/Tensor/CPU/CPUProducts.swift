extension CPUBackend {
  public func matrixProduct(_ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool) -> Tensor {
    // Before the threads start: setting OpenBLAS up changes the environment for a moment.
    _ = BLAS.selection
    let m = a.shape[transposeA ? 1 : 0]
    let k = a.shape[transposeA ? 0 : 1]
    let n = b.shape[transposeB ? 0 : 1]
    // Sums of nothing; BLAS takes no matrices without elements.
    if m == 0 || n == 0 || k == 0 { return Tensor(zeros: [m, n]) }
    let result = Tensor(uninitialized: [m, n])
    let (lda, ldb) = (a.shape[1], b.shape[1])
    // Each thread multiplies its own rows or columns of the result, whichever there are more of; below about a million
    // multiplications a second thread costs more than it gives.
    let minimum = max(16, 1_000_000 / max(1, k * min(m, n)))
    if n >= m {
      Threads.forEachPart(of: n, minimum: minimum) { columns, _ in
        BLAS.multiply(
          m: m, n: columns.count, k: k, a.floats, stride: lda, transposed: transposeA,
          b.floats + columns.lowerBound * (transposeB ? ldb : 1), stride: ldb, transposed: transposeB,
          into: result.floats + columns.lowerBound, stride: n)
      }
    } else {
      Threads.forEachPart(of: m, minimum: minimum) { rows, _ in
        BLAS.multiply(
          m: rows.count, n: n, k: k, a.floats + rows.lowerBound * (transposeA ? 1 : lda), stride: lda,
          transposed: transposeA, b.floats, stride: ldb, transposed: transposeB,
          into: result.floats + rows.lowerBound * n, stride: n)
      }
    }
    return result
  }
}
