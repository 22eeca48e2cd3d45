import Testing

@testable import Tensor

/// The sizes of one convolution test.
struct ConvolutionSizes: CustomStringConvertible {
  var batch = 1, height = 1, width = 1, inputs = 1, outputs = 1
  var kernelHeight = 3, kernelWidth = 3, stride = 1
  var padding = Padding.same

  var x: Shape { [batch, height, width, inputs] }
  var kernel: Shape { [kernelHeight, kernelWidth, inputs, outputs] }
  var geometry: ConvolutionGeometry { ConvolutionGeometry(x: x, kernel: kernel, stride: stride, padding: padding) }
  var window: Reference.Window {
    Reference.Window(x: x, window: (kernelHeight, kernelWidth), stride: stride, padding: padding)
  }
  var description: String { "x \(x), kernel \(kernel), stride \(stride), \(padding)" }

  /// Multiplications of one pass, as the direct loop counts them.
  private var work: Int {
    let window = window
    return window.batch * window.outputHeight * window.outputWidth * kernelHeight * kernelWidth * inputs * outputs
  }

  /// Sizes on both sides of every tile and block of the kernels, mixed at random but always the same way.
  static let mixed: [ConvolutionSizes] = {
    var numbers = Numbers("mixed convolution sizes")
    var result: [ConvolutionSizes] = []
    while result.count < 140 {
      let kernel = numbers.element([1, 3, 3, 5, 7])
      let sizes = ConvolutionSizes(
        batch: numbers.element([1, 1, 2, 3, 5]), height: numbers.element([1, 2, 3, 5, 8, 13]),
        width: numbers.element([1, 2, 6, 7, 11, 12, 13, 24, 25, 50]),
        inputs: numbers.element([1, 3, 5, 16, 17, 33, 40]),
        outputs: numbers.element([1, 3, 4, 5, 8, 16, 17, 31, 32, 33, 40, 64]), kernelHeight: kernel,
        kernelWidth: kernel,
        stride: numbers.element([1, 1, 2, 3]), padding: numbers.element([.same, .same, .valid]))
      let fits = sizes.padding == .same || (sizes.height >= kernel && sizes.width >= kernel)
      if fits, sizes.work <= 600_000 { result.append(sizes) }
    }
    return result
  }()

  /// What the mixture may miss.
  static let special: [ConvolutionSizes] = [
    ConvolutionSizes(),
    ConvolutionSizes(kernelHeight: 7, kernelWidth: 7),
    ConvolutionSizes(
      batch: 3, height: 1, width: 1, inputs: 33, outputs: 33, kernelHeight: 1, kernelWidth: 1, stride: 3),
    // Kernels that are not square.
    ConvolutionSizes(height: 5, width: 9, inputs: 3, outputs: 5, kernelHeight: 1, kernelWidth: 3),
    ConvolutionSizes(batch: 2, height: 9, width: 4, inputs: 2, outputs: 17, kernelHeight: 5, kernelWidth: 2, stride: 2),
    ConvolutionSizes(height: 6, width: 7, inputs: 2, outputs: 3, kernelHeight: 2, kernelWidth: 4, padding: .valid),
    // Images of one row, as sequences are.
    ConvolutionSizes(batch: 3, height: 1, width: 50, inputs: 5, outputs: 33, kernelHeight: 1, kernelWidth: 3),
    ConvolutionSizes(
      batch: 2, height: 1, width: 13, inputs: 3, outputs: 4, kernelHeight: 1, kernelWidth: 4, stride: 2, padding: .valid
    ),
    // The kernel covers the whole image.
    ConvolutionSizes(
      batch: 3, height: 5, width: 7, inputs: 3, outputs: 5, kernelHeight: 5, kernelWidth: 7, padding: .valid),
    // Strides wider than the kernel leave pixels out.
    ConvolutionSizes(batch: 2, height: 9, width: 11, inputs: 3, outputs: 4, kernelHeight: 1, kernelWidth: 1, stride: 2),
    ConvolutionSizes(
      height: 10, width: 11, inputs: 3, outputs: 4, kernelHeight: 2, kernelWidth: 2, stride: 5, padding: .valid),
    // The windows end before the image does.
    ConvolutionSizes(height: 8, width: 8, inputs: 2, outputs: 3, stride: 2, padding: .valid),
    ConvolutionSizes(height: 9, width: 10, inputs: 2, outputs: 3, stride: 3, padding: .valid),
    // Rows wider than the weight gradient's band of 256 pixels, and just as wide.
    ConvolutionSizes(height: 2, width: 256, inputs: 1, outputs: 3),
    ConvolutionSizes(height: 3, width: 257, inputs: 2, outputs: 3),
    ConvolutionSizes(batch: 2, height: 3, width: 600, inputs: 1, outputs: 33, stride: 2),
    // Many rows per band, and a rest.
    ConvolutionSizes(height: 131, width: 3, inputs: 2, outputs: 3),
    // No images at all.
    ConvolutionSizes(batch: 0, height: 4, width: 5, inputs: 3, outputs: 4),
  ]
}

