import Testing

@testable import Tensor

@Suite struct ConvolutionBlockTests {
  static let poolings: [BlockSizes.Pooling?] = [
    nil,
    // Rows and columns that no window covers where sizes are odd.
    BlockSizes.Pooling(window: 2, stride: 2),
    BlockSizes.Pooling(window: 2, stride: 2, padding: .same),
    // Windows that overlap.
    BlockSizes.Pooling(window: 3, stride: 2, padding: .same),
    BlockSizes.Pooling(window: 3, stride: 2),
    BlockSizes.Pooling(window: 3, stride: 1, padding: .same),
    // Gaps between them.
    BlockSizes.Pooling(window: 2, stride: 3),
    BlockSizes.Pooling(window: 2, stride: 3, padding: .same),
    BlockSizes.Pooling(window: 1, stride: 2),
    BlockSizes.Pooling(window: 3, stride: 3),
    // Of rows alone, and of unequal sides.
    BlockSizes.Pooling(window: .rows(2), stride: .rows(2)),
    BlockSizes.Pooling(window: .rows(2), stride: .rows(2), padding: .same),
    BlockSizes.Pooling(window: WindowSize(height: 2, width: 3), stride: WindowSize(height: 2, width: 1)),
    BlockSizes.Pooling(window: 3, stride: 3, padding: .same),
  ]
  static let relus: [ConvolutionBlock.ReLUPlace] = [.none, .beforeNormalization, .afterNormalization]

  static let convolutions: [ConvolutionSizes] = [
    ConvolutionSizes(),
    ConvolutionSizes(batch: 3, inputs: 3, outputs: 5, kernelHeight: 1, kernelWidth: 1),
    ConvolutionSizes(height: 5, width: 7),
    ConvolutionSizes(batch: 3, height: 5, width: 7, inputs: 3, outputs: 33),
    ConvolutionSizes(batch: 3, height: 6, width: 8, inputs: 33, outputs: 4, padding: .valid),
    ConvolutionSizes(
      batch: 3, height: 9, width: 11, inputs: 5, outputs: 17, kernelHeight: 7, kernelWidth: 7, stride: 2),
    ConvolutionSizes(height: 7, width: 9, inputs: 3, outputs: 16, stride: 2, padding: .valid),
    ConvolutionSizes(
      batch: 2, height: 13, width: 10, inputs: 2, outputs: 40, kernelHeight: 5, kernelWidth: 5, stride: 3),
    // One row, one column.
    ConvolutionSizes(batch: 2, height: 1, width: 23, inputs: 1, outputs: 8),
    ConvolutionSizes(batch: 2, height: 23, width: 1, inputs: 4, outputs: 3),
    // More channels than the column loops take at once.
    ConvolutionSizes(batch: 2, height: 3, width: 4, inputs: 1, outputs: 259, kernelHeight: 1, kernelWidth: 1),
  ]

  /// All poolings that fit, places of ReLU, with and without bias.
  static func variants(_ convolution: ConvolutionSizes) -> [BlockSizes] {
    let output = convolution.geometry.outputShape
    return poolings.filter { pooling in
      guard let pooling, pooling.padding == .valid else { return true }
      return output[1] >= pooling.window.height && output[2] >= pooling.window.width
    }
    .flatMap { pooling in
      relus.flatMap { relu in
        [true, false].map {
          BlockSizes(convolution: convolution, pooling: pooling, relu: relu, hasBias: $0)
        }
      }
    }
  }

  /// Checks output, statistics and gradients of one backend against the reference.
  static func expectEqual(
    _ backend: any Backend, _ sizes: BlockSizes, _ inputs: BlockInputs, _ reference: BlockReference,
    _ gradients: BlockReference.Gradients, tolerance: Double, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let what = "\(what), \(sizes)"
    let channels = sizes.convolution.outputs
    func expect(
      _ actual: Tensor?, _ expected: [Double], _ shape: Shape, absolute: Double = 1, _ name: String
    ) {
      expectClose(
        actual, expected, shape: shape, tolerance: tolerance, absolute: tolerance * absolute, "\(name), \(what)",
        sourceLocation: sourceLocation)
    }
    let (y, record) = backend.convolutionBlock(inputs.x, inputs.weights, sizes.block)
    expect(y, reference.output, sizes.block.outputShape, "output")
    expect(record.convolved, reference.convolved, sizes.convolution.geometry.outputShape, "convolved")
    expect(Tensor(record.mean.map(Float.init), shape: [channels]), reference.mean, [channels], "mean")
    expect(Tensor(record.variance.map(Float.init), shape: [channels]), reference.variance, [channels], "variance")
    let result = backend.convolutionBlockGradient(
      inputs.dy, x: inputs.x, inputs.weights, sizes.block, record, needsX: true, needsKernel: true)
    expect(result.x, gradients.x, sizes.convolution.x, absolute: gradients.xScale, "gradient of x")
    expect(
      result.kernel, gradients.kernel, sizes.convolution.kernel, absolute: gradients.kernelScale, "gradient of kernel")
    expect(result.bias, gradients.bias, [channels], absolute: gradients.biasScale, "gradient of bias")
    expect(result.gamma, gradients.gamma, [channels], absolute: gradients.gammaScale, "gradient of gamma")
    expect(result.beta, gradients.beta, [channels], absolute: gradients.gammaScale, "gradient of beta")
  }

