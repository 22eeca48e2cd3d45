import CKernels

extension CPUBackend {
  public func matrixProduct(
    _ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool, precision: ArithmeticPrecision
  ) -> Tensor {
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
    Threads.forEachPart(of: max(m, n), minimum: minimum) { part, _ in
      let (rows, columns) = n >= m ? (0..<m, part) : (part, 0..<n)
      let partOfA = a.floats + rows.lowerBound * (transposeA ? 1 : lda)
      let partOfB = b.floats + columns.lowerBound * (transposeB ? ldb : 1)
      let partOfResult = result.floats + rows.lowerBound * n + columns.lowerBound
      switch precision {
      case .float32:
        BLAS.multiply(
          m: rows.count, n: columns.count, k: k, partOfA, stride: lda, transposed: transposeA, partOfB, stride: ldb,
          transposed: transposeB, into: partOfResult, stride: n)
      case .bfloat16:
        var sizes = ckernels_product(
          rows: rows.count, columns: columns.count, depth: k, a_stride: lda, b_stride: ldb, c_stride: n,
          transpose_a: transposeA ? 1 : 0, transpose_b: transposeB ? 1 : 0)
        kernels.bfloat16_product(&sizes, partOfA, partOfB, partOfResult)
      }
    }
    return result
  }

  public func matrixProduct(_ a: Tensor, halfWidth b: Tensor) -> Tensor {
    let (rows, depth, columns) = (a.shape[0], a.shape[1], b.shape[1])
    let block = kernels.half_block
    // Few weights stay in the cache, where reading them costs nothing.
    guard rows <= kernels.half_rows, a.shape.count > 0, b.shape.count >= 1 << 20, let packed = halfWidth(b) else {
      return matrixProduct(a, b, transposeA: false, transposeB: false, precision: .float32)
    }
    let result = Tensor(uninitialized: [rows, columns])
    let blocks = (columns + block - 1) / block
    Threads.forEachPart(of: blocks, minimum: max(1, 500_000 / (depth * block))) { part, _ in
      kernels.half_product(
        a.floats, rows, depth, packed.halves, columns, part.lowerBound, part.upperBound, result.floats)
    }
    return result
  }

  /// Weights [k, n] in half width as the kernel reads them; nil where a number is too large for that.
  private func halfWidth(_ weights: Tensor) -> Tensor? {
    let (rows, columns, block) = (weights.shape[0], weights.shape[1], kernels.half_block)
    let packed = weights.derived("half width, blocks of \(block)") {
      let blocks = (columns + block - 1) / block
      let packed = Tensor(uninitialized: [blocks * rows * block * 2], dtype: .uint8)
      let misfits = Threads.sum(over: blocks, minimum: 1) {
        kernels.half_pack(weights.floats, rows, columns, $0.lowerBound, $0.upperBound, packed.halves) == 1 ? 0 : 1
      }
      return misfits == 0 ? packed : Tensor(uninitialized: [0], dtype: .uint8)
    }
    return packed.shape.count > 0 ? packed : nil
  }
}

extension Tensor {
  /// The address of half-width floats that lie in a tensor of bytes.
  fileprivate var halves: UnsafeMutablePointer<UInt16> { storage.bytes.assumingMemoryBound(to: UInt16.self) }
}
