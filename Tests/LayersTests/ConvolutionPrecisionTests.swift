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

  /// What passes from block to block is bfloat16; not where the next one does not run as a block.
  @Test func blocksInARowPassOnBFloat16() {
    let layers = [
      (Conv2D(17, 33, kernelSize: 3, useBias: false), BatchNorm(33)),
      (Conv2D(33, 20, kernelSize: 3, useBias: false), BatchNorm(20)),
    ]
    let model = Sequential {
      layers[0].0.named("convolution1")
      layers[0].1.named("normalization1")
      ReLU()
      MaxPool2D()
      layers[1].0.named("convolution2")
      layers[1].1.named("normalization2")
    }
    model.initialize(seed: 5)
    func block(_ x: Tensor, _ index: Int, result: DType) -> Tensor {
      let (convolution, normalization) = layers[index]
      let geometry = ConvolutionGeometry(
        x: x.shape, kernel: convolution.kernel.shape, stride: 1, padding: convolution.padding)
      let pooling = PoolingGeometry(x: geometry.outputShape, window: 2, stride: 2, padding: .valid)
      let weights = ConvolutionBlockWeights(
        kernel: convolution.kernel.value, bias: nil, gamma: normalization.gamma.value, beta: normalization.beta.value,
        epsilon: normalization.epsilon)
      let block = ConvolutionBlock(
        geometry, relu: index == 0 ? .afterNormalization : .none, pooling: index == 0 ? pooling : nil,
        precision: .bfloat16, result: result)
      return x.convolutionBlock(block, weights).output
    }
    let between = block(x, 0, result: .bfloat16)
    #expect(between.dtype == .bfloat16)
    let context = ForwardContext.training(stream: stream, precision: .bfloat16)
    #expect(model(x, context).elements() == block(between, 1, result: .float32).elements())

    let gradients = (model(x, context) * model(x, context)).mean().backward()
    #expect(model.namedParameters.filter { $0.parameter.isTrainable }.allSatisfy { gradients[$0.parameter] != nil })
    // A frozen normalisation leaves the second convolution to itself, which takes floats.
    layers[1].1.gamma.isTrainable = false
    let frozen = (model(x, context) * model(x, context)).mean().backward()
    #expect(frozen[layers[0].0.kernel] != nil)
  }

  /// Seen by a recorder, in a process of its own: the first block writes two bytes less for each number.
  @Test func onlyABlockForABlockWritesHalfAsMuch() async {
    await #expect(processExitsWith: .success) {
      func bytes(_ layers: [any Layer]) -> Int {
        let model = Sequential {
          for (index, layer) in layers.enumerated() { layer.named("layer\(index)") }
        }
        model.initialize(seed: 5)
        let recorder = OperationRecorder()
        recorder.start()
        _ = model(
          Tensor(repeating: 0.5, shape: [2, 8, 10, 4]), .training(stream: RandomStream(seed: 1), precision: .bfloat16))
        recorder.stop()
        return recorder.operations.first { $0.name.hasPrefix("convolution") }?.bytes ?? 0
      }
      func first() -> [any Layer] { [Conv2D(4, 16, kernelSize: 3, useBias: false), BatchNorm(16), ReLU()] }
      let alone = bytes(first())
      #expect(alone > 0)
      #expect(bytes(first() + [Conv2D(16, 8, kernelSize: 3), BatchNorm(8)]) == alone - 2 * 2 * 8 * 10 * 16)
      #expect(bytes(first() + [Conv2D(16, 8, kernelSize: 3)]) == alone)
      #expect(bytes(first() + [Dropout(0.1), Conv2D(16, 8, kernelSize: 3), BatchNorm(8)]) == alone)
    }
  }
}