  /// Whole numbers: the convolution is exact, and windows hold many equal pixels, of which the first must win.
  @Test(arguments: convolutions)
  func everyBlockEqualsTheDefinition(convolution: ConvolutionSizes) {
    for sizes in Self.variants(convolution) {
      var numbers = Numbers("blocks")
      let inputs = BlockInputs(sizes, isWhole: true, &numbers)
      let reference = BlockReference(sizes, inputs)
      let gradients = reference.gradients(dy: inputs.dy.doubles)
      for level in SIMDLevel.supported {
        let backend = CPUBackend(level: level, allowsWinograd: false)
        Self.expectEqual(backend, sizes, inputs, reference, gradients, tolerance: 2e-6, "fused, \(level)")
        Self.expectEqual(
          ComposedBackend(base: backend), sizes, inputs, reference, gradients, tolerance: 2e-6, "composed, \(level)")
      }
    }
  }

  /// Where gamma is negative the smallest pixel wins, and where it is 0 or tiny the normalised pixels are equal or nearly
  /// so; the largest one still gets the gradient. (The composed operations see equal pixels and take the first.)
  @Test(arguments: convolutions, [[0, -1.5, 1e-6, 2, -1e-6, -0.3, 1e-30], [-2], [1e-6], [0]] as [[Float]])
  func gammasOfEveryKind(convolution: ConvolutionSizes, gamma: [Float]) {
    for sizes in Self.variants(convolution) where sizes.hasBias {
      var numbers = Numbers("odd gammas")
      let inputs = BlockInputs(sizes, isWhole: true, gamma: gamma, &numbers)
      let reference = BlockReference(sizes, inputs)
      let gradients = reference.gradients(dy: inputs.dy.doubles)
      for level in SIMDLevel.supported {
        let backend = CPUBackend(level: level, allowsWinograd: false)
        Self.expectEqual(backend, sizes, inputs, reference, gradients, tolerance: 2e-6, "\(level), gamma \(gamma)")
        let composed = ComposedBackend(base: backend).convolutionBlock(inputs.x, inputs.weights, sizes.block)
        expectClose(
          composed.y, reference.output, tolerance: 2e-6, absolute: 2e-6, "composed, \(level), gamma \(gamma), \(sizes)")
      }
    }
  }

  private static let winograd = [
    ConvolutionSizes(batch: 3, height: 9, width: 11, inputs: 17, outputs: 33),
    ConvolutionSizes(batch: 1, height: 7, width: 6, inputs: 16, outputs: 16, padding: .valid),
    ConvolutionSizes(batch: 7, height: 3, width: 3, inputs: 33, outputs: 20),
  ]

  /// Real numbers through Winograd's algorithm.
  @Test(arguments: winograd)
  func blocksByWinogradAgreeWithTheDefinition(convolution: ConvolutionSizes) {
    for sizes in Self.variants(convolution) {
      var numbers = Numbers("blocks by Winograd")
      let inputs = BlockInputs(sizes, isWhole: false, &numbers)
      let reference = BlockReference(sizes, inputs)
      let gradients = reference.gradients(dy: inputs.dy.doubles)
      for level in SIMDLevel.supported {
        let backend = CPUBackend(level: level)
        #expect(backend.plan(sizes.block.convolution).algorithm == .winograd)
        Self.expectEqual(backend, sizes, inputs, reference, gradients, tolerance: 1e-5, "fused, \(level)")
        Self.expectEqual(
          ComposedBackend(base: backend), sizes, inputs, reference, gradients, tolerance: 1e-5, "composed, \(level)")
      }
    }
  }

