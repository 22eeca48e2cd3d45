import Testing

@testable import Tensor

@Suite struct MatrixProductTests {
  /// Whole numbers: exact, whatever the order of the sums.
  @Test(arguments: [
    (1, 1, 1), (1, 7, 5), (7, 1, 5), (5, 7, 1), (3, 5, 17), (17, 33, 40), (33, 17, 129), (128, 3, 257), (2, 504, 65),
    (130, 250, 70),
  ])
  func equalsTheDefinition(m: Int, n: Int, k: Int) {
    var numbers = Numbers("matrix product")
    for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
      let a = numbers.whole(transposeA ? [k, m] : [m, k])
      let b = numbers.whole(transposeB ? [n, k] : [k, n])
      let expected = Reference.matrixProduct(
        a.doubles, b.doubles, m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB)
      for level in SIMDLevel.supported {
        expectClose(
          CPUBackend(level: level).matrixProduct(
            a, b, transposeA: transposeA, transposeB: transposeB, precision: .float32), expected,
          shape: [m, n], tolerance: 0, "\(level)")
      }
      expectClose(
        a.matrixProduct(b, transposeSelf: transposeA, transposeOther: transposeB), expected, tolerance: 0, "operation")
    }
  }

  @Test(arguments: [false, true], [false, true])
  func gradientsAreDifferences(transposeA: Bool, transposeB: Bool) {
    var numbers = Numbers("gradients of a matrix product")
    gradientCheck(
      [numbers.normal(transposeA ? [5, 3] : [3, 5]), numbers.normal(transposeB ? [4, 5] : [5, 4])],
      reference: {
        Reference.matrixProduct($0[0], $0[1], m: 3, n: 4, k: 5, transposeA: transposeA, transposeB: transposeB)
      },
      { $0[0].matrixProduct($0[1], transposeSelf: transposeA, transposeOther: transposeB) })
  }

  @Test func sidesWithoutElements() {
    #expect(Tensor(zeros: [0, 3]).matrixProduct(Tensor(zeros: [3, 4])).shape == [0, 4])
    #expect(Tensor(zeros: [2, 3]).matrixProduct(Tensor(zeros: [3, 0])).shape == [2, 0])
    // Dirty a block first, so that unwritten memory would not happen to be zero.
    _ = Tensor(repeating: 5, shape: [2, 4])
    let sumsOfNothing = Tensor(zeros: [2, 0]).matrixProduct(Tensor(zeros: [0, 4]))
    #expect(sumsOfNothing.shape == [2, 4] && sumsOfNothing.elements().allSatisfy { $0 == 0 })
  }

  @Test func gradientOfAnEmptyBatchIsZero() {
    let weights = Parameter("weights", value: Tensor(repeating: 3, shape: [3, 4]))
    let y = Tensor(zeros: [0, 3]).matrixProduct(weights.tensor(tracking: true))
    expectClose(y.sum().backward()[weights], [Double](repeating: 0, count: 12), shape: [3, 4])
  }

  @Test func notANumberReachesItsRowAndColumn() {
    var a = Tensor(repeating: 1, shape: [3, 4])
    a.withMutableElements(of: Float.self) { $0[5] = .nan }
    let y = a.matrixProduct(Tensor(zeros: [4, 2])).elements()
    #expect(y.map { $0.isNaN } == [false, false, true, true, false, false])
  }

  @Test func blasSaysWhatItRuns() {
    #expect(!BLAS.selection.core.isEmpty)
    if SIMDLevel.best.rank >= SIMDLevel.avx512.rank, let replaced = BLAS.selection.replaced {
      #expect(BLAS.selection.core != replaced)
    }
  }
}
