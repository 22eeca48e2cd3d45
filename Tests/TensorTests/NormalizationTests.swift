import Testing

@testable import Tensor

@Suite struct NormalizationTests {
  /// Rows around the kernels' 128 per float sum, columns around their groups of 256, and enough for several threads.
  private static let shapes: [Shape] = [
    [1, 1], [2, 3], [127, 5], [128, 17], [129, 33], [300, 40], [3, 5, 7, 11], [5, 255], [130, 256], [131, 257],
    [4, 600],
    [40_003, 1], [9_001, 3], [700, 64],
  ]

  @Test(arguments: SIMDLevel.supported)
  func columnsEqualTheDefinition(level: SIMDLevel) {
    let backend = CPUBackend(level: level)
    var numbers = Numbers("columns")
    for shape in Self.shapes + [[0, 3], [3, 0]] {
      let channels = shape[-1]
      let (x, dy) = (numbers.whole(shape), numbers.whole(shape))
      let (a, b, c) = (numbers.whole([channels]), numbers.whole([channels]), numbers.whole([channels], limit: 99))
      let (scale, shift, pivot) = (a.elements(), c.elements(), b.elements())
      let columns = (0..<shape.count).map { $0 % max(1, channels) }
      let (xs, dys) = (x.doubles, dy.doubles)

      let affine = columns.indices.map { xs[$0] * Double(scale[columns[$0]]) + Double(shift[columns[$0]]) }
      expectClose(
        backend.columnAffine(x, scale: scale, shift: shift), affine, shape: shape, tolerance: 0, "\(shape)")
      let combination = columns.indices.map { index in
        let column = columns[index]
        return dys[index] * Double(scale[column]) + xs[index] * Double(pivot[column]) + Double(shift[column])
      }
      expectClose(
        backend.columnCombination(dy, x, a: scale, b: pivot, c: shift), combination, shape: shape, tolerance: 0,
        "combination \(shape)")

      if channels == 0 { continue }
      let sums = Reference.columnSums(dys, channels: channels)
      expectClose(backend.columnSums(dy), sums, shape: [channels], tolerance: 0, "sums \(shape)")
      let (first, second) = backend.columnProducts(dy, x, pivot: pivot)
      let products = columns.indices.map { dys[$0] * (xs[$0] - Double(pivot[columns[$0]])) }
      #expect(first == sums, "\(shape)")
      #expect(second == Reference.columnSums(products, channels: channels), "\(shape)")

      if shape.rows == 0 { continue }
      let moments = backend.columnMoments(x)
      let expected = Reference.moments(xs, channels: channels)
      #expect(zip(moments.mean, expected.mean).allSatisfy { abs($0 - $1) < 1e-12 }, "\(shape)")
      #expect(zip(moments.variance, expected.variance).allSatisfy { abs($0 - $1) < 1e-9 }, "\(shape)")
    }
  }

  @Test(arguments: SIMDLevel.supported)
  func smallVarianceBesideALargeMeanIsExact(level: SIMDLevel) {
    var numbers = Numbers("large mean")
    // The deviation is 1/1000 of the mean: squares of the elements themselves would lose it in float32.
    let x = numbers.normal([5000, 3]) * 0.1 + Tensor(repeating: 100, shape: [5000, 3])
    let moments = CPUBackend(level: level).columnMoments(x)
    let expected = Reference.moments(x.doubles, channels: 3)
    for channel in 0..<3 {
      #expect(moments.mean[channel].isApproximately(expected.mean[channel], tolerance: 1e-7))
      #expect(moments.variance[channel].isApproximately(expected.variance[channel], tolerance: 1e-5))
    }
    let constant = CPUBackend(level: level).columnMoments(Tensor(repeating: 1234.567, shape: [999, 2]))
    #expect(constant.variance == [0, 0] && constant.mean == [Double(Float(1234.567)), Double(Float(1234.567))])
  }

