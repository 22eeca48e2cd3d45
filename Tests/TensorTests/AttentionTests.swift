import Testing

@testable import Tensor

@Suite struct AttentionTests {
  /// The definition in double, one query at a time.
  private func attention(_ q: [Double], _ k: [Double], _ v: [Double], _ shape: Shape, heads: Int) -> [Double] {
    let (positions, channels) = (shape[1], shape[2])
    let width = channels / heads
    var y = [Double](repeating: 0, count: q.count)
    for image in 0..<shape[0] {
      for head in 0..<heads {
        func at(_ position: Int, _ channel: Int) -> Int {
          (image * positions + position) * channels + head * width + channel
        }
        for query in 0..<positions {
          let scores = (0..<positions).map { key in
            (0..<width).reduce(0) { $0 + q[at(query, $1)] * k[at(key, $1)] } / Double(width).squareRoot()
          }
          let largest = scores.max() ?? 0
          let weights = scores.map { exponential($0 - largest) }
          let sum = weights.reduce(0, +)
          for (key, weight) in weights.enumerated() {
            for channel in 0..<width { y[at(query, channel)] += weight / sum * v[at(key, channel)] }
          }
        }
      }
    }
    return y
  }

  private static let cases: [(shape: Shape, heads: Int)] = [
    ([1, 1, 1], 1), ([2, 5, 6], 1), ([2, 5, 6], 3), ([3, 17, 8], 2), ([1, 50, 192], 4), ([2, 33, 20], 5),
    ([2, 1, 8], 4), ([0, 4, 4], 2), ([2, 0, 4], 2),
  ]

  @Test(arguments: SIMDLevel.supported)
  func everyLevelEqualsTheDefinition(level: SIMDLevel) {
    let backend = CPUBackend(level: level)
    var numbers = Numbers("attention")
    for (shape, heads) in Self.cases {
      for spread in [Float(1), 6] {
        let (q, k, v) = (numbers.normal(shape) * spread, numbers.normal(shape), numbers.normal(shape))
        let expected = attention(q.doubles, k.doubles, v.doubles, shape, heads: heads)
        for keeps in [true, false] {
          let (y, probabilities) = backend.attention(q, k, v, heads: heads, keepsProbabilities: keeps)
          expectClose(y, expected, shape: shape, tolerance: 1e-5, "\(shape), \(heads) heads")
          #expect((probabilities != nil) == keeps)
          #expect(probabilities.map { $0.shape == [shape[0], heads, shape[1], shape[1]] } != false)
          for row in 0..<(probabilities?.shape.rows ?? 0) {
            let sum = probabilities?.elements()[row * shape[1]..<(row + 1) * shape[1]].reduce(0, +) ?? 0
            #expect(abs(sum - 1) < 1e-5)
            if row > 20 { break }
          }
        }
      }
    }
  }

  @Test func gradientsAreDifferences() {
    var numbers = Numbers("gradients of attention")
    for (shape, heads) in [([2, 3, 4], 2), ([1, 5, 6], 1), ([1, 4, 3], 3)] as [(Shape, Int)] {
      gradientCheck(
        [numbers.normal(shape), numbers.normal(shape), numbers.normal(shape)],
        reference: { attention($0[0], $0[1], $0[2], shape, heads: heads) },
        { Tensor.scaledDotProductAttention(query: $0[0], key: $0[1], value: $0[2], heads: heads) })
    }
    // One tensor as all three.
    gradientCheck(
      [numbers.normal([2, 3, 4])], reference: { attention($0[0], $0[0], $0[0], [2, 3, 4], heads: 2) },
      { Tensor.scaledDotProductAttention(query: $0[0], key: $0[0], value: $0[0], heads: 2) })
  }

