extension Tensor {
  /// Scaled dot-product attention of several heads: each position of an image takes up the values of all positions by how
  /// well its query fits their keys.
  ///
  /// With heads of d = D / heads channels that lie one after the other in the last axis,
  /// y = softmax(q · kᵀ / √d) · v for each image and head; query, key and value [N,T,D] → [N,T,D].
  ///
  /// Gradients, with the softmax P and dP = dy · vᵀ: dv = Pᵀ · dy, dq = dS · k and dk = dSᵀ · q, where
  /// dS = P ∘ (dP − Σ P ∘ dP over each row) / √d. P is kept for them.
  ///
  /// Source: Vaswani et al. 2017, Attention Is All You Need.
  public static func scaledDotProductAttention(query: Tensor, key: Tensor, value: Tensor, heads: Int) -> Tensor {
    for input in [query, key, value] { input.requireFloat("scaledDotProductAttention") }
    let shape = query.shape
    precondition(
      shape.rank == 3 && key.shape == shape && value.shape == shape,
      "scaledDotProductAttention: query \(shape), key \(key.shape) and value \(value.shape) are not one shape [N,T,D]")
    precondition(
      heads > 0 && shape[2] > 0 && shape[2] % heads == 0,
      "scaledDotProductAttention: \(shape[2]) channels cannot be divided among \(heads) heads")
    let isTracked = [query, key, value].contains { $0.isTracked }
    let (y, probabilities) = query.device.backend.attention(
      query, key, value, heads: heads, keepsProbabilities: isTracked)
    guard let probabilities else { return y }
    let (q, k, v) = (query.detached, key.detached, value.detached)
    return tracked(y, from: [query, key, value], operation: "scaledDotProductAttention") { dy in
      let gradients = dy.device.backend.attentionGradient(dy, q, k, v, probabilities: probabilities, heads: heads)
      return [gradients.q, gradients.k, gradients.v]
    }
  }
}

/// The sizes of one attention.
struct AttentionGeometry: Sendable {
  let images, positions, channels, heads: Int

  /// The sizes for a query [N,T,D].
  init(query: Shape, heads: Int) {
    (images, positions, channels) = (query[0], query[1], query[2])
    self.heads = heads
  }

  /// Channels of one head.
  var headChannels: Int { channels / heads }
  /// What the products of queries and keys are multiplied by, so that they do not grow with the channels.
  var scale: Float { 1 / Float(headChannels).squareRoot() }
  var probabilitiesShape: Shape { [images, heads, positions, positions] }
}

extension Backend {
  public func attention(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, keepsProbabilities: Bool
  ) -> (y: Tensor, probabilities: Tensor?) {
    let geometry = AttentionGeometry(query: q.shape, heads: heads)
    let (queries, keys, values) = (geometry.matrices(of: q), geometry.matrices(of: k), geometry.matrices(of: v))
    let probabilities = queries.indices.map { index in
      let scores = matrixProduct(
        queries[index], keys[index], transposeA: false, transposeB: true, precision: .float32)
      return softmax(scaled(scores, by: geometry.scale))
    }
    let results = queries.indices.map { index in
      matrixProduct(probabilities[index], values[index], transposeA: false, transposeB: false, precision: .float32)
    }
    let kept = Tensor(probabilities.flatMap { $0.elements() }, shape: geometry.probabilitiesShape)
    return (geometry.joined(results), keepsProbabilities ? kept : nil)
  }

  public func attentionGradient(
    _ dy: Tensor, _ q: Tensor, _ k: Tensor, _ v: Tensor, probabilities: Tensor, heads: Int
  ) -> (q: Tensor, k: Tensor, v: Tensor) {
    let geometry = AttentionGeometry(query: q.shape, heads: heads)
    let (queries, keys, values) = (geometry.matrices(of: q), geometry.matrices(of: k), geometry.matrices(of: v))
    let (slopes, size) = (geometry.matrices(of: dy), geometry.positions)
    let kept = probabilities.elements()
    let ones = Tensor(repeating: 1, shape: [size, size])
    func product(_ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false) -> Tensor {
      matrixProduct(a, b, transposeA: transposeA, transposeB: transposeB, precision: .float32)
    }
    var (dq, dk, dv) = ([Tensor](), [Tensor](), [Tensor]())
    for index in queries.indices {
      let p = Tensor(Array(kept[index * size * size..<(index + 1) * size * size]), shape: [size, size])
      let dp = product(slopes[index], values[index], transposeB: true)
      let sums = product(self.product(p, dp), ones)
      let ds = scaled(self.product(p, combination(dp, 1, sums, -1)), by: geometry.scale)
      dq.append(product(ds, keys[index]))
      dk.append(product(ds, queries[index], transposeA: true))
      dv.append(product(p, slopes[index], transposeA: true))
    }
    return (geometry.joined(dq), geometry.joined(dk), geometry.joined(dv))
  }
}

extension AttentionGeometry {
  /// x [N,T,D] as one matrix [T, D / heads] per image and head.
  fileprivate func matrices(of x: Tensor) -> [Tensor] {
    let elements = x.elements()
    return (0..<images * heads).map { index in
      var matrix: [Float] = []
      for row in rows(index) { matrix += elements[row] }
      return Tensor(matrix, shape: [positions, headChannels])
    }
  }

  /// The reverse of `matrices`.
  fileprivate func joined(_ matrices: [Tensor]) -> Tensor {
    var elements = [Float](repeating: 0, count: images * positions * channels)
    for (index, matrix) in matrices.enumerated() {
      let own = matrix.elements()
      for (position, row) in rows(index).enumerated() {
        elements.replaceSubrange(row, with: own[position * headChannels..<(position + 1) * headChannels])
      }
    }
    return Tensor(elements, shape: [images, positions, channels])
  }

  /// Where the rows of a pair of image and head lie in [N,T,D].
  private func rows(_ index: Int) -> [Range<Int>] {
    (0..<positions).map { position in
      let first = (index / heads * positions + position) * channels + index % heads * headChannels
      return first..<first + headChannels
    }
  }
}
