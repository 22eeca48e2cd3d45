import CKernels

/// Layer normalisation, divided among the threads by row.
extension CPUBackend {
  public func layerNormalization(
    _ x: Tensor, gamma: Tensor, beta: Tensor, epsilon: Float
  ) -> (y: Tensor, statistics: Tensor) {
    let (rows, channels) = (x.shape.rows, x.shape[-1])
    let (y, statistics) = (Tensor(uninitialized: x.shape), Tensor(uninitialized: [rows, 2]))
    Threads.forEachPart(of: rows, minimum: rowsWorthAThread(channels)) { part, _ in
      let first = part.lowerBound * channels
      kernels.layer_normalize(
        x.floats + first, part.count, channels, gamma.floats, beta.floats, epsilon, y.floats + first,
        statistics.floats + 2 * part.lowerBound)
    }
    return (y, statistics)
  }

  public func layerNormalizationGradient(
    _ dy: Tensor, x: Tensor, gamma: Tensor, statistics: Tensor, needsX: Bool
  ) -> (x: Tensor?, gamma: Tensor, beta: Tensor) {
    let channels = x.shape[-1]
    let dx = needsX ? Tensor(uninitialized: x.shape) : nil
    let (dgamma, dbeta) = columnReduction(x.shape) { row, rows, gammaSums, betaSums in
      let first = row * channels
      kernels.layer_normalize_gradient(
        dy.floats + first, x.floats + first, statistics.floats + 2 * row, rows, channels, gamma.floats,
        dx.map { $0.floats + first }, gammaSums, betaSums)
    }
    return (
      dx, Tensor(dgamma.map(Float.init), shape: [channels]), Tensor(dbeta.map(Float.init), shape: [channels])
    )
  }
}
