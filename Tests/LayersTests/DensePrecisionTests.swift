import Layers
import Tensor
import Testing

/// What a context says of precision reaches the dense layers' products.
@Suite struct DensePrecisionTests {
  private let layer: Dense
  private let x: Tensor

  init() {
    // Large enough for weights as float16 to be worth while.
    layer = Dense(1024, 1100)
    layer.initialize(seed: 3)
    var stream = RandomStream(seed: 4)
    x = Tensor((0..<1024).map { _ in stream.float(in: -1..<1) }, shape: [1, 1024])
  }

  @Test func trainingTakesThePrecisionAskedFor() {
    let stream = RandomStream(seed: 1)
    let kernel = layer.kernel.value
    let exact = x.matrixProduct(kernel).elements()
    let rounded = x.matrixProduct(kernel, precision: .bfloat16).elements()
    #expect(exact != rounded)
    #expect(layer(x, .training(stream: stream)).elements() == exact)
    #expect(layer(x, .training(stream: stream, precision: .bfloat16)).elements() == rounded)
    #expect(layer(x, .inference).elements() == exact)
  }

  @Test func inferenceReadsFloat16WeightsWhereAskedTo() {
    let result = layer(x, .inference(float16Weights: true)).elements()
    #expect(result == x.matrixProduct(float16Weights: layer.kernel.value).elements())
    let exact = layer(x, .inference).elements()
    // The baseline has no such kernel and stays exact.
    if SIMDLevel.active.rank > SIMDLevel.baseline.rank { #expect(result != exact) }
    for (a, b) in zip(result, exact) { #expect(abs(a - b) < 1e-3) }
  }

  @Test func readingsFollowNewWeights() {
    let before = layer(x, .inference(float16Weights: true)).elements()
    layer.initialize(seed: 5)
    let after = layer(x, .inference(float16Weights: true)).elements()
    #expect(before != after)
    for (a, b) in zip(after, layer(x, .inference).elements()) { #expect(abs(a - b) < 1e-3) }
  }
}
