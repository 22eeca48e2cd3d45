import Layers
import Tensor
import Testing

@Suite struct DropoutTests {
  private static let count = 40_000
  private let ones = Tensor(repeating: 1, shape: [200, 200])

  private func dropped(_ rate: Double, seed: UInt64, draws: Int = 1) -> [Float] {
    let context = ForwardContext.training(stream: RandomStream(seed: seed))
    let layer = Dropout(rate)
    var result = Tensor(0)
    for _ in 0..<draws { result = layer(ones, context) }
    return result.elements()
  }

  @Test func inferenceChangesNothing() {
    #expect(Dropout(0.5)(ones, .inference).elements() == ones.elements())
  }

  @Test func rateZeroChangesNothing() {
    #expect(dropped(0, seed: 1) == ones.elements())
  }

  /// What stays is divided by 1 − rate, and the share that falls is the rate within five standard deviations.
  @Test(arguments: [0.1, 0.2, 0.4, 0.5, 0.9])
  func rateAndScale(_ rate: Double) {
    let values = dropped(rate, seed: 11)
    let kept = Float(1 / (1 - rate))
    #expect(values.allSatisfy { $0 == 0 || abs($0 - kept) <= 1e-6 * kept })
    let zeros = Double(values.count { $0 == 0 })
    let deviation = (Double(Self.count) * rate * (1 - rate)).squareRoot()
    #expect(abs(zeros - Double(Self.count) * rate) < 5 * deviation, "\(zeros) zeros")
  }

  /// Neighbours fall independently: both of a pair with the square of the rate.
  @Test func neighboursAreIndependent() {
    let values = dropped(0.4, seed: 12)
    for distance in [1, 2, 4, 8, 200] {
      let pairs = values.count - distance
      let both = Double((0..<pairs).count { values[$0] == 0 && values[$0 + distance] == 0 })
      let deviation = (Double(pairs) * 0.16 * 0.84).squareRoot()
      #expect(abs(both - Double(pairs) * 0.16) < 6 * deviation, "distance \(distance): \(both)")
    }
  }

  @Test func sameStreamSameElements() {
    #expect(dropped(0.4, seed: 7) == dropped(0.4, seed: 7))
    #expect(dropped(0.4, seed: 7) != dropped(0.4, seed: 8))
    // Two layers of one pass draw differently, and the second's draw is reproducible as well.
    #expect(dropped(0.4, seed: 7, draws: 2) != dropped(0.4, seed: 7))
    #expect(dropped(0.4, seed: 7, draws: 2) == dropped(0.4, seed: 7, draws: 2))
  }

  /// The gradient flows through what stayed, with the same factor.
  @Test func gradientHasTheMaskOfTheOutput() throws {
    let input = Parameter("x", value: ones)
    let output = Dropout(0.3)(input.tensor(tracking: true), .training(stream: RandomStream(seed: 3)))
    let values = output.elements()
    let gradient = try #require(output.sum().backward()[input])
    #expect(gradient.elements() == values)
  }
}
