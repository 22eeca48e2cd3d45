import Testing

@testable import Tensor

@Suite struct WinogradTests {
  /// What float32 reaches with the points 0, ±1, ±2, ∞, relative to the largest result: up to 1.1e-5 in these tests.
  private static let tolerance = 1.5e-5

  /// Sizes on both sides of every tile and block, mixed at random but always the same way.
  static let mixed: [ConvolutionSizes] = {
    var numbers = Numbers("mixed Winograd sizes")
    let channels = [1, 3, 15, 16, 17, 31, 33, 40, 64, 130]
    var result: [ConvolutionSizes] = []
    while result.count < 90 {
      let sizes = ConvolutionSizes(
        batch: numbers.element([1, 1, 3, 7]), height: numbers.element([1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 17]),
        width: numbers.element([1, 2, 3, 4, 5, 7, 8, 10, 11, 21, 50]), inputs: numbers.element(channels),
        outputs: numbers.element(channels), padding: numbers.element([.same, .same, .valid]))
      let fits = sizes.padding == .same || (sizes.height >= 3 && sizes.width >= 3)
      if fits, sizes.batch * sizes.height * sizes.width * 9 * sizes.inputs * sizes.outputs <= 6_000_000 {
        result.append(sizes)
      }
    }
    return result
  }()

  /// What the mixture may miss.
  static let special: [ConvolutionSizes] = [
    ConvolutionSizes(),
    ConvolutionSizes(batch: 7, inputs: 130, outputs: 130),
    ConvolutionSizes(batch: 0, height: 5, width: 6, inputs: 16, outputs: 17),
    // One row, one column.
    ConvolutionSizes(batch: 3, height: 1, width: 50, inputs: 17, outputs: 33),
    ConvolutionSizes(batch: 3, height: 50, width: 1, inputs: 33, outputs: 17),
    // One output pixel of a valid convolution, one row and one column.
    ConvolutionSizes(batch: 3, height: 3, width: 3, inputs: 40, outputs: 31, padding: .valid),
    ConvolutionSizes(batch: 3, height: 3, width: 19, inputs: 15, outputs: 16, padding: .valid),
    ConvolutionSizes(batch: 3, height: 19, width: 3, inputs: 16, outputs: 15, padding: .valid),
    // Whole tiles; one pixel less, one more.
    ConvolutionSizes(batch: 1, height: 8, width: 12, inputs: 64, outputs: 64),
    ConvolutionSizes(batch: 1, height: 7, width: 11, inputs: 64, outputs: 64),
    ConvolutionSizes(batch: 1, height: 9, width: 13, inputs: 64, outputs: 64),
    // Many blocks of tiles, which end within images.
    ConvolutionSizes(batch: 7, height: 21, width: 37, inputs: 3, outputs: 31),
    ConvolutionSizes(batch: 3, height: 30, width: 50, inputs: 17, outputs: 16),
    ConvolutionSizes(batch: 7, height: 10, width: 10, inputs: 130, outputs: 33),
  ]

