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
          transpose_a: transposeA ? 1 : 0, transpose_b: transposeB ? 1 : 0, bfloat16_b: 0)
        kernels.bfloat16_product(&sizes, partOfA, partOfB, partOfResult)
      }
    }
    return result
  }

  public func prefersFloat16Weights(_ a: Shape, _ b: Shape) -> Bool {
    // With more rows arithmetic sets the pace, and few weights stay in the cache, where reading them costs nothing.
    a.count > 0 && a[0] <= kernels.float16_rows && b.count >= 1 << 20
  }

  public func matrixProduct(_ a: Tensor, float16Weights b: Tensor) -> Tensor {
    let (rows, depth, columns) = (a.shape[0], a.shape[1], b.shape[1])
    let block = kernels.float16_block
    guard rows <= kernels.float16_rows else {
      return matrixProduct(a, b, transposeA: false, transposeB: false, precision: .float32)
    }
    let (packed, scale) = float16Weights(b)
    let result = Tensor(uninitialized: [rows, columns])
    let blocks = (columns + block - 1) / block
    Threads.forEachPart(of: blocks, minimum: max(1, 500_000 / (depth * block))) { part, _ in
      kernels.float16_product(
        a.floats, rows, depth, packed.halves, columns, part.lowerBound, part.upperBound, 1 / scale, result.floats)
    }
    return result
  }

  /// Weights [k, n] times a power of two as float16 in the kernel's order.
  private func float16Weights(_ weights: Tensor) -> (packed: Tensor, scale: Float) {
    let (rows, columns, block) = (weights.shape[0], weights.shape[1], kernels.float16_block)
    let scale = weights.derived("float16 scale") {
      let largest = ckernels_largest_magnitude(weights.floats, weights.shape.count)
      // The largest weight comes to 2¹⁴, near the end of the range.
      return Tensor(
        largest > 0 && largest.isFinite ? Float(sign: .plus, exponent: 14 - largest.exponent, significand: 1) : 1)
    }.scalar
    let packed = weights.derived("float16, blocks of \(block)") {
      let blocks = (columns + block - 1) / block
      let packed = Tensor(uninitialized: [blocks * rows * block * 2], dtype: .uint8)
      Threads.forEachPart(of: blocks) { part, _ in
        kernels.float16_pack(
          weights.floats, rows, columns, part.lowerBound, part.upperBound, scale, packed.halves)
      }
      return packed
    }
    return (packed, scale)
  }
}

extension Tensor {
  /// The address of float16 numbers that lie in a tensor of bytes.
  fileprivate var halves: UnsafeMutablePointer<UInt16> { storage.bytes.assumingMemoryBound(to: UInt16.self) }
}