extension SIMDLevel {
  /// The levels that this processor runs.
  static var supported: [SIMDLevel] {
    let index = allCases.firstIndex(of: best).map { $0 + 1 } ?? 1
    return Array(allCases[..<index])
  }
}

@Suite struct ConvolutionTests {
  /// Whole numbers: every sum is exact, so that all levels must give exactly the reference's values.
  @Test(arguments: ConvolutionSizes.special + ConvolutionSizes.mixed)
  func everyLevelEqualsTheDefinition(sizes: ConvolutionSizes) {
    var numbers = Numbers("convolution")
    let (x, kernel) = (numbers.whole(sizes.x), numbers.whole(sizes.kernel))
    let bias = numbers.whole([sizes.outputs], limit: 100)
    let geometry = sizes.geometry
    let dy = numbers.whole(geometry.outputShape)

    let window = sizes.window
    let plain = Reference.convolution(x.doubles, kernel.doubles, bias: nil, outputs: sizes.outputs, window: window)
    let biased = Reference.convolution(
      x.doubles, kernel.doubles, bias: bias.doubles, outputs: sizes.outputs, window: window)
    let gradients = Reference.convolutionGradients(
      x.doubles, kernel.doubles, dy: dy.doubles, outputs: sizes.outputs, window: window)
    #expect(geometry.outputShape == [sizes.batch, window.outputHeight, window.outputWidth, sizes.outputs])

    for level in SIMDLevel.supported {
      let backend = CPUBackend(level: level, allowsWinograd: false)
      expectClose(
        backend.convolution(x, kernel: kernel, bias: nil, geometry: geometry, relu: false), plain,
        shape: geometry.outputShape, tolerance: 0, "\(level) \(sizes)")
      expectClose(
        backend.convolution(x, kernel: kernel, bias: bias, geometry: geometry, relu: false), biased, tolerance: 0,
        "bias \(level) \(sizes)")
      expectClose(
        backend.convolution(x, kernel: kernel, bias: bias, geometry: geometry, relu: true), biased.map { max($0, 0) },
        tolerance: 0, "bias and ReLU \(level) \(sizes)")
      expectClose(
        backend.convolutionInputGradient(dy, kernel: kernel, geometry: geometry), gradients.x, shape: sizes.x,
        tolerance: 0, "input gradient \(level) \(sizes)")
      expectClose(
        backend.convolutionKernelGradient(x, dy: dy, geometry: geometry), gradients.kernel, shape: sizes.kernel,
        tolerance: 0, "kernel gradient \(level) \(sizes)")
    }
  }

  @Test(arguments: SIMDLevel.supported)
  func realNumbersAgreeWithinRounding(level: SIMDLevel) {
    let sizes = ConvolutionSizes(batch: 3, height: 13, width: 25, inputs: 33, outputs: 40)
    var numbers = Numbers("real convolution")
    let (x, kernel, bias) = (numbers.normal(sizes.x), numbers.normal(sizes.kernel), numbers.normal([40]))
    let dy = numbers.normal(sizes.geometry.outputShape)
    let backend = CPUBackend(level: level, allowsWinograd: false)
    let y = Reference.convolution(x.doubles, kernel.doubles, bias: bias.doubles, outputs: 40, window: sizes.window)
    let gradients = Reference.convolutionGradients(
      x.doubles, kernel.doubles, dy: dy.doubles, outputs: 40, window: sizes.window)
    let geometry = sizes.geometry
    expectClose(
      backend.convolution(x, kernel: kernel, bias: bias, geometry: geometry, relu: false), y, tolerance: 2e-6)
    expectClose(
      backend.convolutionInputGradient(dy, kernel: kernel, geometry: geometry), gradients.x, tolerance: 2e-6)
    expectClose(backend.convolutionKernelGradient(x, dy: dy, geometry: geometry), gradients.kernel, tolerance: 2e-6)
  }

