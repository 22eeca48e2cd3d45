import Testing

@testable import Tensor

/// Direct convolutions whose factors are rounded to bfloat16.
@Suite struct DirectBfloat16Tests {
  /// Whole numbers to 8 need no rounding: all levels must give exactly the reference's values.
  @Test(arguments: ConvolutionSizes.special + ConvolutionSizes.mixed)
  func whatNeedsNoRoundingEqualsTheDefinition(sizes: ConvolutionSizes) {
    var numbers = Numbers("convolution in bfloat16")
    let (geometry, window) = (sizes.geometry, sizes.window)
    let (x, kernel) = (numbers.whole(sizes.x), numbers.whole(sizes.kernel))
    let bias = numbers.whole([sizes.outputs], limit: 100)
    let dy = numbers.whole(geometry.outputShape)
    let y = Reference.convolution(
      x.doubles, kernel.doubles, bias: bias.doubles, outputs: sizes.outputs, window: window)
    let gradients = Reference.convolutionGradients(
      x.doubles, kernel.doubles, dy: dy.doubles, outputs: sizes.outputs, window: window)
    for level in SIMDLevel.supported {
      let backend = CPUBackend(level: level, allowsWinograd: false)
      expectClose(
        backend.convolution(x, kernel: kernel, bias: bias, geometry: geometry, relu: true, precision: .bfloat16),
        y.map { max($0, 0) }, shape: geometry.outputShape, tolerance: 0, "\(level) \(sizes)")
      expectClose(
        backend.convolutionInputGradient(dy, kernel: kernel, geometry: geometry, precision: .bfloat16), gradients.x,
        shape: sizes.x, tolerance: 0, "input gradient \(level) \(sizes)")
      expectClose(
        backend.convolutionKernelGradient(x, dy: dy, geometry: geometry, precision: .bfloat16), gradients.kernel,
        shape: sizes.kernel, tolerance: 0, "kernel gradient \(level) \(sizes)")
    }
  }

  @Test(arguments: SIMDLevel.supported)
  func realNumbersAreRounded(level: SIMDLevel) {
    for sizes in [
      ConvolutionSizes(
        batch: 3, height: 13, width: 25, inputs: 3, outputs: 40, kernelHeight: 5, kernelWidth: 5, stride: 2),
      ConvolutionSizes(batch: 2, height: 1, width: 27, inputs: 40, outputs: 33, kernelHeight: 1, kernelWidth: 3),
    ] {
      var numbers = Numbers("real convolution in bfloat16")
      let geometry = sizes.geometry
      let (x, kernel) = (numbers.normal(sizes.x), numbers.normal(sizes.kernel))
      let dy = numbers.normal(geometry.outputShape)
      let (narrowX, narrowKernel) = (x.doubles.map(Reference.bfloat16), kernel.doubles.map(Reference.bfloat16))
      let y = Reference.convolution(
        narrowX, narrowKernel, bias: nil, outputs: sizes.outputs, window: sizes.window)
      let gradients = Reference.convolutionGradients(
        narrowX, narrowKernel, dy: dy.doubles.map(Reference.bfloat16), outputs: sizes.outputs, window: sizes.window)
      let backend = CPUBackend(level: level, allowsWinograd: false)
      expectClose(
        backend.convolution(x, kernel: kernel, bias: nil, geometry: geometry, relu: false, precision: .bfloat16), y,
        tolerance: 2e-6, "\(level) \(sizes)")
      expectClose(
        backend.convolutionInputGradient(dy, kernel: kernel, geometry: geometry, precision: .bfloat16), gradients.x,
        tolerance: 2e-6, "\(level) \(sizes)")
      expectClose(
        backend.convolutionKernelGradient(x, dy: dy, geometry: geometry, precision: .bfloat16), gradients.kernel,
        tolerance: 2e-6, "\(level) \(sizes)")
    }
  }

  /// Fewer images than threads are cut into bands of rows.
  @Test func threadCountsChangeNoBit() async {
    await #expect(processExitsWith: .success) {
      let sizes = ConvolutionSizes(
        batch: 1, height: 23, width: 18, inputs: 3, outputs: 33, kernelHeight: 5, kernelWidth: 5, stride: 2)
      let geometry = sizes.geometry
      var numbers = Numbers("threads in bfloat16")
      let (x, kernel) = (numbers.normal(sizes.x), numbers.normal(sizes.kernel))
      let dy = numbers.normal(geometry.outputShape)
      for level in SIMDLevel.supported {
        let backend = CPUBackend(level: level)
        var results: [[Float]] = []
        for threads in [1, 2, 3, 8] {
          Threads.count = threads
          let y = backend.convolution(
            x, kernel: kernel, bias: nil, geometry: geometry, relu: false, precision: .bfloat16)
          let dx = backend.convolutionInputGradient(dy, kernel: kernel, geometry: geometry, precision: .bfloat16)
          results.append(y.elements() + dx.elements())
        }
        #expect(results.allSatisfy { $0 == results[0] }, "\(level)")
      }
    }
  }
}
