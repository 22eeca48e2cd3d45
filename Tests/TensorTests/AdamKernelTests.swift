import Testing

@testable import Tensor

@Suite struct AdamKernelTests {
  /// The step as its definition says, in double.
  private func expected(
    _ step: AdamStep, gradient: Float, weight: Float, mean: Float, square: Float, largest: Float?
  ) -> (weight: Double, mean: Double, square: Double, largest: Double?) {
    var g = Double(gradient) * Double(step.gradientScale)
    let limit = Double(step.gradientLimit)
    if g > limit { g = limit } else if g < -limit { g = -limit }
    let m = Double(mean) + (g - Double(mean)) * Double(step.meanGain)
    let v = Double(square) + (g * g - Double(square)) * Double(step.squareGain)
    let most = largest.map { v.isNaN ? v : max(Double($0), v) }
    let w =
      Double(weight) * Double(step.retention)
      - Double(step.rate) * m / ((most ?? v).squareRoot() + Double(step.epsilon))
    return (w, m, v, most)
  }

  @Test(arguments: SIMDLevel.supported, [true, false])
  func everyLevelEqualsTheDefinition(level: SIMDLevel, amsgrad: Bool) {
    let step = AdamStep(
      gradientScale: 0.5, gradientLimit: 0.4, retention: 0.999, meanGain: 0.1, squareGain: 0.001, rate: 0.01,
      epsilon: 1e-7)
    for count in [1, 3, 4, 15, 16, 17, 33, 100] {
      var numbers = Numbers("adam", count)
      var gradient = numbers.normal([count])
      gradient.withMutableElements(of: Float.self) { if $0.count > 4 { ($0[1], $0[3]) = (.nan, .infinity) } }
      let (weights, mean) = (numbers.normal([count]), numbers.normal([count]))
      let squares = numbers.normal([count])
      let (square, largest) = (squares * squares, numbers.normal([count]) * squares)
      let expected = (0..<count).map { i in
        self.expected(
          step, gradient: gradient.elements()[i], weight: weights.elements()[i], mean: mean.elements()[i],
          square: square.elements()[i], largest: amsgrad ? largest.elements()[i] : nil)
      }
      let (w, m, v, most) = (weights + Tensor(zeros: [count]), mean * 1, square * 1, largest * 1)
      step.apply(
        with: level.kernels, count: count, gradient: gradient.floats, weights: w.floats, mean: m.floats,
        square: v.floats,
        largest: amsgrad ? most.floats : nil)
      expectClose(w, expected.map(\.weight), tolerance: 2e-6, "weights \(level) \(count)")
      expectClose(m, expected.map(\.mean), tolerance: 1e-6, "mean \(level) \(count)")
      expectClose(v, expected.map(\.square), tolerance: 1e-6, "square \(level) \(count)")
      if amsgrad { expectClose(most, expected.map { $0.largest ?? 0 }, tolerance: 1e-6, "largest \(level) \(count)") }
    }
  }

  @Test(arguments: SIMDLevel.supported)
  func tinyMeansBecomeZero(level: SIMDLevel) {
    let step = AdamStep(
      gradientScale: 1, gradientLimit: .infinity, retention: 1, meanGain: 0.5, squareGain: 0.5, rate: 0.1, epsilon: 1e-7
    )
    let (gradient, weights) = (Tensor(zeros: [20]), Tensor(zeros: [20]))
    let mean = Tensor(repeating: -.leastNormalMagnitude, shape: [20])
    let (square, largest) = (Tensor(repeating: .leastNormalMagnitude, shape: [20]), Tensor(zeros: [20]))
    step.apply(
      with: level.kernels, count: 20, gradient: gradient.floats, weights: weights.floats, mean: mean.floats,
      square: square.floats,
      largest: largest.floats)
    for tensor in [mean, square, largest] { #expect(tensor.elements().allSatisfy { $0 == 0 }) }
  }

  @Test(arguments: SIMDLevel.supported)
  func sumAndReLUInOnePass(level: SIMDLevel) {
    var numbers = Numbers("sum and ReLU")
    for count in [0, 1, 15, 16, 17, 50_000] {
      let (a, b) = (numbers.whole([count]), numbers.whole([count]))
      let expected = zip(a.elements(), b.elements()).map { max(Double($0 + $1), 0) }
      expectClose(CPUBackend(level: level).addRelu(a, b), expected, tolerance: 0, "\(level) \(count)")
    }
    let missing = CPUBackend(level: level).addRelu(
      Tensor([Float.nan, -1, .infinity], shape: [3]), Tensor([Float(1), .nan, -.infinity], shape: [3]))
    #expect(missing.elements().allSatisfy { $0.isNaN })
  }

  @Test func gradientOfSumAndReLUGoesToBoth() {
    var numbers = Numbers("gradient of the sum and ReLU")
    let (a, b) = (numbers.awayFromZero([3, 5]), numbers.awayFromZero([3, 5]) * 0.01)
    gradientCheck(
      [a, b], reference: { inputs in zip(inputs[0], inputs[1]).map { max($0 + $1, 0) } },
      { $0[0].addedRelu($0[1]) })
  }
}
