import Testing

@testable import Tensor

@Suite struct LayerNormalizationTests {
  /// The definition in double, for each row of `channels` numbers.
  private func normalized(_ x: [Double], gamma: [Double], beta: [Double], epsilon: Double) -> [Double] {
    let channels = gamma.count
    return stride(from: 0, to: x.count, by: channels).flatMap { first in
      let row = x[first..<first + channels]
      let mean = row.reduce(0, +) / Double(channels)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(channels)
      return row.enumerated().map { gamma[$0] * ($1 - mean) / (variance + epsilon).squareRoot() + beta[$0] }
    }
  }

  @Test(arguments: SIMDLevel.supported)
  func everyLevelEqualsTheDefinition(level: SIMDLevel) {
    let backend = CPUBackend(level: level)
    var numbers = Numbers("layer normalisation")
    for shape: Shape in [[1, 1], [3, 5], [2, 3, 16], [7, 33], [2, 130, 192], [1, 1000], [0, 4]] {
      let channels = shape[-1]
      let (gamma, beta) = (numbers.normal([channels]), numbers.normal([channels]))
      for offset in [Float(0), 100] {
        let x = numbers.normal(shape) + Tensor(repeating: offset, shape: shape)
        let (y, statistics) = backend.layerNormalization(x, gamma: gamma, beta: beta, epsilon: 1e-3)
        let expected = normalized(x.doubles, gamma: gamma.doubles, beta: beta.doubles, epsilon: 1e-3)
        expectClose(y, expected, shape: shape, tolerance: offset == 0 ? 1e-6 : 3e-5, "\(shape) + \(offset)")
        #expect(statistics.shape == [shape.rows, 2])
      }
    }
  }

  @Test func gradientsAreDifferences() {
    var numbers = Numbers("gradients of layer normalisation")
    for shape: Shape in [[3, 5], [2, 2, 18]] {
      gradientCheck(
        [numbers.normal(shape), numbers.normal([shape[-1]]), numbers.normal([shape[-1]])],
        reference: { normalized($0[0], gamma: $0[1], beta: $0[2], epsilon: 1e-3) },
        { $0[0].layerNormalized(gamma: $0[1], beta: $0[2], epsilon: 1e-3) })
    }
  }

  @Test(arguments: SIMDLevel.supported)
  func equalsItsComposition(level: SIMDLevel) {
    let (fused, composed) = (CPUBackend(level: level), ComposedBackend(base: CPUBackend(level: level)))
    var numbers = Numbers("composed layer normalisation")
    for shape: Shape in [[1, 1], [4, 7], [2, 3, 17], [300, 64], [0, 4]] {
      let channels = shape[-1]
      let (x, dy) = (numbers.normal(shape), numbers.normal(shape))
      let (gamma, beta) = (numbers.normal([channels]), numbers.normal([channels]))
      let (y, statistics) = fused.layerNormalization(x, gamma: gamma, beta: beta, epsilon: 1e-3)
      let other = composed.layerNormalization(x, gamma: gamma, beta: beta, epsilon: 1e-3)
      expectClose(y, other.y.doubles, shape: shape, tolerance: 2e-6, "y \(shape)")
      expectClose(statistics, other.statistics.doubles, shape: [shape.rows, 2], tolerance: 2e-6, absolute: 1e-6)
      for needsX in [true, false] {
        let gradients = fused.layerNormalizationGradient(
          dy, x: x, gamma: gamma, statistics: statistics, needsX: needsX)
        let expected = composed.layerNormalizationGradient(
          dy, x: x, gamma: gamma, statistics: statistics, needsX: needsX)
        #expect((gradients.x == nil) == !needsX && (expected.x == nil) == !needsX)
        if let dx = expected.x {
          // A row of one number has no gradient but what rounding makes.
          expectClose(gradients.x, dx.doubles, shape: shape, tolerance: 5e-6, absolute: 1e-6, "dx \(shape)")
        }
        expectClose(gradients.gamma, expected.gamma.doubles, shape: [channels], tolerance: 5e-6, absolute: 1e-6)
        expectClose(gradients.beta, expected.beta.doubles, shape: [channels], tolerance: 5e-6, absolute: 1e-6)
      }
    }
  }

  /// A row of equal numbers has no variance, and is beta whatever it is.
  @Test func rowsOfEqualNumbers() {
    let x = Tensor([7, 7, 7, -1e6, -1e6, -1e6, 0, 0, 0], shape: [3, 3])
    let beta = Tensor([1, 2, 3] as [Float], shape: [3])
    let y = x.layerNormalized(gamma: Tensor(repeating: 5, shape: [3]), beta: beta, epsilon: 1e-3)
    #expect(y.elements() == [1, 2, 3, 1, 2, 3, 1, 2, 3])
  }

  @Test(arguments: SIMDLevel.supported)
  func notANumberStaysInItsRow(level: SIMDLevel) {
    for channels in [3, 16, 40] {
      for wrong in [Float.nan, .infinity] {
        var x = Tensor(repeating: 1, shape: [3, channels])
        x.withMutableElements(of: Float.self) { $0[channels + channels - 1] = wrong }
        let ones = Tensor(repeating: 1, shape: [channels])
        let y = CPUBackend(level: level).layerNormalization(x, gamma: ones, beta: ones, epsilon: 1e-3).y
        #expect(
          y.elements().map(\.isNaN) == (0..<3 * channels).map { $0 / channels == 1 }, "\(wrong) of \(channels)")
      }
    }
  }

  /// Rows are independent of each other; only the sums over all rows depend on where the threads' parts begin.
  @Test func threadsDoNotChangeABitOfARow() async {
    await #expect(processExitsWith: .success) {
      var numbers = Numbers("threads of layer normalisation")
      let (x, dy) = (numbers.normal([1000, 96]), numbers.normal([1000, 96]))
      let (gamma, beta) = (numbers.normal([96]), numbers.normal([96]))
      var rows: [[Float]] = []
      var sums: [Tensor] = []
      for threads in [1, 2, 3, 5, 2] {
        Threads.count = threads
        let backend = CPUBackend()
        let (y, statistics) = backend.layerNormalization(x, gamma: gamma, beta: beta, epsilon: 1e-3)
        let gradients = backend.layerNormalizationGradient(
          dy, x: x, gamma: gamma, statistics: statistics, needsX: true)
        rows.append(y.elements() + (gradients.x?.elements() ?? []))
        sums.append(gradients.gamma)
      }
      #expect(rows.allSatisfy { $0 == rows[0] && $0.count == 2 * x.shape.count })
      #expect(sums[1].elements() == sums[4].elements())
      for other in sums { expectClose(other, sums[0].doubles, tolerance: 1e-6) }
    }
  }

  @Test func misuseStopsTheProgram() async {
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [2, 3]).layerNormalized(gamma: Tensor(zeros: [2]), beta: Tensor(zeros: [3]), epsilon: 1e-3)
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [2, 3]).layerNormalized(gamma: Tensor(zeros: [3]), beta: Tensor(zeros: [4]), epsilon: 1e-3)
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(1).layerNormalized(gamma: Tensor(1), beta: Tensor(1), epsilon: 1e-3)
    }
  }
}
