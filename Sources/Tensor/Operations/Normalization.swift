extension Tensor {
  /// Batch normalisation with the batch's own statistics, over all axes but the last.
  ///
  /// y = gamma · (x − mean) / √(variance + epsilon) + beta, with the biased variance.
  ///
  /// - Parameters:
  ///   - gamma: scale [C]. - beta: offset [C].
  /// - Returns: y of x's shape [..., C], and the batch's mean and variance [C] for the running statistics.
  ///
  /// Source: Ioffe and Szegedy 2015.
  public func batchNormalized(
    gamma: Tensor, beta: Tensor, epsilon: Float
  ) -> (output: Tensor, mean: Tensor, variance: Tensor) {
    requireFloat("batchNormalized")
    precondition(shape.rows > 0, "batchNormalized: x \(shape) has no rows to take statistics of")
    let (mean, variance) = device.backend.columnMoments(self)
    let output = normalized(
      mean: mean, variance: variance, gamma: gamma, beta: beta, epsilon: epsilon, ofThisBatch: true)
    return (
      output, Tensor(mean.map(Float.init), shape: [shape[-1]]), Tensor(variance.map(Float.init), shape: [shape[-1]])
    )
  }

  /// Normalisation with given statistics [C], which are constants to the gradient.
  public func normalized(
    mean: Tensor, variance: Tensor, gamma: Tensor, beta: Tensor, epsilon: Float
  ) -> Tensor {
    normalized(
      mean: mean.elements().map(Double.init), variance: variance.elements().map(Double.init), gamma: gamma, beta: beta,
      epsilon: epsilon, ofThisBatch: false)
  }

  private func normalized(
    mean: [Double], variance: [Double], gamma: Tensor, beta: Tensor, epsilon: Float, ofThisBatch: Bool
  ) -> Tensor {
    requireFloat("normalized")
    let channels = shape[-1]
    precondition(
      mean.count == channels && variance.count == channels && gamma.shape == [channels] && beta.shape == [channels],
      "normalisation: statistics of \(mean.count) channels, gamma \(gamma.shape), beta \(beta.shape) for x \(shape)")
    let scales = gamma.elements().map(Double.init)
    let inverse = variance.map { 1 / ($0 + Double(epsilon)).squareRoot() }
    let scale = zip(scales, inverse).map { Float($0 * $1) }
    let shift = zip(beta.elements(), zip(scale, mean)).map { Float(Double($0) - Double($1.0) * $1.1) }
    let value = device.backend.columnAffine(self, scale: scale, shift: shift)
    let (x, pivot) = (detached, mean.map(Float.init))
    let needsX = isTracked
    return Self.tracked(value, from: [self, gamma, beta], operation: "normalized") { dy in
      let backend = dy.device.backend
      let (sums, products) = backend.columnProducts(dy, x, pivot: pivot)
      var dx: Tensor?
      if needsX {
        // dx = scale · (dy − mean(dy) − x̂ · mean(dy · x̂)) with x̂ = (x − mean) · inverse; the means vanish where the
        // statistics are constants.
        let count = ofThisBatch ? Double(x.shape.rows) : .infinity
        var (b, c) = ([Float](), [Float]())
        for i in 0..<channels {
          let slope = -scales[i] * inverse[i] * inverse[i] * inverse[i] * products[i] / count
          b.append(Float(slope))
          c.append(Float(-scales[i] * inverse[i] * sums[i] / count - slope * mean[i]))
        }
        dx = backend.columnCombination(dy, x, a: scale, b: b, c: c)
      }
      return [
        dx,
        Tensor(zip(products, inverse).map { Float($0 * $1) }, shape: [channels]),
        Tensor(sums.map(Float.init), shape: [channels]),
      ]
    }
  }
}