  @Test(arguments: special + mixed)
  func everySizeAgreesWithTheDefinition(sizes: ConvolutionSizes) {
    var numbers = Numbers("Winograd")
    let (geometry, window) = (sizes.geometry, sizes.window)
    let (x, kernel, bias) = (numbers.normal(sizes.x), numbers.normal(sizes.kernel), numbers.normal([sizes.outputs]))
    let dy = numbers.normal(geometry.outputShape)
    let plain = Reference.convolution(x.doubles, kernel.doubles, bias: nil, outputs: sizes.outputs, window: window)
    let b = bias.doubles
    let biased = plain.enumerated().map { $1 + b[$0 % sizes.outputs] }
    let gradients = Reference.convolutionGradients(
      x.doubles, kernel.doubles, dy: dy.doubles, outputs: sizes.outputs, window: window)
    // Where results are few, the largest may be small by accident: smaller than a sum of such products usually is.
    let deviation = Double(9 * sizes.inputs).squareRoot()
    let dxDeviation = Double(9 * sizes.outputs).squareRoot()
    let kernelDeviation = Double(geometry.batch * geometry.outputHeight * geometry.outputWidth).squareRoot()

    for level in SIMDLevel.supported {
      let winograd = Winograd(level)
      func expect(_ actual: Tensor, _ expected: [Double], deviation: Double, shape: Shape, _ what: String) {
        expectClose(
          actual, expected, shape: shape, tolerance: Self.tolerance, absolute: Self.tolerance * deviation,
          "\(what), \(level), \(sizes)")
      }
      expect(
        winograd.forward(x, kernel: kernel, bias: nil, geometry: geometry, relu: false), plain, deviation: deviation,
        shape: geometry.outputShape, "plain")
      expect(
        winograd.forward(x, kernel: kernel, bias: bias, geometry: geometry, relu: false), biased,
        deviation: deviation, shape: geometry.outputShape, "bias")
      expect(
        winograd.forward(x, kernel: kernel, bias: bias, geometry: geometry, relu: true), biased.map { max($0, 0) },
        deviation: deviation, shape: geometry.outputShape, "bias and ReLU")
      expect(
        winograd.inputGradient(dy, kernel: kernel, geometry: geometry), gradients.x, deviation: dxDeviation,
        shape: sizes.x, "input gradient")
      for parts in [1, 2, 3] {
        expect(
          winograd.kernelGradient(x, dy: dy, geometry: geometry, parts: parts), gradients.kernel,
          deviation: kernelDeviation, shape: sizes.kernel, "kernel gradient in \(parts) parts")
      }
    }
  }

  private static let shared: [ConvolutionSizes] = [
    ConvolutionSizes(batch: 7, height: 1, width: 1, inputs: 16, outputs: 33),
    ConvolutionSizes(batch: 7, height: 5, width: 6, inputs: 33, outputs: 17),
    ConvolutionSizes(batch: 7, height: 17, width: 13, inputs: 40, outputs: 64),
    ConvolutionSizes(batch: 3, height: 26, width: 31, inputs: 3, outputs: 130, padding: .valid),
  ]

