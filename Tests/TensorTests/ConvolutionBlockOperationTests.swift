import Testing

@testable import Tensor

/// `Tensor.convolutionBlock` on the tape, and the corners of its arithmetic.
@Suite struct ConvolutionBlockOperationTests {
  private typealias Pooling = BlockSizes.Pooling

  private static let gradientSizes: [BlockSizes] = [
    BlockSizes(convolution: ConvolutionSizes(batch: 2, height: 3, width: 4, inputs: 2, outputs: 3)),
    BlockSizes(
      convolution: ConvolutionSizes(batch: 2, height: 5, width: 5, inputs: 2, outputs: 3),
      pooling: Pooling(window: 2, stride: 2), relu: .afterNormalization),
    BlockSizes(
      convolution: ConvolutionSizes(batch: 2, height: 5, width: 4, inputs: 2, outputs: 2),
      pooling: Pooling(window: 3, stride: 2, padding: .same), relu: .beforeNormalization, hasBias: false),
    BlockSizes(
      convolution: ConvolutionSizes(height: 7, width: 6, inputs: 1, outputs: 2, stride: 2, padding: .valid),
      pooling: Pooling(window: 2, stride: 3, padding: .same), relu: .afterNormalization),
    BlockSizes(
      convolution: ConvolutionSizes(batch: 3, height: 4, width: 4, inputs: 16, outputs: 16),
      pooling: Pooling(window: 2, stride: 2), relu: .beforeNormalization),
  ]

  @Test(arguments: gradientSizes)
  func gradientsAreDifferences(sizes: BlockSizes) {
    var numbers = Numbers("gradients of a block")
    let inputs = BlockInputs(sizes, isWhole: false, &numbers)
    let weights = inputs.weights
    gradientCheck(
      [inputs.x, weights.kernel, weights.gamma, weights.beta] + (weights.bias.map { [$0] } ?? []),
      reference: {
        BlockReference(
          sizes, x: $0[0], kernel: $0[1], bias: sizes.hasBias ? $0[4] : nil, gamma: $0[2], beta: $0[3]
        ).output
      },
      {
        $0[0].convolutionBlock(
          sizes.block,
          ConvolutionBlockWeights(
            kernel: $0[1], bias: sizes.hasBias ? $0[4] : nil, gamma: $0[2], beta: $0[3], epsilon: weights.epsilon)
        ).output
      })
  }

  /// Each input gets a gradient exactly where it is tracked, and the same one whatever else is tracked.
  @Test func gradientsFlowOnlyToTrackedInputs() {
    let sizes = BlockSizes(
      convolution: ConvolutionSizes(batch: 2, height: 5, width: 6, inputs: 2, outputs: 3),
      pooling: Pooling(window: 2, stride: 2), relu: .beforeNormalization)
    var numbers = Numbers("tracked inputs of a block")
    let inputs = BlockInputs(sizes, isWhole: false, &numbers)
    let values = [inputs.x, inputs.weights.kernel, inputs.weights.gamma, inputs.weights.beta, inputs.weights.bias]
    let parameters = values.enumerated().map { Parameter("\($0)", value: $1 ?? Tensor(0)) }
    func gradients(_ isTracked: [Bool]) -> [[Float]?] {
      let tensors = zip(parameters, isTracked).map { $0.tensor(tracking: $1) }
      let (output, mean, variance) = tensors[0].convolutionBlock(
        sizes.block,
        ConvolutionBlockWeights(
          kernel: tensors[1], bias: tensors[4], gamma: tensors[2], beta: tensors[3], epsilon: BlockInputs.epsilon))
      #expect(output.isTracked == isTracked.contains(true) && !mean.isTracked && !variance.isTracked)
      guard output.isTracked else { return parameters.map { _ in nil } }
      let gradients = (output * inputs.dy).sum().backward()
      return parameters.map { gradients[$0]?.elements() }
    }
    let all = gradients([true, true, true, true, true])
    #expect(!all.contains { $0 == nil })
    for mask in 0..<32 {
      let isTracked = (0..<5).map { mask >> $0 & 1 == 1 }
      for (index, gradient) in gradients(isTracked).enumerated() {
        #expect(gradient == (isTracked[index] ? all[index] : nil), "input \(index) of \(isTracked)")
      }
    }
  }

