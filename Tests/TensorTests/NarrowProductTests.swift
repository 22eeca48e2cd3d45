import Testing

@testable import Tensor

/// Products whose factors are rounded: to bfloat16 in training, to float16 (IEEE binary16) in inference.
@Suite struct NarrowProductTests {
  @Test(arguments: SIMDLevel.supported)
  func bfloat16EqualsTheDefinition(level: SIMDLevel) {
    let sizes = [
      (1, 1, 1), (2, 3, 1), (12, 32, 2), (13, 33, 7), (5, 70, 511), (7, 31, 513), (193, 65, 40), (25, 8, 1025),
      (40, 2, 3),
    ]
    for (m, n, k) in sizes {
      for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
        var numbers = Numbers("bfloat16")
        let a = numbers.normal(transposeA ? [k, m] : [m, k])
        let b = numbers.normal(transposeB ? [n, k] : [k, n])
        let expected = Reference.matrixProduct(
          a.doubles.map(Reference.bfloat16), b.doubles.map(Reference.bfloat16), m: m, n: n, k: k,
          transposeA: transposeA,
          transposeB: transposeB)
        let product = CPUBackend(level: level).matrixProduct(
          a, b, transposeA: transposeA, transposeB: transposeB, precision: .bfloat16)
        expectClose(
          product, expected, shape: [m, n], tolerance: 2e-6, "\(level) \(m)×\(n)×\(k) \(transposeA) \(transposeB)")
      }
    }
  }

  @Test(arguments: SIMDLevel.supported)
  func bfloat16RoundsToEvenAndKeepsNaN(level: SIMDLevel) {
    // Halfway between two bfloat16 numbers, just above, the largest float, infinities, NaNs of both kinds.
    let special: [Float] = [
      1 + 0x1p-8, 1 + 0x3p-8, 1 + 0x1p-8 + 0x1p-20, -1 - 0x1p-8, 0, -0.0, .greatestFiniteMagnitude, .infinity,
      -.infinity,
      .nan, Float(bitPattern: 0x7F80_0001), 0x1p-100,
    ]
    let expected: [Double] = [
      1, 1 + 0x1p-6, 1 + 0x1p-7, -1, 0, 0, .infinity, .infinity, -.infinity, .nan, .nan, 0x1p-100,
    ]
    for (count, transposed) in [(special.count, false), (1, true)] {
      // As a row of b next to others, and along the depth.
      let ones = Tensor(repeating: 1, shape: [1, 1])
      for (x, y) in zip(special, expected) {
        let row = Tensor(
          [Float](repeating: x, count: count * 40), shape: transposed ? [count * 40, 1] : [1, count * 40])
        let product = CPUBackend(level: level).matrixProduct(
          ones, row, transposeA: false, transposeB: transposed, precision: .bfloat16)
        expectClose(product, [Double](repeating: y, count: count * 40), tolerance: 0, absolute: 0, "\(level) \(x)")
      }
    }
  }

  @Test func bfloat16GradientsAreOfTheSamePrecision() throws {
    var numbers = Numbers("gradients in bfloat16")
    let (x, w) = (Parameter("x", value: numbers.normal([5, 9])), Parameter("w", value: numbers.normal([9, 7])))
    let dy = numbers.normal([5, 7])
    let y = x.tensor(tracking: true).matrixProduct(w.tensor(tracking: true), precision: .bfloat16)
    let gradients = (y * dy).sum().backward()
    expectClose(
      gradients[x],
      Reference.matrixProduct(
        dy.doubles.map(Reference.bfloat16), w.value.doubles.map(Reference.bfloat16), m: 5, n: 9, k: 7,
        transposeA: false,
        transposeB: true), tolerance: 2e-6)
    expectClose(
      gradients[w],
      Reference.matrixProduct(
        x.value.doubles.map(Reference.bfloat16), dy.doubles.map(Reference.bfloat16), m: 9, n: 7, k: 5, transposeA: true,
        transposeB: false), tolerance: 2e-6)
  }

  /// The nearest number with eleven significant bits, or a multiple of 2⁻³⁹ of the power of two below the largest weight.
  private func float16(_ x: Float, largest: Float) -> Double {
    guard x.isFinite, x != 0 else { return Double(x) }
    let unit = max(Double(x.magnitude.binade) / 1024, Double(largest.binade) * 0x1p-38)
    return (Double(x) / unit).rounded(.toNearestOrEven) * unit
  }

  /// Weights of usual size, and such that would leave the range of float16 without scaling.
  @Test(arguments: SIMDLevel.supported, [(1, Float(0.05)), (2, 1e-9), (3, 1e7), (4, 0.05)])
  func float16EqualsTheDefinition(level: SIMDLevel, sizes: (rows: Int, magnitude: Float)) {
    let (rows, magnitude) = sizes
    // Columns that fill no whole block, just over the size from which float16 is taken.
    let (depth, columns) = (1037, 1019)
    var numbers = Numbers("float16", rows)
    let x = numbers.normal([rows, depth])
    var weights = numbers.normal([depth, columns]) * magnitude
    weights.withMutableElements(of: Float.self) { $0[0] = magnitude * 1e-7 }
    let largest = weights.elements().reduce(0) { max($0, $1.magnitude) }
    let backend = CPUBackend(level: level)
    let product = backend.matrixProduct(x, float16Weights: weights)
    let isRounded = backend.kernels.float16_rows > 0
    expectClose(
      product,
      Reference.matrixProduct(
        x.doubles, isRounded ? weights.elements().map { float16($0, largest: largest) } : weights.doubles, m: rows,
        n: columns, k: depth,
        transposeA: false, transposeB: false), shape: [rows, columns], tolerance: 2e-6, "\(level) \(rows)")
  }

  @Test func float16FollowsTheWeights() {
    var numbers = Numbers("changing weights")
    let x = numbers.normal([1, 1024])
    var weights = Tensor(zeros: [1024, 1024])
    #expect(x.matrixProduct(float16Weights: weights).elements().allSatisfy { $0 == 0 })
    weights.withMutableElements(of: Float.self) { $0.update(repeating: 2) }
    let sum = 2 * x.elements().reduce(0, +)
    #expect(x.matrixProduct(float16Weights: weights).elements().allSatisfy { abs($0 - sum) < 1e-3 })
  }

  @Test func infinityStays() {
    var weights = Tensor(zeros: [1024, 1024])
    weights.withMutableElements(of: Float.self) { ($0[5], $0[6]) = (.infinity, 2) }
    var x = Tensor(zeros: [1, 1024])
    x.withMutableElements(of: Float.self) { $0[0] = 1 }
    let product = x.matrixProduct(float16Weights: weights).elements()
    #expect(product[5] == .infinity && product[6] == 2 && product[4] == 0)
  }

  @Test func moreRowsThanFloat16TakesAreExact() {
    var numbers = Numbers("many rows")
    let (x, weights) = (numbers.normal([9, 1024]), numbers.normal([1024, 1024]))
    #expect(x.matrixProduct(float16Weights: weights).elements() == x.matrixProduct(weights).elements())
  }
}
