import Testing

@testable import Tensor

/// Blocks whose factors are rounded to bfloat16, and with them what they keep between their steps.
@Suite struct ConvolutionBlockBfloat16Tests {
  /// Whole numbers: the convolution is exact, its result often needs rounding, and windows hold equal pixels.
  ///
  /// Not of one pixel, which has no deviation: large numbers then cancel.
  @Test(arguments: ConvolutionBlockTests.convolutions.filter { $0.geometry.outputShape.rows > 1 })
  func everyBlockEqualsTheDefinition(convolution: ConvolutionSizes) {
    for sizes in ConvolutionBlockTests.variants(convolution) {
      var numbers = Numbers("blocks in bfloat16")
      var inputs = BlockInputs(sizes, isWhole: true, &numbers)
      inputs.x = numbers.whole(sizes.convolution.x, limit: 100)
      let reference = BlockReference(sizes, inputs, rounded: Reference.bfloat16)
      let gradients = reference.gradients(dy: inputs.dy.doubles)
      let plain = sizes.block
      let block = ConvolutionBlock(plain.convolution, relu: plain.relu, pooling: plain.pooling, precision: .bfloat16)
      let channels: Shape = [sizes.convolution.outputs]
      for level in SIMDLevel.supported {
        let (backend, what) = (CPUBackend(level: level, allowsWinograd: false), "\(level), \(sizes)")
        func expect(_ actual: Tensor?, _ expected: [Double], _ shape: Shape, _ absolute: Double, _ name: String) {
          expectClose(actual, expected, shape: shape, tolerance: 2e-6, absolute: absolute, "\(name), \(what)")
        }
        let (y, record) = backend.convolutionBlock(inputs.x, inputs.weights, block)
        let kept = record.convolved.converted(to: .float32)
        #expect(kept.doubles == reference.convolved, "convolved, \(what)")
        expect(y, reference.output, plain.outputShape, 2e-6, "output")
        expect(Tensor(record.mean.map(Float.init), shape: channels), reference.mean, channels, 2e-6, "mean")
        expect(
          Tensor(record.variance.map(Float.init), shape: channels), reference.variance, channels, 2e-6, "variance")
        let result = backend.convolutionBlockGradient(
          inputs.dy, x: inputs.x, inputs.weights, block, record, needsX: true, needsKernel: true)
        // A gradient just at the middle of two bfloat16 may be rounded to the other side.
        expect(result.x, gradients.x, sizes.convolution.x, 1e-3 * gradients.xScale, "gradient of x")
        expect(
          result.kernel, gradients.kernel, sizes.convolution.kernel, 1e-3 * gradients.kernelScale, "gradient of kernel")
        expect(result.bias, gradients.bias, channels, 2e-6 * gradients.biasScale, "gradient of bias")
        expect(result.gamma, gradients.gamma, channels, 2e-6 * gradients.gammaScale, "gradient of gamma")
        expect(result.beta, gradients.beta, channels, 2e-6 * gradients.gammaScale, "gradient of beta")
      }
    }
  }

  /// Between blocks: x, the output and both their gradients are bfloat16 too.
  @Test(arguments: ConvolutionBlockTests.convolutions.filter { $0.geometry.outputShape.rows > 1 })
  func blocksInARowEqualTheDefinition(convolution: ConvolutionSizes) {
    for sizes in ConvolutionBlockTests.variants(convolution) {
      var numbers = Numbers("blocks in a row")
      var inputs = BlockInputs(sizes, isWhole: true, &numbers)
      inputs.x = numbers.whole(sizes.convolution.x, limit: 100)
      let (x, dy) = (inputs.x.converted(to: .bfloat16), inputs.dy.converted(to: .bfloat16))
      #expect(x.converted(to: .float32).doubles == inputs.x.doubles)
      #expect(dy.converted(to: .float32).doubles == inputs.dy.doubles.map(Reference.bfloat16))
      let reference = BlockReference(sizes, inputs, rounded: Reference.bfloat16)
      let gradients = reference.gradients(dy: inputs.dy.doubles.map(Reference.bfloat16))
      let plain = sizes.block
      let block = ConvolutionBlock(
        plain.convolution, relu: plain.relu, pooling: plain.pooling, precision: .bfloat16, result: .bfloat16)
      let channels: Shape = [sizes.convolution.outputs]
      for level in SIMDLevel.supported {
        let backend = CPUBackend(level: level, allowsWinograd: false)
        func expect(
          _ actual: Tensor?, _ expected: [Double], _ shape: Shape, _ tolerance: Double, _ absolute: Double,
          _ name: String
        ) {
          expectClose(
            actual, expected, shape: shape, tolerance: tolerance, absolute: absolute, "\(name), \(level), \(sizes)")
        }
        let (y, record) = backend.convolutionBlock(x, inputs.weights, block)
        #expect(y.dtype == .bfloat16)
        // 8 bits of precision, and ReLU's edge.
        expect(y.converted(to: .float32), reference.output, plain.outputShape, 4e-3, 4e-3, "output")
        let result = backend.convolutionBlockGradient(
          dy, x: x, inputs.weights, block, record, needsX: true, needsKernel: true)
        #expect(result.x?.dtype == .bfloat16)
        let shape = sizes.convolution.x
        expect(result.x?.converted(to: .float32), gradients.x, shape, 4e-3, 1e-3 * gradients.xScale, "gradient of x")
        expect(
          result.kernel, gradients.kernel, sizes.convolution.kernel, 2e-6, 1e-3 * gradients.kernelScale,
          "gradient of kernel")
        expect(result.gamma, gradients.gamma, channels, 2e-6, 1e-3 * gradients.gammaScale, "gradient of gamma")
        expect(result.beta, gradients.beta, channels, 2e-6, 1e-3 * gradients.gammaScale, "gradient of beta")
      }
      // A backend without blocks of its own takes and gives the same numbers as without the rounding between blocks.
      let composed = ComposedBackend(base: CPUBackend(allowsWinograd: false))
      let alone = ConvolutionBlock(plain.convolution, relu: plain.relu, pooling: plain.pooling, precision: .bfloat16)
      let (y, record) = composed.convolutionBlock(x, inputs.weights, block)
      let (wideY, wideRecord) = composed.convolutionBlock(inputs.x, inputs.weights, alone)
      #expect(y.converted(to: .float32).doubles == wideY.doubles.map(Reference.bfloat16))
      let narrow = composed.convolutionBlockGradient(
        dy, x: x, inputs.weights, block, record, needsX: true, needsKernel: true)
      let wide = composed.convolutionBlockGradient(
        dy.converted(to: .float32), x: inputs.x, inputs.weights, alone, wideRecord, needsX: true, needsKernel: true)
      #expect(narrow.x?.converted(to: .float32).doubles == wide.x?.doubles.map(Reference.bfloat16))
      #expect(narrow.kernel?.doubles == wide.kernel?.doubles)
    }
  }

