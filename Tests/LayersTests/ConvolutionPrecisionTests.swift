import Layers
import Tensor
import Testing

/// What a context says of precision reaches the convolutions, alone and fused with what follows them.
@Suite struct ConvolutionPrecisionTests {
  private let x: Tensor
  private let stream = RandomStream(seed: 1)

  init() {
    var numbers = RandomStream(seed: 4)
    x = Tensor((0..<2 * 9 * 10 * 17).map { _ in numbers.float(in: -1..<1) }, shape: [2, 9, 10, 17])
  }

  @Test func convolutionsTakeThePrecisionAskedFor() {
    let layer = Conv2D(17, 33, kernelSize: 3)
    layer.initialize(seed: 3)
    let kernel = layer.kernel.value
    let exact = x.convolved(with: kernel).elements()
    let rounded = x.convolved(with: kernel, precision: .bfloat16).elements()
    #expect(exact != rounded)
    #expect(layer(x, .training(stream: stream)).elements() == exact)
    #expect(layer(x, .training(stream: stream, precision: .bfloat16)).elements() == rounded)
    #expect(layer(x, .inference).elements() == exact)
  }

  @Test func blocksTakeThePrecisionAskedFor() {
    let (convolution, normalization) = (Conv2D(17, 33, kernelSize: 3), BatchNorm(33))
    let model = Sequential {
      convolution.named("convolution")
      normalization.named("normalization")
      ReLU()
    }
    model.initialize(seed: 3)
    func block(_ precision: ArithmeticPrecision) -> [Float] {
      let geometry = ConvolutionGeometry(
        x: x.shape, kernel: convolution.kernel.shape, stride: 1, padding: convolution.padding)
      let weights = ConvolutionBlockWeights(
        kernel: convolution.kernel.value, bias: convolution.bias?.value, gamma: normalization.gamma.value,
        beta: normalization.beta.value, epsilon: normalization.epsilon)
      return x.convolutionBlock(
        ConvolutionBlock(geometry, relu: .afterNormalization, pooling: nil, precision: precision), weights
      ).output.elements()
    }
    #expect(block(.float32) != block(.bfloat16))
    #expect(model(x, .training(stream: stream)).elements() == block(.float32))
    #expect(model(x, .training(stream: stream, precision: .bfloat16)).elements() == block(.bfloat16))
  }
}
