import Testing

@testable import Tensor

/// The numbers of a tensor in which a block keeps bfloat16.
func bfloat16Elements(_ kept: Tensor, shape: Shape) -> Tensor {
  let words = kept.elements().flatMap { [$0.bitPattern << 16, $0.bitPattern & 0xFFFF_0000] }
  return Tensor(words[..<shape.count].map { Float(bitPattern: $0) }, shape: shape)
}

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
        let kept = bfloat16Elements(record.convolved, shape: plain.convolution.outputShape)
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
}
