import Foundation
import Testing

@testable import Tensor

/// e^x in double, named so that tests read as formulas.
func exponential(_ x: Double) -> Double { exp(x) }

@Suite struct ActivationTests {
  @Test func reluKeepsNaNAndInfinity() {
    let x = Tensor([Float.nan, -.infinity, .infinity, -0.0, 0, -1, 1], shape: [7])
    let y = x.relu().elements()
    #expect(y[0].isNaN)
    #expect(Array(y[1...]) == [0, .infinity, 0, 0, 0, 1])
    // In a long tensor, where whole vectors are compared.
    var long = Tensor(repeating: -1, shape: [40_000])
    long.withMutableElements(of: Float.self) { $0[39_990] = .nan }
    #expect(long.relu().elements().enumerated().filter { $0.element.isNaN }.map(\.offset) == [39_990])
  }

  @Test(arguments: SIMDLevel.supported)
  func reluGradientEqualsTheDefinition(level: SIMDLevel) {
    let backend = CPUBackend(level: level)
    var numbers = Numbers("ReLU gradient")
    for shape: Shape in [
      [1, 1], [3, 5], [127, 3], [129, 33], [2, 5, 7, 40], [1, 257], [513, 300], [0, 4], [4, 0],
    ] {
      let (dy, y) = (numbers.whole(shape), numbers.whole(shape, limit: 2).relu())
      let expected = zip(dy.doubles, y.doubles).map { $1 > 0 ? $0 : 0 }
      let (masked, sums) = backend.reluGradient(dy, y: y)
      expectClose(masked, expected, shape: shape, tolerance: 0, "\(shape)")
      expectClose(
        sums, Reference.columnSums(expected, channels: shape[-1]), shape: [shape[-1]], tolerance: 0, "sums \(shape)")
    }
  }

  @Test func gradientsAreDifferences() {
    var numbers = Numbers("gradients of activations")
    gradientCheck([numbers.awayFromZero([3, 7])], reference: { $0[0].map { max($0, 0) } }, { $0[0].relu() })
    gradientCheck([numbers.normal([3, 7])], reference: { $0[0].map { 1 / (1 + exp(-$0)) } }, { $0[0].sigmoid() })
  }

  @Test func sigmoidSaturatesWithoutNaN() {
    let x = Tensor([-1000, -100, 0, 100, 1000, -Float.infinity, .infinity], shape: [7])
    let y = x.sigmoid().elements()
    #expect(y[0] == 0 && y[1] < 1e-37 && y[2] == 0.5 && Array(y[3...]) == [1, 1, 0, 1])
    #expect(Tensor(Float.nan).sigmoid().scalar.isNaN)
    let parameter = Parameter("x", value: x)
    let gradient = parameter.tensor(tracking: true).sigmoid().sum().backward()[parameter]
    expectClose(gradient, [0, 0, 0.25, 0, 0, 0, 0])
  }

  @Test(arguments: [1, 2, 7, 33, 504])
  func softmaxEqualsTheDefinition(classes: Int) {
    var numbers = Numbers("softmax")
    for (offset, spread) in [(Float(0), Float(1)), (0, 20), (10_000, 3), (-10_000, 3), (3e38, 0)] {
      let z = numbers.normal([3, classes]) * spread + Tensor(repeating: offset, shape: [3, classes])
      var expected: [Double] = []
      for row in 0..<3 {
        let logits = z.doubles[row * classes..<(row + 1) * classes]
        let largest = logits.max() ?? 0
        let sum = logits.reduce(0) { $0 + exp($1 - largest) }
        expected += logits.map { exp($0 - largest) / sum }
      }
      expectClose(z.softmax(), expected, shape: [3, classes], tolerance: 1e-6, "offset \(offset), spread \(spread)")
    }
  }

  @Test func softmaxShowsWhatIsNotANumber() {
    let z = Tensor([1, .nan, 2, 3, 4, Float.infinity, 1, 2, -.infinity], shape: [3, 3])
    let y = z.softmax().elements()
    #expect(y[..<3].allSatisfy { $0.isNaN })
    #expect(y[5].isNaN)
    #expect(y[8] == 0 && abs(y[6] + y[7] - 1) < 1e-6)
    #expect(Tensor(zeros: [0, 5]).softmax().shape == [0, 5])
    #expect(Tensor(zeros: [5, 0]).softmax().shape == [5, 0])
  }

  @Test func softmaxLeavesItsInputAlone() {
    let z = Tensor([1, 2, 3] as [Float], shape: [3])
    _ = z.softmax()
    #expect(z.elements() == [1, 2, 3])
  }
}