  /// A convolution that gives back x, so that single pixels can be followed.
  private static func identity(_ x: Shape, gamma: [Float], pooling: Pooling?, relu: ConvolutionBlock.ReLUPlace = .none)
    -> (sizes: BlockSizes, weights: ConvolutionBlockWeights)
  {
    let channels = x[3]
    let sizes = BlockSizes(
      convolution: ConvolutionSizes(
        batch: x[0], height: x[1], width: x[2], inputs: channels, outputs: channels, kernelHeight: 1, kernelWidth: 1),
      pooling: pooling, relu: relu, hasBias: false)
    var kernel = [Float](repeating: 0, count: channels * channels)
    for channel in 0..<channels { kernel[channel * channels + channel] = 1 }
    let weights = ConvolutionBlockWeights(
      kernel: Tensor(kernel, shape: [1, 1, channels, channels]), bias: nil, gamma: Tensor(gamma, shape: [channels]),
      beta: Tensor(zeros: [channels]), epsilon: BlockInputs.epsilon)
    return (sizes, weights)
  }

  /// In a picture of one colour all pixels of a window are equal: exactly one of them gets the window's gradient.
  @Test(arguments: SIMDLevel.supported, ConvolutionBlockTests.poolings.compactMap { $0 })
  func ofEqualPixelsOneGetsTheGradient(level: SIMDLevel, pooling: BlockSizes.Pooling) {
    let x = Tensor(repeating: 3, shape: [2, 7, 8, 17])
    for gamma in [Float(1.5), -1.5] {
      let (sizes, weights) = Self.identity(
        x.shape, gamma: [Float](repeating: gamma, count: 17), pooling: pooling)
      let dy = Tensor(repeating: 1, shape: sizes.block.outputShape)
      let backend = CPUBackend(level: level)
      let (_, record) = backend.convolutionBlock(x, weights, sizes.block)
      let dx = backend.convolutionBlockGradient(
        dy, x: x, weights, sizes.block, record, needsX: true, needsKernel: false
      ).x
      // Without variance the normalisation only takes off the mean of the gradients.
      let window = Reference.Window(
        x: x.shape, window: pooling.window, stride: pooling.stride, padding: pooling.padding)
      var wins = [Double](repeating: 0, count: x.shape.count)
      for winner in Reference.maxPool(x.doubles, window: window).winners { wins[winner] += 1 }
      let mean = Double(dy.shape.rows) / Double(x.shape.rows)
      let scale = Double(gamma) / Double(BlockInputs.epsilon).squareRoot()
      expectClose(dx, wins.map { ($0 - mean) * scale }, shape: x.shape, tolerance: 3e-7, "\(pooling), gamma \(gamma)")
    }
  }

  @Test func everyBlockOfMemoryIsReturned() async {
    await #expect(processExitsWith: .success) {
      let start = StoragePool.shared.liveCount
      for (relu, batch) in [(ConvolutionBlock.ReLUPlace.none, 1), (.beforeNormalization, 3), (.afterNormalization, 4)] {
        let sizes = BlockSizes(
          convolution: ConvolutionSizes(batch: batch, height: 9, width: 10, inputs: 16, outputs: 17),
          pooling: relu == .none ? nil : Pooling(window: 2, stride: 2), relu: relu)
        var numbers = Numbers("live blocks")
        let inputs = BlockInputs(sizes, isWhole: false, &numbers)
        let kernel = Parameter("kernel", value: inputs.weights.kernel)
        for step in 0..<3 {
          var weights = inputs.weights
          weights.kernel = kernel.tensor(tracking: true)
          let (output, mean, variance) = inputs.x.convolutionBlock(sizes.block, weights)
          // The last graph is dropped without a backward pass.
          if step < 2 { #expect((output * inputs.dy).sum().backward().count == 1) }
          _ = inputs.x.convolutionBlock(sizes.block, inputs.weights, mean: mean, variance: variance)
          kernel.value.withMutableElements(of: Float.self) { $0[0] += 1 }
        }
      }
      #expect(StoragePool.shared.liveCount == start)
    }
  }