  /// bfloat16 around a block changes nothing but that its output and the gradient of x are rounded, for all algorithms.
  @Test(arguments: SIMDLevel.supported, [true, false])
  func narrowAndWideBlocksAgreeToTheLastBit(level: SIMDLevel, allowsWinograd: Bool) {
    let backend = CPUBackend(level: level, allowsWinograd: allowsWinograd)
    for (inputs, outputs, height) in [(17, 33, 9), (32, 64, 4), (3, 20, 6)] {
      for pooling in [nil, BlockSizes.Pooling(window: 2, stride: 2), BlockSizes.Pooling(window: 3, stride: 2)] {
        let sizes = BlockSizes(
          convolution: ConvolutionSizes(batch: 7, height: height, width: 11, inputs: inputs, outputs: outputs),
          pooling: pooling, relu: .afterNormalization)
        var numbers = Numbers("narrow and wide")
        let drawn = BlockInputs(sizes, isWhole: false, &numbers)
        let (narrowX, narrowDy) = (drawn.x.converted(to: .bfloat16), drawn.dy.converted(to: .bfloat16))
        let (wideX, wideDy) = (narrowX.converted(to: .float32), narrowDy.converted(to: .float32))
        func results(_ x: Tensor, _ dy: Tensor) -> (y: Tensor, gradients: ConvolutionBlockGradients) {
          let plain = sizes.block
          let block = ConvolutionBlock(
            plain.convolution, relu: plain.relu, pooling: plain.pooling, precision: .bfloat16, result: dy.dtype)
          let (y, record) = backend.convolutionBlock(x, drawn.weights, block)
          return (
            y,
            backend.convolutionBlockGradient(
              dy, x: x, drawn.weights, block, record, needsX: true, needsKernel: true)
          )
        }
        let wide = results(wideX, wideDy)
        for (x, dy) in [(narrowX, narrowDy), (narrowX, wideDy), (wideX, narrowDy)] {
          let (y, gradients) = results(x, dy)
          let what = "\(sizes), x \(x.dtype), dy \(dy.dtype)"
          #expect(y.dtype == dy.dtype && gradients.x?.dtype == x.dtype, "\(what)")
          #expect(
            y.converted(to: .float32).doubles == wide.y.converted(to: dy.dtype).converted(to: .float32).doubles,
            "\(what)")
          #expect(
            gradients.x?.converted(to: .float32).doubles
              == wide.gradients.x?.converted(to: x.dtype).converted(to: .float32).doubles, "\(what)")
          #expect(gradients.kernel?.doubles == wide.gradients.kernel?.doubles, "\(what)")
          #expect(gradients.gamma.doubles == wide.gradients.gamma.doubles, "\(what)")
          #expect(gradients.bias?.doubles == wide.gradients.bias?.doubles, "\(what)")
        }
      }
    }
  }

  @Test func conversionRoundsToNearestEven() {
    // Ties go to the even neighbour; 2⁻¹³⁰ has no leading 1 in either form.
    let small = Float(bitPattern: 0x0008_0000)
    let cases: [(Float, Float)] = [
      (1, 1), (1.003_906_25, 1), (-1.003_906_25, -1), (1.003_906_5, 1.007_812_5), (1.011_718_75, 1.015_625),
      (3.4e38, .infinity), (.infinity, .infinity), (-.infinity, -.infinity), (small, small), (-0.0, -0.0),
    ]
    func rounded(_ values: [Float]) -> [Float] {
      Tensor(values, shape: [values.count]).converted(to: .bfloat16).converted(to: .float32).elements()
    }
    for (result, (value, expected)) in zip(rounded(cases.map(\.0)), cases) {
      #expect(result.bitPattern == expected.bitPattern, "\(value): \(result)")
    }
    #expect(rounded([.nan, Float(bitPattern: 0x7F80_0001), Float(bitPattern: 0xFFFF_FFFF)]).allSatisfy { $0.isNaN })
  }
}
