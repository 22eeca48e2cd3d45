extension Tensor {
  /// Normalisation of each row over the last axis, by its own mean and biased variance.
  ///
  /// y = gamma · (x − mean) / √(variance + epsilon) + beta for x [..., C], gamma [C] and beta [C].
  /// Gradients: dx = (g − mean(g) − x̂ · mean(g · x̂)) / √(variance + epsilon) with g = dy · gamma and the normalised x̂;
  /// Σ dy · x̂ and Σ dy over all rows for gamma and beta.
  ///
  /// Source: Ba, Kiros and Hinton 2016.
  public func layerNormalized(gamma: Tensor, beta: Tensor, epsilon: Float) -> Tensor {
    requireFloat("layerNormalized")
    gamma.requireFloat("layerNormalized")
    beta.requireFloat("layerNormalized")
    precondition(
      shape.rank >= 1 && shape[-1] > 0 && gamma.shape == [shape[-1]] && beta.shape == [shape[-1]],
      "layerNormalized: gamma \(gamma.shape) and beta \(beta.shape) do not fit x \(shape)")
    let (y, statistics) = device.backend.layerNormalization(self, gamma: gamma, beta: beta, epsilon: epsilon)
    let (x, scale) = (detached, gamma.detached)
    let needsX = isTracked
    return Self.tracked(y, from: [self, gamma, beta], operation: "layerNormalized") { dy in
      let gradients = dy.device.backend.layerNormalizationGradient(
        dy, x: x, gamma: scale, statistics: statistics, needsX: needsX)
      return [gradients.x, gradients.gamma, gradients.beta]
    }
  }
}

extension Backend {
  public func layerNormalization(
    _ x: Tensor, gamma: Tensor, beta: Tensor, epsilon: Float
  ) -> (y: Tensor, statistics: Tensor) {
    let (rows, channels) = (x.shape.rows, x.shape[-1])
    let matrix = x.reshaped(to: [rows, channels])
    let means = rowMeans(matrix)
    let distances = combination(matrix, 1, inEveryColumn(means, channels), -1)
    let variances = rowMeans(product(distances, distances))
    let inverses = variances.elements().map { 1 / ($0 + epsilon).squareRoot() }
    let normalized = product(distances, inEveryColumn(Tensor(inverses, shape: [rows, 1]), channels))
    let y = columnAffine(normalized, scale: gamma.elements(), shift: beta.elements())
    let statistics = zip(means.elements(), inverses).flatMap { [$0, $1] }
    return (y.reshaped(to: x.shape), Tensor(statistics, shape: [rows, 2]))
  }

  public func layerNormalizationGradient(
    _ dy: Tensor, x: Tensor, gamma: Tensor, statistics: Tensor, needsX: Bool
  ) -> (x: Tensor?, gamma: Tensor, beta: Tensor) {
    let (rows, channels) = (x.shape.rows, x.shape[-1])
    let (dy, matrix) = (dy.reshaped(to: [rows, channels]), x.reshaped(to: [rows, channels]))
    let known = statistics.elements()
    func column(_ index: Int) -> Tensor {
      inEveryColumn(Tensor((0..<rows).map { known[2 * $0 + index] }, shape: [rows, 1]), channels)
    }
    let inverses = column(1)
    let normalized = product(combination(matrix, 1, column(0), -1), inverses)
    let (dgamma, dbeta) = (columnSums(product(dy, normalized)), columnSums(dy))
    guard needsX else { return (nil, dgamma, dbeta) }
    let none = [Float](repeating: 0, count: channels)
    let g = columnAffine(dy, scale: gamma.elements(), shift: none)
    let slope = inEveryColumn(rowMeans(product(g, normalized)), channels)
    let centered = combination(g, 1, inEveryColumn(rowMeans(g), channels), -1)
    let dx = product(combination(centered, 1, product(normalized, slope), -1), inverses)
    return (dx.reshaped(to: x.shape), dgamma, dbeta)
  }

  /// The means of the rows of x [rows, channels], as [rows, 1].
  private func rowMeans(_ x: Tensor) -> Tensor {
    let shares = Tensor(repeating: 1 / Float(x.shape[1]), shape: [x.shape[1], 1])
    return matrixProduct(x, shares, transposeA: false, transposeB: false, precision: .float32)
  }

  /// x [rows, 1] → [rows, columns].
  private func inEveryColumn(_ x: Tensor, _ columns: Int) -> Tensor {
    matrixProduct(
      x, Tensor(repeating: 1, shape: [1, columns]), transposeA: false, transposeB: false, precision: .float32)
  }
}
