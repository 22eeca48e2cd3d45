import CKernels

/// Attention, divided among the threads by image and head; each of them multiplies its matrices by itself, where they lie.
extension CPUBackend {
  public func attention(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, keepsProbabilities: Bool
  ) -> (y: Tensor, probabilities: Tensor?) {
    let geometry = AttentionGeometry(query: q.shape, heads: heads)
    let y = Tensor(uninitialized: q.shape)
    let kept = keepsProbabilities ? Tensor(uninitialized: geometry.probabilitiesShape) : nil
    let size = geometry.positions * geometry.positions
    geometry.forEachPart { part in
      let scratch = Tensor(uninitialized: [kept == nil ? size : 0])
      for index in part {
        let (matrix, probabilities) = (geometry.offset(index), kept.map { $0.floats + index * size } ?? scratch.floats)
        geometry.product(q.floats + matrix, transposed: k.floats + matrix, into: probabilities)
        kernels.softmax_rows(probabilities, geometry.positions, geometry.positions, geometry.scale)
        geometry.product(probabilities, v.floats + matrix, into: y.floats + matrix)
      }
    }
    return (y, kept)
  }

  public func attentionGradient(
    _ dy: Tensor, _ q: Tensor, _ k: Tensor, _ v: Tensor, probabilities: Tensor, heads: Int
  ) -> (q: Tensor, k: Tensor, v: Tensor) {
    let geometry = AttentionGeometry(query: q.shape, heads: heads)
    let (dq, dk, dv) = (
      Tensor(uninitialized: q.shape), Tensor(uninitialized: q.shape), Tensor(uninitialized: q.shape)
    )
    let size = geometry.positions * geometry.positions
    geometry.forEachPart { part in
      let scratch = Tensor(uninitialized: [size])
      for index in part {
        let (matrix, slopes) = (geometry.offset(index), scratch.floats)
        let known = UnsafePointer(probabilities.floats + index * size)
        geometry.product(known, transposesLeft: true, dy.floats + matrix, into: dv.floats + matrix)
        geometry.product(dy.floats + matrix, transposed: v.floats + matrix, into: slopes)
        kernels.softmax_rows_gradient(known, geometry.positions, geometry.positions, geometry.scale, slopes)
        geometry.product(slopes, k.floats + matrix, into: dq.floats + matrix)
        geometry.product(slopes, transposesLeft: true, q.floats + matrix, into: dk.floats + matrix)
      }
    }
    return (dq, dk, dv)
  }
}

extension AttentionGeometry {
  /// Calls `body` with each thread's part of all pairs of image and head.
  fileprivate func forEachPart(_ body: @Sendable (Range<Int>) -> Void) {
    // Nothing to compute; BLAS takes no matrices without elements.
    if positions == 0 { return }
    // Before the threads start: setting OpenBLAS up changes the environment for a moment.
    _ = BLAS.selection
    // Below about a million multiplications a second thread costs more than it gives.
    let minimum = max(1, 1_000_000 / max(1, 2 * positions * positions * headChannels))
    Threads.forEachPart(of: images * heads, minimum: minimum) { part, _ in body(part) }
  }

  /// Where the matrix [T, D / heads] of a pair of image and head begins in [N,T,D]; its rows are D apart.
  fileprivate func offset(_ index: Int) -> Int {
    index / heads * positions * channels + index % heads * headChannels
  }

  /// [T, T] = a · bᵀ for two matrices of one head.
  fileprivate func product(
    _ a: UnsafePointer<Float>, transposed b: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>
  ) {
    BLAS.multiply(
      m: positions, n: positions, k: headChannels, a, stride: channels, transposed: false, b, stride: channels,
      transposed: true, into: result, stride: positions)
  }

  /// A matrix of one head = a · b for a [T, T], transposed where asked, and a matrix b of one head.
  fileprivate func product(
    _ a: UnsafePointer<Float>, transposesLeft: Bool = false, _ b: UnsafePointer<Float>,
    into result: UnsafeMutablePointer<Float>
  ) {
    BLAS.multiply(
      m: positions, n: headChannels, k: positions, a, stride: positions, transposed: transposesLeft, b,
      stride: channels, transposed: false, into: result, stride: channels)
  }
}
