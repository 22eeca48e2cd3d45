import CKernels

/// Operations on a tensor seen as a matrix [rows, channels], per column.
extension CPUBackend {
  public func columnMoments(_ x: Tensor) -> (mean: [Double], variance: [Double]) {
    let channels = x.shape[-1]
    let pivot = centralElements(x)
    let (sums, squares) = columnReduction(x.shape) { first, rows, sums, squares in
      kernels.column_moments(x.floats + first * channels, rows, channels, pivot, sums, squares)
    }
    let count = Double(x.shape.rows)
    let mean = zip(pivot, sums).map { Double($0) + $1 / count }
    let variance = zip(sums, squares).map { max(0, $1 / count - ($0 / count) * ($0 / count)) }
    return (mean, variance)
  }

  /// For each column an element near its mean, which keeps small variances exact: of up to 512 rows, spread evenly, the
  /// element that is nearest to their mean.
  ///
  /// The first row would not do. The first pixel of an image, in the padded corner, is often bright where a channel is dark
  /// nearly everywhere, and the square of that distance would drown the variance. An element, rather than the mean itself,
  /// has the data's own precision: distances from it are exact where the data are coarse.
  private func centralElements(_ x: Tensor) -> [Float] {
    let (rows, channels) = (x.shape.rows, x.shape[-1])
    let step = max(1, rows / 256)
    let sampled = stride(from: step / 2, to: rows, by: step).map { x.floats + $0 * channels }
    return (0..<channels).map { channel in
      let mean = Float(sampled.reduce(0.0) { $0 + Double($1[channel]) } / Double(sampled.count))
      var nearest = sampled.first?[channel] ?? 0
      for row in sampled where abs(row[channel] - mean) < abs(nearest - mean) { nearest = row[channel] }
      return nearest
    }
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

  private func rowsWorthAThread(_ channels: Int) -> Int { max(1, 16_384 / max(1, channels)) }

  /// Two sums per column: each thread sums its own rows, and the parts are added in the order of the threads.
  private func columnReduction(
    _ shape: Shape,
    _ body:
      @Sendable (
        _ firstRow: Int, _ rows: Int, _ first: UnsafeMutablePointer<Double>, _ second: UnsafeMutablePointer<Double>
      ) -> Void
  ) -> (first: [Double], second: [Double]) {
    let channels = shape[-1]
    let partCount = Threads.partCount(of: shape.rows, minimum: rowsWorthAThread(channels))
    var parts = [Double](repeating: 0, count: partCount * 2 * channels)
    parts.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let shared = SharedPointer(base)
      Threads.forEachPart(of: shape.rows, parts: partCount) { rows, part in
        let sums = shared.pointer + part * 2 * channels
        body(rows.lowerBound, rows.count, sums, sums + channels)
      }
    }
    var sums = [Double](repeating: 0, count: 2 * channels)
    for (index, value) in parts.enumerated() { sums[index % (2 * channels)] += value }
    return (Array(sums[..<channels]), Array(sums[channels...]))
  }
}