  private static func normalized(_ inputs: [[Double]], epsilon: Double) -> [Double] {
    let channels = inputs[1].count
    let (mean, variance) = Reference.moments(inputs[0], channels: channels)
    return inputs[0].enumerated().map { index, x in
      let c = index % channels
      return inputs[1][c] * (x - mean[c]) / (variance[c] + epsilon).squareRoot() + inputs[2][c]
    }
  }

  @Test(arguments: [[2, 3], [7, 5], [2, 3, 2, 3], [1, 4]] as [Shape])
  func gradientsOfABatchAreDifferences(shape: Shape) {
    var numbers = Numbers("gradients of a batch normalisation")
    let x = numbers.normal(shape) * 2 + Tensor(repeating: 3, shape: shape)
    gradientCheck(
      [x, numbers.normal([shape[-1]]), numbers.normal([shape[-1]])], tolerance: 1e-4,
      reference: { Self.normalized($0, epsilon: Double(Float(1e-3))) },
      { $0[0].batchNormalized(gamma: $0[1], beta: $0[2], epsilon: 1e-3).output })
  }

  @Test func gradientsOfGivenStatisticsAreDifferences() {
    var numbers = Numbers("gradients of a normalisation")
    let (mean, variance) = (numbers.normal([3]), Tensor([0.5, 1, 2.5] as [Float], shape: [3]))
    let (m, v) = (mean.doubles, variance.doubles)
    gradientCheck(
      [numbers.normal([2, 4, 3]), numbers.normal([3]), numbers.normal([3])], tolerance: 1e-4,
      reference: { inputs in
        inputs[0].enumerated().map { index, x in
          let c = index % 3
          return inputs[1][c] * (x - m[c]) / (v[c] + Double(Float(1e-3))).squareRoot() + inputs[2][c]
        }
      },
      { $0[0].normalized(mean: mean, variance: variance, gamma: $0[1], beta: $0[2], epsilon: 1e-3) })
  }

  @Test func batchStatisticsAreThoseOfTheBatch() {
    var numbers = Numbers("statistics")
    let x = numbers.normal([3, 5, 4, 7])
    let ones = Tensor(repeating: 1, shape: [7])
    let (output, mean, variance) = x.batchNormalized(gamma: ones, beta: Tensor(zeros: [7]), epsilon: 1e-3)
    let expected = Reference.moments(x.doubles, channels: 7)
    expectClose(mean, expected.mean, shape: [7], absolute: 1e-7)
    expectClose(variance, expected.variance, shape: [7])
    #expect(!mean.isTracked && !variance.isTracked && !output.isTracked)
    let after = Reference.moments(output.doubles, channels: 7)
    #expect(after.mean.allSatisfy { abs($0) < 1e-6 })
    #expect(zip(after.variance, expected.variance).allSatisfy { abs($0 - $1 / ($1 + 1e-3)) < 1e-4 })
  }

  @Test func unknownInputTakesNoGradientButParametersDo() {
    var numbers = Numbers("untracked normalisation")
    let (gamma, beta) = (Parameter("gamma", value: numbers.normal([3])), Parameter("beta", value: numbers.normal([3])))
    let x = numbers.normal([5, 3])
    let (output, _, _) = x.batchNormalized(
      gamma: gamma.tensor(tracking: true), beta: beta.tensor(tracking: true), epsilon: 1e-3)
    let gradients = output.sum().backward()
    #expect(gradients.count == 2)
    expectClose(gradients[beta], [5, 5, 5], shape: [3])
    // Σ x̂ is 0 in every channel.
    expectClose(gradients[gamma], [0, 0, 0], shape: [3], absolute: 1e-5)
  }

  @Test func notANumberSpoilsItsChannelOnly() {
    var numbers = Numbers("NaN normalisation")
    var x = numbers.normal([200, 3])
    x.withMutableElements(of: Float.self) { $0[301] = .nan }
    let ones = Tensor(repeating: 1, shape: [3])
    let y = x.batchNormalized(gamma: ones, beta: ones, epsilon: 1e-3).output.elements()
    #expect(y.enumerated().allSatisfy { $1.isNaN == ($0 % 3 == 1) })
  }
}