  @Test(arguments: SIMDLevel.supported)
  func equalsItsComposition(level: SIMDLevel) throws {
    let (fused, composed) = (CPUBackend(level: level), ComposedBackend(base: CPUBackend(level: level)))
    var numbers = Numbers("composed attention")
    for (shape, heads) in Self.cases {
      let (q, k, v, dy) = (
        numbers.normal(shape), numbers.normal(shape), numbers.normal(shape), numbers.normal(shape)
      )
      let (y, probabilities) = fused.attention(q, k, v, heads: heads, keepsProbabilities: true)
      let other = composed.attention(q, k, v, heads: heads, keepsProbabilities: true)
      expectClose(y, other.y.doubles, shape: shape, tolerance: 2e-6, "y \(shape), \(heads) heads")
      #expect(composed.attention(q, k, v, heads: heads, keepsProbabilities: false).probabilities == nil)
      let kept = try #require(probabilities)
      expectClose(kept, try #require(other.probabilities).doubles, shape: other.probabilities?.shape, tolerance: 2e-6)
      let gradients = fused.attentionGradient(dy, q, k, v, probabilities: kept, heads: heads)
      let expected = composed.attentionGradient(dy, q, k, v, probabilities: kept, heads: heads)
      // Where there is one position alone, it has all attention, and only the value has a gradient.
      expectClose(gradients.q, expected.q.doubles, shape: shape, tolerance: 5e-6, absolute: 1e-6, "dq \(shape)")
      expectClose(gradients.k, expected.k.doubles, shape: shape, tolerance: 5e-6, absolute: 1e-6, "dk \(shape)")
      expectClose(gradients.v, expected.v.doubles, shape: shape, tolerance: 5e-6, absolute: 1e-6, "dv \(shape)")
    }
  }

  /// Where a query fits all keys alike, the result is the mean of the values; where it fits one far better, that value.
  @Test func whatQueriesChoose() {
    var numbers = Numbers("choices")
    let (zeros, values) = (Tensor(zeros: [1, 20, 4]), numbers.normal([1, 20, 4]))
    let mean = Tensor.scaledDotProductAttention(query: zeros, key: numbers.normal([1, 20, 4]), value: values, heads: 2)
    let expected = Reference.columnSums(values.doubles, channels: 4).map { $0 / 20 }
    expectClose(mean, (0..<20).flatMap { _ in expected }, tolerance: 1e-6)
    // Keys that stand at right angles, and queries that look for the key after their own.
    func unit(_ index: Int) -> [Float] { (0..<4).map { $0 == index % 4 ? 1000 : 0 } }
    let choice = Tensor.scaledDotProductAttention(
      query: Tensor((1...4).flatMap(unit), shape: [1, 4, 4]), key: Tensor((0..<4).flatMap(unit), shape: [1, 4, 4]),
      value: Tensor((0..<16).map(Float.init), shape: [1, 4, 4]), heads: 1)
    #expect(choice.elements() == [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3])
  }

  @Test(arguments: SIMDLevel.supported)
  func notANumberIsSeen(level: SIMDLevel) {
    var numbers = Numbers("attention to what is not a number")
    for positions in [3, 16, 21] {
      for wrong in [Float.nan, .infinity] {
        var q = numbers.normal([2, positions, 4])
        let (k, v) = (numbers.normal(q.shape), numbers.normal(q.shape))
        q.withMutableElements(of: Float.self) { $0[positions * 4 + 1] = wrong }
        let y = CPUBackend(level: level).attention(q, k, v, heads: 2, keepsProbabilities: false).y
        // The first head of the second image's first position.
        let isNaN = y.elements().map(\.isNaN)
        #expect(isNaN.indices.allSatisfy { isNaN[$0] == (positions * 4..<positions * 4 + 2).contains($0) })
      }
    }
  }

  @Test func threadsDoNotChangeABit() async {
    await #expect(processExitsWith: .success) {
      var numbers = Numbers("threads of attention")
      let shape: Shape = [7, 40, 48]
      let (q, k, v) = (numbers.normal(shape), numbers.normal(shape), numbers.normal(shape))
      var results: [[Float]] = []
      for threads in [1, 2, 3, 5] {
        Threads.count = threads
        let parameters = [q, k, v].map { Parameter("x", value: $0) }
        let tracked = parameters.map { $0.tensor(tracking: true) }
        let y = Tensor.scaledDotProductAttention(query: tracked[0], key: tracked[1], value: tracked[2], heads: 3)
        let gradients = (y * v).sum().backward()
        results.append(parameters.reduce(y.elements()) { $0 + (gradients[$1]?.elements() ?? []) })
      }
      #expect(results.allSatisfy { $0 == results[0] && $0.count == 4 * shape.count })
    }
  }

  @Test func misuseStopsTheProgram() async {
    await #expect(processExitsWith: .failure) {
      let x = Tensor(zeros: [1, 2, 6])
      _ = Tensor.scaledDotProductAttention(query: x, key: x, value: x, heads: 4)
    }
    await #expect(processExitsWith: .failure) {
      let x = Tensor(zeros: [1, 2, 6])
      _ = Tensor.scaledDotProductAttention(query: x, key: x, value: x, heads: 0)
    }
    await #expect(processExitsWith: .failure) {
      let x = Tensor(zeros: [1, 2, 6])
      _ = Tensor.scaledDotProductAttention(query: x, key: Tensor(zeros: [1, 3, 6]), value: x, heads: 2)
    }
    await #expect(processExitsWith: .failure) {
      let x = Tensor(zeros: [2, 6])
      _ = Tensor.scaledDotProductAttention(query: x, key: x, value: x, heads: 2)
    }
  }
}
