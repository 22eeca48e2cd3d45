import Testing

@testable import Tensor

@Suite struct ArithmeticTests {
  /// Element counts around vector widths, and past the share of one thread.
  private static let counts = [0, 1, 2, 3, 7, 8, 15, 16, 17, 33, 1000, 40_001]

  @Test(arguments: SIMDLevel.supported)
  func elementsEqualTheDefinition(level: SIMDLevel) {
    let backend = CPUBackend(level: level)
    var numbers = Numbers("elements")
    for count in Self.counts {
      let (a, b) = (numbers.whole([count], limit: 100), numbers.whole([count], limit: 100))
      let pairs = Array(zip(a.doubles, b.doubles))
      expectClose(backend.combination(a, 1, b, 1), pairs.map { $0 + $1 }, shape: [count], tolerance: 0, "a + b")
      expectClose(backend.combination(a, 1, b, -1), pairs.map { $0 - $1 }, tolerance: 0, "a − b")
      expectClose(backend.combination(a, 0.5, b, -2), pairs.map { $0 / 2 - $1 * 2 }, tolerance: 0, "combination")
      expectClose(backend.product(a, b), pairs.map { $0 * $1 }, tolerance: 0, "product")
      expectClose(backend.scaled(a, by: -0.25), a.doubles.map { $0 * -0.25 }, tolerance: 0, "scaled")
      expectClose(backend.relu(a), a.doubles.map { max($0, 0) }, tolerance: 0, "relu")
      let x = a * 0.25
      expectClose(backend.sigmoid(x), x.doubles.map { 1 / (1 + exponential(-$0)) }, tolerance: 2e-7, "sigmoid")
      #expect(backend.sum(a) == a.doubles.reduce(0, +))
      #expect(backend.sumOfSquares(a) == a.doubles.reduce(0) { $0 + $1 * $1 })
    }
  }

  @Test(arguments: SIMDLevel.supported)
  func bytesBecomeFloats(level: SIMDLevel) {
    let bytes = Tensor((0..<513).map { UInt8($0 % 256) }, shape: [513])
    let floats = CPUBackend(level: level).floats(from: bytes, dividedBy: 255)
    // Correctly rounded quotients, so that 0 and 255 are exactly 0 and 1.
    #expect(floats.elements() == (0..<513).map { Float($0 % 256) / 255 })
    #expect(bytes.floats(dividedBy: 1).elements() == (0..<513).map { Float($0 % 256) })
  }

  @Test func sumsOfManyElementsStayExact() {
    // In float32 alone the sum would stop growing at 2²⁴.
    let count = 20_000_003
    #expect(Tensor(repeating: 1, shape: [count]).sum().scalar == Float(count))
    let tenth = Tensor(repeating: 0.1, shape: [1_000_001])
    #expect(abs(CPUBackend().sum(tenth) / (1_000_001 * Double(Float(0.1))) - 1) < 1e-6)
    #expect(abs(tenth.norm - (1_000_001 * Double(Float(0.1)) * Double(Float(0.1))).squareRoot()) < 1e-6)
    // Squares beyond the range of float32.
    #expect(Tensor([3e30, 4e30] as [Float], shape: [2]).norm.isApproximately(5e30))
  }

  @Test func sumsKeepInfinitiesAndNaN() {
    let values: [Float] = [.infinity, 1, 2]
    #expect(Tensor(values, shape: [3]).sum().scalar == .infinity)
    #expect(Tensor(values.reversed(), shape: [3]).sum().scalar == .infinity)
    #expect(Tensor(values + [-.infinity], shape: [4]).sum().scalar.isNaN)
    var x = Tensor(zeros: [50_000])
    x.withMutableElements(of: Float.self) { $0[49_999] = .nan }
    #expect(x.sum().scalar.isNaN && x.mean().scalar.isNaN && x.norm.isNaN)
  }

  @Test func gradientsAreDifferences() {
    var numbers = Numbers("gradients of arithmetic")
    let (a, b) = (numbers.normal([3, 5]), numbers.normal([3, 5]))
    gradientCheck([a, b], reference: { zip($0[0], $0[1]).map { $0 + $1 } }, { $0[0] + $0[1] })
    gradientCheck([a, b], reference: { zip($0[0], $0[1]).map { $0 - $1 } }, { $0[0] - $0[1] })
    gradientCheck([a, b], reference: { zip($0[0], $0[1]).map { $0 * $1 } }, { $0[0] * $0[1] })
    gradientCheck([a], reference: { $0[0].map { $0 * $0 } }, { $0[0] * $0[0] })
    gradientCheck([a], reference: { $0[0].map { $0 * -2.5 } }, { $0[0] * -2.5 })
    gradientCheck([a], reference: { [$0[0].reduce(0, +)] }, { $0[0].sum() })
    gradientCheck([a], reference: { [$0[0].reduce(0, +) / 15] }, { $0[0].mean() })
    gradientCheck([a], reference: { $0[0] }, { $0[0].reshaped(to: [5, 1, 3]) })
    gradientCheck(
      [a, numbers.normal([5])], reference: { inputs in inputs[0].enumerated().map { $1 + inputs[1][$0 % 5] } },
      { $0[0].adding(bias: $0[1]) })
  }

  /// The check itself, without a reference in double, accepts right gradients of a composed function.
  @Test func gradientsOfACompositionAreDifferencesOfItself() {
    var numbers = Numbers("gradients of a composition")
    gradientCheck([numbers.awayFromZero([4, 3]), numbers.normal([3, 2]), numbers.normal([2])]) {
      ($0[0].relu().matrixProduct($0[1]).adding(bias: $0[2])).sigmoid()
    }
  }

  /// And it finds wrong ones: the tape is told that the gradient of 3·x is 2.
  @Test func wrongGradientsAreFound() {
    var numbers = Numbers("wrong gradients")
    let x = numbers.normal([4])
    withKnownIssue("the gradient is wrong on purpose") {
      gradientCheck([x]) {
        Tensor.tracked($0[0].detached * 3, from: [$0[0]], operation: "wrong") { [$0 * 2] }
      }
    }
    withKnownIssue("the gradient is missing on purpose") {
      gradientCheck([x, x]) { $0[0] + $0[1].detached }
    }
  }

  @Test func scalarsAndSingleElements() {
    #expect(Tensor(2.5).shape == [] && Tensor(2.5).scalar == 2.5)
    #expect((Tensor(2) + Tensor(3)).scalar == 5 && (Tensor(2) * Tensor(3)).scalar == 6)
    #expect(Tensor(2).sum().scalar == 2 && Tensor(2).relu().scalar == 2 && Tensor(-2).norm == 2)
    #expect(Tensor(7).reshaped(to: [1, 1]).shape == [1, 1])
  }
}

extension Double {
  /// Whether this equals `other` but for the rounding of float32.
  func isApproximately(_ other: Double, tolerance: Double = 1e-6) -> Bool {
    self == other || abs(self - other) <= tolerance * max(abs(self), abs(other))
  }
}
