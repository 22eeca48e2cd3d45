import Layers
import Tensor
import Testing

/// Layers over sequences, beyond what Keras's numbers say.
@Suite struct SequenceLayerTests {
  private func numbers(_ shape: Shape, seed: UInt64 = 3) -> Tensor {
    var stream = RandomStream(seed: seed)
    return Tensor((0..<shape.count).map { _ in Float(stream.normal()) }, shape: shape)
  }

  @Test func bidirectionalIsBothLayersSideBySide() {
    let layer = Bidirectional(LSTM(3, 5))
    layer.initialize(seed: 1)
    let x = numbers([4, 6, 3])
    let alone = Tensor.concatenated([layer.forward(x, .inference), layer.backward(x, .inference)])
    #expect(layer(x, .inference).elements() == alone.elements())
    #expect(!layer.forward.isReversed && layer.backward.isReversed)
    #expect(layer.outputShape(for: x.shape) == [4, 6, 10])
  }

  @Test func trainingTakesThePrecisionAskedFor() {
    let layer = LSTM(12, 16)
    layer.initialize(seed: 2)
    let x = numbers([2, 4, 12])
    func result(_ precision: ArithmeticPrecision) -> [Float] {
      layer(x, .training(stream: RandomStream(seed: 0), precision: precision)).elements()
    }
    #expect(result(.float32) == layer(x, .inference).elements())
    #expect(result(.bfloat16) != result(.float32))
    for (a, b) in zip(result(.bfloat16), result(.float32)) { #expect(abs(a - b) < 2e-2) }
  }

  /// A sequence read backwards is the reversed sequence read forwards, in reverse.
  @Test func reversedReadsFromTheEnd() throws {
    let (forward, backward) = (LSTM(2, 3), LSTM(2, 3, reversed: true))
    forward.initialize(seed: 4)
    try backward.load(forward.weights)
    let (steps, x) = (5, numbers([1, 5, 2]))
    func flipped(_ x: Tensor) -> Tensor {
      let (values, width) = (x.elements(), x.shape[2])
      var result: [Float] = []
      for step in (0..<steps).reversed() { result += values[step * width..<(step + 1) * width] }
      return Tensor(result, shape: x.shape)
    }
    #expect(backward(x, .inference).elements() == flipped(forward(flipped(x), .inference)).elements())
  }

  @Test func misuseStopsTheProgram() async {
    await #expect(processExitsWith: .failure) { _ = LSTM(3, 4).outputShape(for: [2, 5, 4]) }
    await #expect(processExitsWith: .failure) { _ = LSTM(3, 4).outputShape(for: [2, 3]) }
    await #expect(processExitsWith: .failure) { _ = Bidirectional(LSTM(3, 4), backward: LSTM(3, 4)) }
    await #expect(processExitsWith: .failure) { _ = Bidirectional(LSTM(3, 4), backward: LSTM(3, 5, reversed: true)) }
    await #expect(processExitsWith: .failure) { _ = Conv1D(3, 4, kernelSize: 3).outputShape(for: [2, 1, 5, 3]) }
    await #expect(processExitsWith: .failure) { _ = Conv1D(3, 4, kernelSize: 3).outputShape(for: [2, 5, 4]) }
    await #expect(processExitsWith: .failure) { _ = Dense(3, 4).outputShape(for: [3]) }
  }
}