  /// Deviations of a thousandth of the mean, and images of very different means: statistics as from two passes in double.
  @Test func smallVarianceBesideALargeMeanIsExact() async {
    await #expect(processExitsWith: .success) {
      var numbers = Numbers("large means of blocks")
      let shape: Shape = [5, 30, 40, 3]
      let near = numbers.normal(shape) * 0.1 + Tensor(repeating: 100, shape: shape)
      var apart = near
      apart.withMutableElements(of: Float.self) { elements in
        for index in elements.indices { elements[index] += Float(index / (shape.count / 5)) * 1000 }
      }
      for x in [near, apart] {
        let expected = Reference.moments(x.doubles, channels: 3)
        for level in SIMDLevel.supported {
          for threads in [1, 2, 3, 8] {
            Threads.count = threads
            for pooling in [nil, Pooling(window: 2, stride: 2)] {
              let (sizes, weights) = ConvolutionBlockOperationTests.identity(
                shape, gamma: [1, -1, 2], pooling: pooling)
              let (y, record) = CPUBackend(level: level).convolutionBlock(x, weights, sizes.block)
              for channel in 0..<3 {
                let deviation = expected.variance[channel].squareRoot()
                #expect(abs(record.mean[channel] - expected.mean[channel]) < 1e-5 * deviation, "\(level)")
                #expect(record.variance[channel].isApproximately(expected.variance[channel], tolerance: 1e-5))
              }
              let inputs = (x.doubles, weights.kernel.doubles, weights.gamma.doubles)
              let reference = BlockReference(
                sizes, x: inputs.0, kernel: inputs.1, bias: nil, gamma: inputs.2, beta: [0, 0, 0])
              // The elements themselves have seven digits, four of which are the mean's.
              expectClose(y, reference.output, tolerance: 3e-5, "\(level), \(threads) threads")
            }
          }
        }
      }
      let constant = Tensor(repeating: 1234.567, shape: [4, 9, 9, 2])
      let (sizes, weights) = ConvolutionBlockOperationTests.identity(constant.shape, gamma: [1, 1], pooling: nil)
      for threads in [1, 3] {
        Threads.count = threads
        let record = CPUBackend().convolutionBlock(constant, weights, sizes.block).record
        #expect(record.variance == [0, 0] && record.mean == [Double(Float(1234.567)), Double(Float(1234.567))])
      }
    }
  }

  /// Channels that are zero nearly everywhere, with a bright first pixel: the statistics do not depend on which pixel
  /// comes first.
  @Test func statisticsOfSparseChannels() {
    let (images, channels) = (3, 9)
    let shape: Shape = [images, 100, 300, channels]
    var numbers = Numbers("sparse channels")
    var values = [Float](repeating: 0, count: shape.count)
    for index in values.indices where numbers.integer(in: 0...99) < 3 {
      values[index] = 0.0005 * Float(numbers.integer(in: 0...100))
    }
    for channel in 0..<channels { values[channel] = Float(channel) }
    let expected = Reference.moments(values.map(Double.init), channels: channels)
    let (sizes, weights) = Self.identity(
      shape, gamma: [Float](repeating: 1, count: channels), pooling: nil, relu: .beforeNormalization)
    let record = CPUBackend().convolutionBlock(Tensor(values, shape: shape), weights, sizes.block).record
    for channel in 0..<channels {
      let variance = expected.variance[channel]
      #expect(abs(record.mean[channel] - expected.mean[channel]) <= 2e-6 * variance.squareRoot(), "\(channel)")
      #expect(abs(record.variance[channel] - variance) <= 5e-6 * variance, "\(channel)")
    }
  }

  /// Errors must be seen: a NaN spoils all of training, the statistics too, and its windows in inference, wherever in the
  /// window it is.
  @Test(arguments: SIMDLevel.supported, ConvolutionBlockTests.relus)
  func notANumberIsSeen(level: SIMDLevel, relu: ConvolutionBlock.ReLUPlace) {
    let backend = CPUBackend(level: level)
    let shape: Shape = [2, 6, 7, 5]
    let gamma: [Float] = [1, -1, 0.5, -2, 1]
    for pooling in [nil, Pooling(window: 2, stride: 2), Pooling(window: 3, stride: 2, padding: .same)] {
      let (sizes, unshifted) = Self.identity(shape, gamma: gamma, pooling: pooling, relu: relu)
      // Shifted, so that ReLU leaves something. The NaN of one channel gets into all, since 0 · NaN is NaN.
      var weights = unshifted
      weights.beta = Tensor(repeating: 1, shape: [5])
      for pixel in [0, 1, 7, 8, 41, 42, 60] {
        var numbers = Numbers("NaN in blocks")
        var x = numbers.normal(shape)
        x.withMutableElements(of: Float.self) { $0[pixel * 5 + 2] = .nan }
        let (y, record) = backend.convolutionBlock(x, weights, sizes.block)
        #expect(y.elements().allSatisfy { $0.isNaN })
        #expect(record.mean.allSatisfy { $0.isNaN } && record.variance.allSatisfy { $0.isNaN })
        let gradients = backend.convolutionBlockGradient(
          Tensor(repeating: 1, shape: y.shape), x: x, weights, sizes.block, record, needsX: true, needsKernel: true)
        if relu != .beforeNormalization {
          #expect(gradients.x?.elements().allSatisfy { $0.isNaN } == true)
          #expect(gradients.kernel?.elements().allSatisfy { $0.isNaN } == true)
        }
        #expect(gradients.gamma.elements().allSatisfy { $0.isNaN })

        let zeros = Tensor(zeros: [5])
        let given = backend.convolutionBlock(
          x, weights, sizes.block, mean: zeros, variance: Tensor(repeating: 1, shape: [5]))
        let window = Reference.Window(
          x: shape, window: pooling?.window ?? 1, stride: pooling?.stride ?? 1,
          padding: pooling?.padding ?? .valid)
        var isReached = [Bool](repeating: false, count: given.shape.rows)
        window.visit { output, _, input in if input == pixel { isReached[output] = true } }
        #expect(
          given.elements().enumerated().allSatisfy { $1.isNaN == isReached[$0 / 5] }, "pixel \(pixel), \(sizes)")
      }
    }
  }

  @Test func misuseStops() async {
    await #expect(processExitsWith: .failure) { Misuse().run { $0.x = Tensor(zeros: [2, 4, 4, 2]) } }
    await #expect(processExitsWith: .failure) { Misuse().run { $0.weights.kernel = Tensor(zeros: [3, 3, 1, 3]) } }
    await #expect(processExitsWith: .failure) { Misuse().run { $0.weights.bias = Tensor(zeros: [4]) } }
    await #expect(processExitsWith: .failure) { Misuse().run { $0.weights.gamma = Tensor(zeros: [1]) } }
    await #expect(processExitsWith: .failure) { Misuse().run { $0.weights.beta = Tensor(zeros: [2]) } }
    await #expect(processExitsWith: .failure) { Misuse().run { $0.x = Tensor([UInt8](), shape: [0]) } }
    await #expect(processExitsWith: .failure) { Misuse(batch: 0).run { _ in } }
    await #expect(processExitsWith: .success) { Misuse().run { _ in } }
    // A pooling of something else.
    await #expect(processExitsWith: .failure) {
      _ = ConvolutionBlock(
        ConvolutionSizes(height: 4, width: 4).geometry, relu: .none,
        pooling: PoolingGeometry(x: [1, 4, 5, 1], window: 2, stride: 2, padding: .same))
    }
  }

  /// Given statistics are constants, and no gradient is silently lost.
  @Test func givenStatisticsStopForTrackedInputs() async {
    await #expect(processExitsWith: .success) { Misuse().infer(tracked: nil) }
    await #expect(processExitsWith: .failure) { Misuse().infer(tracked: 0) }
    await #expect(processExitsWith: .failure) { Misuse().infer(tracked: 1) }
    await #expect(processExitsWith: .failure) { Misuse().infer(tracked: 2) }
    await #expect(processExitsWith: .failure) { Misuse().infer(tracked: 3) }
    await #expect(processExitsWith: .failure) { Misuse().infer(tracked: 4) }
    await #expect(processExitsWith: .failure) { Misuse().infer(tracked: nil, channels: 2) }
  }

  private struct Misuse {
    let sizes: BlockSizes
    var inputs: BlockInputs

    init(batch: Int = 1) {
      sizes = BlockSizes(convolution: ConvolutionSizes(batch: batch, height: 4, width: 4, inputs: 2, outputs: 3))
      var numbers = Numbers("misuse of blocks")
      inputs = BlockInputs(sizes, isWhole: false, &numbers)
    }

    func run(_ change: (inout BlockInputs) -> Void) {
      var inputs = inputs
      change(&inputs)
      _ = inputs.x.convolutionBlock(sizes.block, inputs.weights)
    }

    func infer(tracked: Int?, channels: Int = 3) {
      var inputs = inputs
      func track(_ tensor: Tensor, _ index: Int) -> Tensor {
        Parameter("\(index)", value: tensor).tensor(tracking: index == tracked)
      }
      inputs.x = track(inputs.x, 0)
      inputs.weights.kernel = track(inputs.weights.kernel, 1)
      inputs.weights.gamma = track(inputs.weights.gamma, 2)
      inputs.weights.beta = track(inputs.weights.beta, 3)
      inputs.weights.bias = inputs.weights.bias.map { track($0, 4) }
      let ones = Tensor(repeating: 1, shape: [channels])
      _ = inputs.x.convolutionBlock(sizes.block, inputs.weights, mean: ones, variance: ones)
    }
  }
}