  @Test(arguments: [
    ConvolutionSizes(batch: 2, height: 3, width: 4, inputs: 2, outputs: 3),
    ConvolutionSizes(height: 4, width: 5, inputs: 3, outputs: 2, stride: 2),
    ConvolutionSizes(batch: 2, height: 5, width: 5, inputs: 1, outputs: 2, stride: 2, padding: .valid),
    ConvolutionSizes(height: 4, width: 4, inputs: 2, outputs: 2, kernelHeight: 1, kernelWidth: 1, stride: 3),
    ConvolutionSizes(height: 2, width: 3, inputs: 1, outputs: 1, kernelHeight: 5, kernelWidth: 5),
  ])
  func gradientsAreDifferences(sizes: ConvolutionSizes) {
    var numbers = Numbers("gradients of a convolution")
    let inputs = [numbers.normal(sizes.x), numbers.normal(sizes.kernel), numbers.normal([sizes.outputs])]
    let (stride, padding) = (sizes.stride, sizes.padding)
    gradientCheck(
      inputs,
      reference: {
        Reference.convolution($0[0], $0[1], bias: $0[2], outputs: sizes.outputs, window: sizes.window)
      },
      { $0[0].convolved(with: $0[1], bias: $0[2], stride: stride, padding: padding) })
    gradientCheck(
      Array(inputs[..<2]),
      reference: { Reference.convolution($0[0], $0[1], bias: nil, outputs: sizes.outputs, window: sizes.window) },
      { $0[0].convolved(with: $0[1], stride: stride, padding: padding) })
    gradientCheck(
      inputs,
      reference: {
        Reference.convolution($0[0], $0[1], bias: $0[2], outputs: sizes.outputs, window: sizes.window).map {
          max($0, 0)
        }
      },
      { $0[0].convolved(with: $0[1], bias: $0[2], stride: stride, padding: padding, relu: true) })
  }

  @Test(arguments: [1, 2, 3], [true, false])
  func fusedReluEqualsReluAfterwards(stride: Int, hasBias: Bool) throws {
    var numbers = Numbers("fused ReLU")
    let x = Parameter("x", value: numbers.normal([3, 13, 25, 5]))
    let kernel = Parameter("kernel", value: numbers.normal([3, 3, 5, 33]))
    let bias = Parameter("bias", value: numbers.normal([33]))
    func result(fused: Bool) -> (y: Tensor, gradients: Gradients) {
      let y = x.tensor(tracking: true).convolved(
        with: kernel.tensor(tracking: true), bias: hasBias ? bias.tensor(tracking: true) : nil, stride: stride,
        relu: fused)
      let rectified = fused ? y : y.relu()
      var weights = Numbers("weights of the fused ReLU")
      return (rectified.detached, (rectified * weights.normal(rectified.shape)).sum().backward())
    }
    let (fused, composed) = (result(fused: true), result(fused: false))
    #expect(fused.y.elements() == composed.y.elements())
    #expect(fused.y.elements().contains(0) && fused.y.elements().contains { $0 > 0 })
    for parameter in hasBias ? [x, kernel, bias] : [x, kernel] {
      #expect(fused.gradients[parameter]?.elements() == composed.gradients[parameter]?.elements())
      #expect(fused.gradients[parameter] != nil)
    }
  }

  @Test func gradientsFlowOnlyToTrackedInputs() {
    var numbers = Numbers("tracked inputs")
    let x = numbers.normal([1, 4, 4, 2])
    let kernel = Parameter("kernel", value: numbers.normal([3, 3, 2, 3]))
    let bias = Parameter("bias", value: numbers.normal([3]))
    for (tracksKernel, tracksBias) in [(true, false), (false, true)] {
      for relu in [true, false] {
        let y = x.convolved(
          with: kernel.tensor(tracking: tracksKernel), bias: bias.tensor(tracking: tracksBias), relu: relu)
        let gradients = y.sum().backward()
        #expect((gradients[kernel] != nil) == tracksKernel)
        #expect((gradients[bias] != nil) == tracksBias)
      }
    }
    #expect(!x.convolved(with: kernel.tensor(tracking: false)).isTracked)
  }

  @Test(arguments: SIMDLevel.supported, [true, false])
  func notANumberStays(level: SIMDLevel, relu: Bool) {
    // A row of 13 pixels and 33 channels: whole tiles, narrow tiles, whole and partial blocks.
    let geometry = ConvolutionGeometry(x: [1, 1, 13, 1], kernel: [1, 1, 1, 33], stride: 1, padding: .same)
    let kernel = Tensor(repeating: 1, shape: [1, 1, 1, 33])
    for pixel in 0..<13 {
      var x = Tensor(zeros: [1, 1, 13, 1])
      x.withMutableElements(of: Float.self) { $0[pixel] = .nan }
      let y = CPUBackend(level: level).convolution(x, kernel: kernel, bias: nil, geometry: geometry, relu: relu)
      let missing = y.elements().enumerated().filter { $0.element.isNaN }.map(\.offset)
      #expect(missing == Array(pixel * 33..<pixel * 33 + 33))
    }
  }
}