  /// The same bits whatever is computed with an image, and wherever it is cut.
  @Test(arguments: SIMDLevel.supported, shared)
  func imagesAndBandsDoNotDependOnEachOther(level: SIMDLevel, sizes: ConvolutionSizes) {
    var numbers = Numbers("independent images")
    let (x, kernel, bias) = (numbers.normal(sizes.x), numbers.normal(sizes.kernel), numbers.normal([sizes.outputs]))
    let geometry = sizes.geometry
    let dy = numbers.normal(geometry.outputShape)
    let winograd = Winograd(level)
    let y = winograd.forward(x, kernel: kernel, bias: bias, geometry: geometry, relu: true).elements()
    let dx = winograd.inputGradient(dy, kernel: kernel, geometry: geometry).elements()
    for together in [1, 2, 3, 5] {
      #expect(
        winograd.forward(x, kernel: kernel, bias: bias, geometry: geometry, relu: true, together: together).elements()
          == y, "\(together) together")
      #expect(
        winograd.inputGradient(dy, kernel: kernel, geometry: geometry, together: together).elements() == dx,
        "gradient, \(together) together")
    }
    for bands in [1, 2, 3] {
      #expect(
        winograd.forward(x, kernel: kernel, bias: bias, geometry: geometry, relu: true, bands: bands).elements() == y,
        "bands of \(bands)")
      #expect(
        winograd.inputGradient(dy, kernel: kernel, geometry: geometry, bands: bands).elements() == dx,
        "gradient, bands of \(bands)")
    }
  }

  /// The backend's way through its plan: any thread count gives the bits of one thread computing all images together.
  @Test func threadCountsChangeNoBit() async {
    await #expect(processExitsWith: .success) {
      for batch in [0, 1, 2, 3, 7] {
        for padding in [Padding.same, .valid] {
          let sizes = ConvolutionSizes(batch: batch, height: 13, width: 18, inputs: 17, outputs: 33, padding: padding)
          let geometry = sizes.geometry
          var numbers = Numbers("Winograd threads")
          let (x, kernel, bias) = (numbers.normal(sizes.x), numbers.normal(sizes.kernel), numbers.normal([33]))
          let dy = numbers.normal(geometry.outputShape)
          let expected = Reference.convolutionGradients(
            x.doubles, kernel.doubles, dy: dy.doubles, outputs: 33, window: sizes.window)
          for level in SIMDLevel.supported {
            let (backend, winograd) = (CPUBackend(level: level), Winograd(level))
            #expect(backend.plan(geometry).algorithm == .winograd)
            let y = winograd.forward(x, kernel: kernel, bias: bias, geometry: geometry, relu: true).elements()
            let dx = winograd.inputGradient(dy, kernel: kernel, geometry: geometry).elements()
            for threads in [1, 2, 3, 8] {
              Threads.count = threads
              #expect(
                backend.convolution(x, kernel: kernel, bias: bias, geometry: geometry, relu: true).elements() == y,
                "\(level), \(threads) threads, \(sizes)")
              #expect(
                backend.convolutionInputGradient(dy, kernel: kernel, geometry: geometry).elements() == dx,
                "input gradient, \(level), \(threads) threads, \(sizes)")
              let dkernel = backend.convolutionKernelGradient(x, dy: dy, geometry: geometry)
              expectClose(
                dkernel, expected.kernel, shape: sizes.kernel, tolerance: WinogradTests.tolerance,
                "kernel gradient, \(level), \(threads) threads, \(sizes)")
              // The sum is cut by threads, but always at the same places.
              #expect(
                backend.convolutionKernelGradient(x, dy: dy, geometry: geometry).elements() == dkernel.elements())
            }
          }
        }
      }
    }
  }

  /// A NaN reaches all outputs whose windows hold it, at most the outputs of the tiles that read it, and no other image.
  @Test(arguments: SIMDLevel.supported, [true, false])
  func notANumberStaysInItsTiles(level: SIMDLevel, relu: Bool) {
    let sizes = ConvolutionSizes(batch: 3, height: 10, width: 13, inputs: 17, outputs: 33)
    let geometry = sizes.geometry
    var numbers = Numbers("NaN by Winograd")
    let (x, dy, kernel) = (
      numbers.normal(sizes.x), numbers.normal(geometry.outputShape), numbers.normal(sizes.kernel)
    )
    func spoil(_ tensor: Tensor, _ row: Int, _ column: Int) -> Tensor {
      var spoiled = tensor
      let index = ((10 + row) * 13 + column) * tensor.shape[3] + 16
      spoiled.withMutableElements(of: Float.self) { $0[index] = .nan }
      return spoiled
    }
    func check(_ result: Tensor, _ row: Int, _ column: Int, _ what: String) {
      let channels = result.shape[3]
      for (index, value) in result.elements().enumerated() {
        let pixel = index / channels
        let (image, i, j) = (pixel / 130, pixel / 13 % 10, pixel % 13)
        let isReached = image == 1 && abs(i - row) <= 1 && abs(j - column) <= 1
        let tile = (top: i / 4 * 4 - 1, left: j / 4 * 4 - 1)
        let isRead =
          image == 1 && (tile.top..<tile.top + 6).contains(row) && (tile.left..<tile.left + 6).contains(column)
        if isReached ? value.isNaN : isRead || !value.isNaN { continue }
        Issue.record("\(what), NaN at (\(row), \(column)): \(value) at (\(i), \(j)) of image \(image)")
        return
      }
    }
    let winograd = Winograd(level)
    for row in 0..<10 {
      for column in 0..<13 {
        let y = winograd.forward(
          spoil(x, row, column), kernel: kernel, bias: nil, geometry: geometry, relu: relu)
        check(y, row, column, "forward")
        if relu { continue }
        let dx = winograd.inputGradient(spoil(dy, row, column), kernel: kernel, geometry: geometry)
        check(dx, row, column, "input gradient")
      }
    }
  }

  /// In the kernel's gradient a NaN stays in the channel that it came from, and is seen there.
  @Test(arguments: SIMDLevel.supported)
  func notANumberStaysInItsChannel(level: SIMDLevel) {
    let sizes = ConvolutionSizes(batch: 3, height: 10, width: 13, inputs: 17, outputs: 33)
    var numbers = Numbers("NaN in a gradient")
    let (x, dy) = (numbers.normal(sizes.x), numbers.normal(sizes.geometry.outputShape))
    for pixel in [0, 130, 131, 200, 389] {
      var (badX, badDy) = (x, dy)
      badX.withMutableElements(of: Float.self) { $0[pixel * 17 + 5] = .nan }
      badDy.withMutableElements(of: Float.self) { $0[pixel * 33 + 21] = .nan }
      let byX = Winograd(level).kernelGradient(badX, dy: dy, geometry: sizes.geometry, parts: 2).elements()
      let byDy = Winograd(level).kernelGradient(x, dy: badDy, geometry: sizes.geometry, parts: 2).elements()
      #expect(byX.enumerated().allSatisfy { $0 / 33 % 17 == 5 || !$1.isNaN })
      #expect(byDy.enumerated().allSatisfy { $0 % 33 == 21 || !$1.isNaN })
      // The kernel's centre meets every pixel.
      for channel in 0..<33 { #expect(byX[(4 * 17 + 5) * 33 + channel].isNaN) }
      for channel in 0..<17 { #expect(byDy[(4 * 17 + channel) * 33 + 21].isNaN) }
    }
  }

  @Test func thePlanTakesWinogradWhereItPays() {
    func algorithm(_ sizes: ConvolutionSizes, allowsWinograd: Bool = true) -> ConvolutionPlan.Algorithm {
      CPUBackend(allowsWinograd: allowsWinograd).plan(sizes.geometry).algorithm
    }
    let good = ConvolutionSizes(batch: 2, height: 16, width: 20, inputs: 32, outputs: 32)
    func changed(_ change: (inout ConvolutionSizes) -> Void) -> ConvolutionPlan.Algorithm {
      var sizes = good
      change(&sizes)
      return algorithm(sizes)
    }
    #expect(algorithm(good) == .winograd)
    #expect(algorithm(good, allowsWinograd: false) == .direct)
    #expect(changed { $0.padding = .valid } == .winograd)
    #expect(changed { ($0.inputs, $0.outputs) = (16, 16) } == .winograd)
    #expect(changed { ($0.height, $0.width) = (3, 3) } == .winograd)
    #expect(changed { $0.batch = 0 } == .winograd)
    #expect(changed { $0.stride = 2 } == .direct)
    #expect(changed { $0.stride = 3 } == .direct)
    for size in [1, 2, 4, 5, 7] { #expect(changed { ($0.kernelHeight, $0.kernelWidth) = (size, size) } == .direct) }
    #expect(changed { $0.kernelWidth = 1 } == .direct)
    #expect(changed { $0.kernelHeight = 5 } == .direct)
    #expect(changed { $0.inputs = 15 } == .direct)
    #expect(changed { $0.inputs = 3 } == .direct)
    #expect(changed { $0.outputs = 15 } == .direct)
    // Most of the tiles' pixels would be none.
    #expect(changed { ($0.height, $0.width) = (1, 1) } == .direct)
    #expect(changed { ($0.height, $0.width) = (2, 2) } == .direct)
    #expect(changed { $0.height = 1 } == .direct)
    #expect(changed { $0.width = 1 } == .direct)
  }

  /// Both algorithms of one backend give the same within rounding, forwards and backwards, where the plan chooses.
  @Test(arguments: SIMDLevel.supported)
  func algorithmsAgree(level: SIMDLevel) {
    let sizes = ConvolutionSizes(batch: 2, height: 11, width: 14, inputs: 33, outputs: 40)
    var numbers = Numbers("two algorithms")
    let (x, kernel, bias) = (numbers.normal(sizes.x), numbers.normal(sizes.kernel), numbers.normal([40]))
    let geometry = sizes.geometry
    let dy = numbers.normal(geometry.outputShape)
    let (direct, fast) = (CPUBackend(level: level, allowsWinograd: false), CPUBackend(level: level))
    #expect(direct.plan(geometry).algorithm == .direct && fast.plan(geometry).algorithm == .winograd)
    expectClose(
      fast.convolution(x, kernel: kernel, bias: bias, geometry: geometry, relu: true),
      direct.convolution(x, kernel: kernel, bias: bias, geometry: geometry, relu: true).doubles,
      tolerance: Self.tolerance)
    expectClose(
      fast.convolutionInputGradient(dy, kernel: kernel, geometry: geometry),
      direct.convolutionInputGradient(dy, kernel: kernel, geometry: geometry).doubles, tolerance: Self.tolerance)
    expectClose(
      fast.convolutionKernelGradient(x, dy: dy, geometry: geometry),
      direct.convolutionKernelGradient(x, dy: dy, geometry: geometry).doubles, tolerance: Self.tolerance)
  }
}
