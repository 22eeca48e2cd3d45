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
    let normalization = Normalization(mean: mean, variance: variance, gamma: gamma, beta: beta, epsilon: epsilon)
    let value = device.backend.columnAffine(self, scale: normalization.scale, shift: normalization.shift)
    let x = detached
    let needsX = isTracked
    return Self.tracked(value, from: [self, gamma, beta], operation: "normalized") { dy in
      let backend = dy.device.backend
      let (sums, products) = backend.columnProducts(dy, x, pivot: normalization.pivot)
      var dx: Tensor?
      if needsX {
        let slopes = normalization.slopes(
          sums: sums, products: products, count: ofThisBatch ? x.shape.rows : nil)
        dx = backend.columnCombination(dy, x, a: normalization.scale, b: slopes.b, c: slopes.c)
      }
      return [
        dx, normalization.gammaGradient(products: products), Tensor(sums.map(Float.init), shape: [channels]),
      ]
    }
  }
}

/// A normalisation with known statistics as what it does per channel: y = x · scale + shift.
struct Normalization: Sendable {
  let mean, gamma, inverseDeviation: [Double]
  let scale, shift: [Float]

  init(mean: [Double], variance: [Double], gamma: Tensor, beta: Tensor, epsilon: Float) {
    self.mean = mean
    self.gamma = gamma.elements().map(Double.init)
    inverseDeviation = variance.map { 1 / ($0 + Double(epsilon)).squareRoot() }
    scale = zip(self.gamma, inverseDeviation).map { Float($0 * $1) }
    shift = zip(beta.elements(), zip(scale, mean)).map { Float(Double($0) - Double($1.0) * $1.1) }
  }

  /// What is taken off x before products with it are summed, so that they stay exact.
  var pivot: [Float] { mean.map(Float.init) }

  /// b and c of the gradient dx = dy · scale + x · b + c, from Σ dy and Σ dy·(x − pivot) per channel.
  ///
  /// dx = scale · (dy − mean(dy) − x̂ · mean(dy · x̂)) with x̂ = (x − mean) · inverseDeviation.
  /// - Parameter count: the rows that the statistics are of; nil where they are constants to the gradient.
  func slopes(sums: [Double], products: [Double], count: Int?) -> (b: [Float], c: [Float]) {
    let count = count.map(Double.init) ?? .infinity
    var (b, c) = ([Float](), [Float]())
    for i in mean.indices {
      let inverse = inverseDeviation[i]
      let slope = -gamma[i] * inverse * inverse * inverse * products[i] / count
      b.append(Float(slope))
      c.append(Float(-gamma[i] * inverse * sums[i] / count - slope * mean[i]))
    }
    return (b, c)
  }

  func gammaGradient(products: [Double]) -> Tensor {
    Tensor(zip(products, inverseDeviation).map { Float($0 * $1) }, shape: [products.count])
  }
}
