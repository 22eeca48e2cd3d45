import Tensor
import Testing

@Suite struct ConcatenationTests {
  @Test func tensorsStandSideBySide() {
    let a = Tensor([Float(1), 2, 3, 4], shape: [2, 1, 2])
    let b = Tensor([Float(5), 6], shape: [2, 1, 1])
    let both = Tensor.concatenated([a, b])
    #expect(both.shape == [2, 1, 3])
    #expect(both.elements() == [1, 2, 5, 3, 4, 6])
    #expect(Tensor.concatenated([a]).elements() == a.elements())
    #expect(
      Tensor.concatenated([Tensor([Float(1)], shape: [1]), Tensor([Float(2)], shape: [1])]).elements() == [1, 2])
    #expect(Tensor.concatenated([Tensor(zeros: [0, 2]), Tensor(zeros: [0, 3])]).shape == [0, 5])
  }

  @Test func gradientsAreTheColumnsOfEach() {
    var numbers = Numbers("concatenation")
    gradientCheck([numbers.normal([3, 2, 4]), numbers.normal([3, 2, 1]), numbers.normal([3, 2, 3])]) {
      Tensor.concatenated($0)
    }
    // The same tensor twice gets the sum of both.
    gradientCheck([numbers.normal([2, 3])]) { Tensor.concatenated([$0[0], $0[0] * 2]) }
  }

  @Test func misuseStopsTheProgram() async {
    await #expect(processExitsWith: .failure) { _ = Tensor.concatenated([]) }
    await #expect(processExitsWith: .failure) {
      _ = Tensor.concatenated([Tensor(zeros: [2, 3]), Tensor(zeros: [3, 3])])
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor.concatenated([Tensor(zeros: [2, 3]), Tensor(zeros: [2, 1, 3])])
    }
  }
}
