import CKernels

/// Operations on a tensor seen as a matrix [rows, channels], per column.
extension CPUBackend {
  public func columnMoments(_ x: Tensor) -> (mean: [Double], variance: [Double]) {
    let (channels, rows) = (x.shape[-1], x.shape.rows)
    let parts = Threads.partCount(of: rows, minimum: rowsWorthAThread(channels))
    var moments = [ColumnMoments](repeating: ColumnMoments(channels: channels), count: parts)
    moments.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let shared = SharedPointer(base)
      // All parts about the same pivot, which comes from all of x.
      let pivot = ColumnMoments.centralElements(NumberPointer(x), rows: rows, channels: channels)
      Threads.forEachPart(of: rows, parts: parts) { part, index in
        shared.pointer[index].pivot = pivot
        shared.pointer[index].add(NumberPointer(x) + part.lowerBound * channels, rows: part.count, kernels)
      }
    }
    return ColumnMoments.combined(moments)
  }

  public func columnProducts(_ dy: Tensor, _ x: Tensor, pivot: [Float]) -> (sums: [Double], products: [Double]) {
    let channels = x.shape[-1]
    let (sums, products) = columnReduction(x.shape) { first, rows, sums, products in
      kernels.column_products(
        dy.floats + first * channels, x.floats + first * channels, rows, channels, pivot, sums, products)
    }
    return (sums, products)
  }

  public func columnSums(_ x: Tensor) -> Tensor {
    let channels = x.shape[-1]
    let (sums, _) = columnReduction(x.shape) { first, rows, sums, _ in
      kernels.column_sums(x.floats + first * channels, rows, channels, sums)
    }
    return Tensor(sums.map(Float.init), shape: [channels])
  }

  public func reluGradient(_ dy: Tensor, y: Tensor) -> (masked: Tensor, sums: Tensor) {
    let channels = y.shape[-1]
    let masked = Tensor(uninitialized: y.shape)
    let (sums, _) = columnReduction(y.shape) { first, rows, sums, _ in
      let offset = first * channels
      kernels.relu_gradient(dy.floats + offset, y.floats + offset, rows, channels, masked.floats + offset, sums)
    }
    return (masked, Tensor(sums.map(Float.init), shape: [channels]))
  }

  public func columnAffine(_ x: Tensor, scale: [Float], shift: [Float]) -> Tensor {
    let channels = x.shape[-1]
    let y = Tensor(uninitialized: x.shape)
    Threads.forEachPart(of: x.shape.rows, minimum: rowsWorthAThread(channels)) { rows, _ in
      let offset = rows.lowerBound * channels
      kernels.column_affine(x.floats + offset, rows.count, channels, scale, shift, y.floats + offset)
    }
    return y
  }

  public func columnCombination(_ dy: Tensor, _ x: Tensor, a: [Float], b: [Float], c: [Float]) -> Tensor {
    let channels = x.shape[-1]
    let dx = Tensor(uninitialized: x.shape)
    Threads.forEachPart(of: x.shape.rows, minimum: rowsWorthAThread(channels)) { rows, _ in
      let offset = rows.lowerBound * channels
      kernels.column_combine(dy.floats + offset, x.floats + offset, rows.count, channels, a, b, c, dx.floats + offset)
    }
    return dx
  }

  func rowsWorthAThread(_ channels: Int) -> Int { max(1, 16_384 / max(1, channels)) }

  /// Two sums per column: portions of the rows are summed, and these are added in their order.
  func columnReduction(
    _ shape: Shape,
    _ body:
      @Sendable (
        _ firstRow: Int, _ rows: Int, _ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>
      ) -> Void
  ) -> (first: [Double], second: [Double]) {
    let channels = shape[-1]
    let partCount = Threads.portionCount(of: shape.rows, minimum: rowsWorthAThread(channels), perThread: 4)
    var parts = [Double](repeating: 0, count: partCount * 2 * channels)
    parts.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let shared = SharedPointer(base)
      Threads.forEachPortion(of: shape.rows, portions: partCount) { rows, part in
        let sums = shared.pointer + part * 2 * channels
        body(rows.lowerBound, rows.count, sums, sums + channels)
      }
    }
    var sums = [Double](repeating: 0, count: 2 * channels)
    for (index, value) in parts.enumerated() { sums[index % (2 * channels)] += value }
    return (Array(sums[..<channels]), Array(sums[channels...]))
  }
}