  @Test func everyThreadCountAgreesWithTheDefinition() async {
    await #expect(processExitsWith: .success) {
      let direct = ConvolutionSizes(batch: 3, height: 9, width: 11, inputs: 5, outputs: 17, stride: 2)
      for convolution in [direct, ConvolutionSizes(height: 8, width: 5, inputs: 2, outputs: 33)]
        + ConvolutionBlockTests.winograd
      {
        for sizes in ConvolutionBlockTests.variants(convolution) {
          let isWhole = convolution.inputs < 16
          var numbers = Numbers("blocks by threads")
          let inputs = BlockInputs(sizes, isWhole: isWhole, &numbers)
          let reference = BlockReference(sizes, inputs)
          let gradients = reference.gradients(dy: inputs.dy.doubles)
          for threads in [1, 2, 3, 8] {
            Threads.count = threads
            ConvolutionBlockTests.expectEqual(
              CPUBackend(), sizes, inputs, reference, gradients, tolerance: 1e-5, "\(threads) threads")
          }
        }
      }
    }
  }

  /// The same thread count gives the same bits.
  @Test func sameThreadCountGivesTheSameBits() async {
    await #expect(processExitsWith: .success) {
      let sizes = BlockSizes(
        convolution: ConvolutionSizes(batch: 7, height: 13, width: 18, inputs: 16, outputs: 33),
        pooling: BlockSizes.Pooling(window: 3, stride: 2, padding: .same), relu: .afterNormalization)
      var numbers = Numbers("bits of a block")
      let inputs = BlockInputs(sizes, isWhole: false, &numbers)
      func run() -> [[Float]] {
        let (y, record) = CPUBackend().convolutionBlock(inputs.x, inputs.weights, sizes.block)
        let gradients = CPUBackend().convolutionBlockGradient(
          inputs.dy, x: inputs.x, inputs.weights, sizes.block, record, needsX: true, needsKernel: true)
        return [y, gradients.x, gradients.kernel, gradients.bias, gradients.gamma, gradients.beta].map {
          $0?.elements() ?? []
        } + [record.mean.map(Float.init), record.variance.map(Float.init)]
      }
      for threads in [1, 2, 3] {
        Threads.count = threads
        let first = run()
        for _ in 0..<3 { #expect(run() == first) }
      }
    }
  }

  /// Given statistics: against the definition, and the same bits for every thread count and whatever images are beside.
  @Test func inferenceEqualsTheDefinition() async {
    await #expect(processExitsWith: .success) {
      let sizes = [
        ConvolutionSizes(batch: 3, height: 9, width: 11, inputs: 17, outputs: 33),
        ConvolutionSizes(
          batch: 3, height: 9, width: 11, inputs: 3, outputs: 17, kernelHeight: 7, kernelWidth: 7, stride: 2),
        ConvolutionSizes(batch: 1, height: 1, width: 1, inputs: 3, outputs: 1),
        ConvolutionSizes(batch: 0, height: 5, width: 6, inputs: 16, outputs: 16),
      ]
      for sizes in sizes.flatMap(ConvolutionBlockTests.variants) {
        var numbers = Numbers("inference of blocks")
        let inputs = BlockInputs(sizes, isWhole: false, &numbers)
        let channels = sizes.convolution.outputs
        let mean = numbers.normal([channels])
        let variance = numbers.normal([channels])
        let squares = variance * variance
        let reference = BlockReference(sizes, inputs, statistics: (mean.doubles, squares.doubles))
        for level in SIMDLevel.supported {
          let backend = CPUBackend(level: level)
          Threads.count = 1
          let y = backend.convolutionBlock(inputs.x, inputs.weights, sizes.block, mean: mean, variance: squares)
          expectClose(y, reference.output, shape: sizes.block.outputShape, tolerance: 1e-5, "\(level), \(sizes)")
          let composed = ComposedBackend(base: backend).convolutionBlock(
            inputs.x, inputs.weights, sizes.block, mean: mean, variance: squares)
          expectClose(composed, reference.output, shape: sizes.block.outputShape, tolerance: 1e-5, "\(sizes)")
          for threads in [2, 3, 8] {
            Threads.count = threads
            let other = backend.convolutionBlock(inputs.x, inputs.weights, sizes.block, mean: mean, variance: squares)
            #expect(other.elements() == y.elements(), "\(threads) threads, \(level), \(sizes)")
          }
          guard sizes.convolution.batch > 1 else { continue }
          var one = sizes
          one.convolution.batch = 1
          let (inputSize, outputSize) = (one.convolution.x.count, one.block.outputShape.count)
          for image in 0..<sizes.convolution.batch {
            let x = Tensor(
              Array(inputs.x.elements()[image * inputSize..<(image + 1) * inputSize]), shape: one.convolution.x)
            let alone = backend.convolutionBlock(x, inputs.weights, one.block, mean: mean, variance: squares)
            #expect(
              alone.elements() == Array(y.elements()[image * outputSize..<(image + 1) * outputSize]),
              "image \(image), \(level), \(sizes)")
          }
        }
      }
    }
  }
}
