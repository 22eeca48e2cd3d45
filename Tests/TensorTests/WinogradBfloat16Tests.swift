import Testing

@testable import Tensor

/// Winograd's algorithm with the numbers at its points rounded to bfloat16.
@Suite struct WinogradBfloat16Tests {
  /// Inputs of −1, 0 and 1 and weights that are such multiples of 24² are whole at every point, with at most eight
  /// significant bits: nothing is rounded, and results must be as exact as in float32. So whatever a wrong place would give
  /// is seen.
  @Test(arguments: WinogradTests.special + WinogradTests.mixed)
  func whatNeedsNoRoundingAgreesWithTheDefinition(sizes: ConvolutionSizes) {
    var numbers = Numbers("whole at all points")
    let (geometry, window) = (sizes.geometry, sizes.window)
    let x = numbers.whole(sizes.x, limit: 1)
    let kernel = numbers.whole(sizes.kernel, limit: 1) * 576
    let bias = numbers.whole([sizes.outputs]) * 576
    let dy = numbers.whole(geometry.outputShape, limit: 1)
    let b = bias.doubles
    let y = Reference.convolution(
      x.doubles, kernel.doubles, bias: nil, outputs: sizes.outputs, window: window
    ).enumerated().map { max(0, $1 + b[$0 % sizes.outputs]) }
    let gradients = Reference.convolutionGradients(
      x.doubles, kernel.doubles, dy: dy.doubles, outputs: sizes.outputs, window: window)
    // Sums of few numbers may all be small by accident.
    let tolerance = 1.5e-5
    let deviations = (
      y: 576 * Double(9 * sizes.inputs).squareRoot(), x: 576 * Double(9 * sizes.outputs).squareRoot(),
      kernel: Double(geometry.batch * geometry.outputHeight * geometry.outputWidth).squareRoot()
    )
    for level in SIMDLevel.supported {
      let winograd = Winograd(level, .bfloat16)
      expectClose(
        winograd.forward(x, kernel: kernel, bias: bias, geometry: geometry, relu: true), y,
        shape: geometry.outputShape, tolerance: tolerance, absolute: tolerance * deviations.y, "\(level), \(sizes)")
      expectClose(
        winograd.inputGradient(dy, kernel: kernel, geometry: geometry), gradients.x, shape: sizes.x,
        tolerance: tolerance, absolute: tolerance * deviations.x, "input gradient, \(level), \(sizes)")
      for parts in [1, 2, 3] {
        expectClose(
          winograd.kernelGradient(x, dy: dy, geometry: geometry, parts: parts), gradients.kernel, shape: sizes.kernel,
          tolerance: tolerance, absolute: tolerance * deviations.kernel,
          "kernel gradient in \(parts) parts, \(level), \(sizes)")
      }
    }
  }

  /// The root mean square error beside that of the expected numbers.
  private func error(_ actual: Tensor, _ expected: [Double]) -> Double {
    let squares = zip(actual.doubles, expected).reduce(into: (error: 0.0, size: 0.0)) {
      $0.error += ($1.0 - $1.1) * ($1.0 - $1.1)
      $0.size += $1.1 * $1.1
    }
    return (squares.error / squares.size).squareRoot()
  }

  /// Of normal numbers the results are off by what the rounding gives in a simulation (Benchmarks/narrow_winograd.py: 2.5 %),
  /// at most by five such deviations where the algorithm weighs most.
  @Test(arguments: SIMDLevel.supported)
  func errorsAreThoseOfTheRounding(level: SIMDLevel) {
    for sizes in [
      ConvolutionSizes(batch: 2, height: 16, width: 20, inputs: 64, outputs: 33),
      ConvolutionSizes(batch: 3, height: 7, width: 25, inputs: 33, outputs: 40),
    ] {
      var numbers = Numbers("rounded at the points")
      let geometry = sizes.geometry
      let (x, kernel) = (numbers.normal(sizes.x), numbers.normal(sizes.kernel))
      let dy = numbers.normal(geometry.outputShape)
      let y = Reference.convolution(
        x.doubles, kernel.doubles, bias: nil, outputs: sizes.outputs, window: sizes.window)
      let gradients = Reference.convolutionGradients(
        x.doubles, kernel.doubles, dy: dy.doubles, outputs: sizes.outputs, window: sizes.window)
      let winograd = Winograd(level, .bfloat16)
      let results = [
        (winograd.forward(x, kernel: kernel, bias: nil, geometry: geometry, relu: false), y),
        (winograd.inputGradient(dy, kernel: kernel, geometry: geometry), gradients.x),
        (winograd.kernelGradient(x, dy: dy, geometry: geometry), gradients.kernel),
      ]
      for (index, (actual, expected)) in results.enumerated() {
        #expect((0.015...0.035).contains(error(actual, expected)), "result \(index), \(level), \(sizes)")
        expectClose(actual, expected, tolerance: 0.08, "result \(index), \(level), \(sizes)")
      }
    }
  }

  /// Levels take the same factors, and differ by the order of their sums.
  @Test func levelsAgree() {
    let sizes = ConvolutionSizes(batch: 3, height: 13, width: 18, inputs: 33, outputs: 40)
    let geometry = sizes.geometry
    var numbers = Numbers("levels in bfloat16")
    let (x, kernel) = (numbers.normal(sizes.x), numbers.normal(sizes.kernel))
    let dy = numbers.normal(geometry.outputShape)
    func results(_ level: SIMDLevel) -> [Tensor] {
      let winograd = Winograd(level, .bfloat16)
      return [
        winograd.forward(x, kernel: kernel, bias: nil, geometry: geometry, relu: false),
        winograd.inputGradient(dy, kernel: kernel, geometry: geometry),
        winograd.kernelGradient(x, dy: dy, geometry: geometry),
      ]
    }
    let expected = results(.baseline)
    for level in SIMDLevel.supported {
      // Where float32 sums differ in their last bit, a number at a point may be rounded to the other side.
      for (a, b) in zip(results(level), expected) { #expect(error(a, b.doubles) < 1e-3, "\(level)") }
    }
  }

  /// The same bits whatever is computed with an image, and wherever it is cut.
  @Test(arguments: SIMDLevel.supported)
  func imagesAndBandsDoNotDependOnEachOther(level: SIMDLevel) {
    for sizes in [
      ConvolutionSizes(batch: 7, height: 5, width: 6, inputs: 33, outputs: 17),
      ConvolutionSizes(batch: 5, height: 17, width: 13, inputs: 40, outputs: 64, padding: .valid),
    ] {
      var numbers = Numbers("independent images")
      let (x, kernel, bias) = (numbers.normal(sizes.x), numbers.normal(sizes.kernel), numbers.normal([sizes.outputs]))
      let geometry = sizes.geometry
      let dy = numbers.normal(geometry.outputShape)
      let winograd = Winograd(level, .bfloat16)
      func forward(together: Int? = nil, bands: Int? = nil) -> [Float] {
        winograd.forward(
          x, kernel: kernel, bias: bias, geometry: geometry, relu: true, together: together, bands: bands
        ).elements()
      }
      func inputGradient(together: Int? = nil, bands: Int? = nil) -> [Float] {
        winograd.inputGradient(dy, kernel: kernel, geometry: geometry, together: together, bands: bands).elements()
      }
      let (y, dx) = (forward(), inputGradient())
      for count in [1, 2, 3] {
        #expect(forward(together: count) == y && forward(bands: count) == y, "\(count), \(sizes)")
        #expect(inputGradient(together: count) == dx && inputGradient(bands: count) == dx, "\(count), \(sizes)")
      }
    }
  }

  /// The backend's way through its plan, whatever the number of threads.
  @Test func threadCountsChangeNoBit() async {
    await #expect(processExitsWith: .success) {
      for batch in [1, 2, 7] {
        let sizes = ConvolutionSizes(batch: batch, height: 13, width: 18, inputs: 17, outputs: 33)
        let geometry = sizes.geometry
        var numbers = Numbers("Winograd threads")
        let (x, kernel) = (numbers.normal(sizes.x), numbers.normal(sizes.kernel))
        let dy = numbers.normal(geometry.outputShape)
        let expected = Reference.convolutionGradients(
          x.doubles, kernel.doubles, dy: dy.doubles, outputs: 33, window: sizes.window)
        for level in SIMDLevel.supported {
          let (backend, winograd) = (CPUBackend(level: level), Winograd(level, .bfloat16))
          // Tile registers multiply directly; for them see `DirectBfloat16Tests`.
          let usesWinograd = backend.plan(geometry, .bfloat16).algorithm == .winograd
          #expect(usesWinograd == (level != .amx))
          guard usesWinograd else { continue }
          let y = winograd.forward(x, kernel: kernel, bias: nil, geometry: geometry, relu: true).elements()
          let dx = winograd.inputGradient(dy, kernel: kernel, geometry: geometry).elements()
          for threads in [1, 2, 3, 8] {
            Threads.count = threads
            #expect(
              backend.convolution(
                x, kernel: kernel, bias: nil, geometry: geometry, relu: true, precision: .bfloat16
              ).elements() == y, "\(level), \(threads) threads, \(sizes)")
            #expect(
              backend.convolutionInputGradient(dy, kernel: kernel, geometry: geometry, precision: .bfloat16)
                .elements() == dx, "input gradient, \(level), \(threads) threads, \(sizes)")
            func kernelGradient() -> Tensor {
              backend.convolutionKernelGradient(x, dy: dy, geometry: geometry, precision: .bfloat16)
            }
            let dkernel = kernelGradient()
            expectClose(dkernel, expected.kernel, tolerance: 0.08, "\(level), \(threads) threads, \(sizes)")
            #expect(kernelGradient().elements() == dkernel.elements())
          }
        }
      }
    }
  }

  /// A NaN reaches all outputs whose windows hold it and no other image; in the kernel's gradient it stays in its channel.
  @Test(arguments: SIMDLevel.supported)
  func notANumberIsSeen(level: SIMDLevel) {
    let sizes = ConvolutionSizes(batch: 3, height: 10, width: 13, inputs: 17, outputs: 33)
    let geometry = sizes.geometry
    var numbers = Numbers("NaN in bfloat16")
    let (x, dy, kernel) = (
      numbers.normal(sizes.x), numbers.normal(geometry.outputShape), numbers.normal(sizes.kernel)
    )
    let winograd = Winograd(level, .bfloat16)
    // In the image in the middle; of a tile's pair once the even and once the odd one, by rows and columns.
    for (row, column) in [(0, 0), (4, 6), (9, 12), (5, 4)] {
      for (channel, other) in [(16, 21), (5, 32)] {
        var (badX, badDy) = (x, dy)
        let pixel = 130 + row * 13 + column
        badX.withMutableElements(of: Float.self) { $0[pixel * 17 + channel] = .nan }
        badDy.withMutableElements(of: Float.self) { $0[pixel * 33 + other] = .nan }
        for (result, channels) in [
          (winograd.forward(badX, kernel: kernel, bias: nil, geometry: geometry, relu: true), 33),
          (winograd.inputGradient(badDy, kernel: kernel, geometry: geometry), 17),
        ] {
          for (index, value) in result.elements().enumerated() {
            let place = index / channels
            let (image, i, j) = (place / 130, place / 13 % 10, place % 13)
            if image == 1, abs(i - row) <= 1, abs(j - column) <= 1, !value.isNaN {
              Issue.record("no NaN at (\(i), \(j)), \(level), of one at (\(row), \(column))")
            } else if image != 1, value.isNaN {
              Issue.record("NaN in image \(image), \(level)")
            }
          }
        }
        let byX = winograd.kernelGradient(badX, dy: dy, geometry: geometry, parts: 2).elements()
        let byDy = winograd.kernelGradient(x, dy: badDy, geometry: geometry, parts: 2).elements()
        #expect(byX.enumerated().allSatisfy { $0 / 33 % 17 == channel || !$1.isNaN })
        #expect(byDy.enumerated().allSatisfy { $0 % 33 == other || !$1.isNaN })
        #expect((0..<33).allSatisfy { byX[(4 * 17 + channel) * 33 + $0].isNaN })
        #expect((0..<17).allSatisfy { byDy[(4 * 17 + $0) * 33 + other].isNaN })
      }
    }
  }

  /// On the tape the gradients are of the forward pass's precision, and one kernel serves both precisions.
  @Test func gradientsAreOfTheSamePrecision() {
    let sizes = ConvolutionSizes(batch: 2, height: 9, width: 11, inputs: 17, outputs: 33)
    let geometry = sizes.geometry
    var numbers = Numbers("tape in bfloat16")
    let x = Parameter("x", value: numbers.normal(sizes.x))
    let kernel = Parameter("kernel", value: numbers.normal(sizes.kernel))
    let dy = numbers.normal(geometry.outputShape)
    let backend = CPUBackend()
    for precision in [ArithmeticPrecision.bfloat16, .float32, .bfloat16] {
      let y = x.tensor(tracking: true).convolved(with: kernel.tensor(tracking: true), precision: precision)
      // The same numbers in memory of their own.
      let fresh = Tensor(kernel.value.elements(), shape: sizes.kernel)
      #expect(
        y.elements()
          == backend.convolution(
            x.value, kernel: fresh, bias: nil, geometry: geometry, relu: false, precision: precision
          ).elements())
      let gradients = (y * dy).sum().backward()
      #expect(
        gradients[x]?.elements()
          == backend.convolutionInputGradient(dy, kernel: fresh, geometry: geometry, precision: precision).elements())
      #expect(
        gradients[kernel]?.elements()
          == backend.convolutionKernelGradient(x.value, dy: dy, geometry: geometry, precision: precision).elements())
    }
  }

  /// The block as one operation and composed of its steps.
  @Test(arguments: SIMDLevel.supported)
  func blocksAgreeWithTheirSteps(level: SIMDLevel) {
    let sizes = BlockSizes(
      convolution: ConvolutionSizes(batch: 5, height: 9, width: 11, inputs: 17, outputs: 33),
      pooling: BlockSizes.Pooling(window: 2, stride: 2), relu: .afterNormalization)
    var numbers = Numbers("blocks in bfloat16")
    let inputs = BlockInputs(sizes, isWhole: false, &numbers)
    let plain = sizes.block
    let block = ConvolutionBlock(plain.convolution, relu: plain.relu, pooling: plain.pooling, precision: .bfloat16)
    let fused = CPUBackend(level: level)
    let composed = ComposedBackend(base: fused)
    let (y, record) = fused.convolutionBlock(inputs.x, inputs.weights, block)
    let (expected, expectedRecord) = composed.convolutionBlock(inputs.x, inputs.weights, block)
    // The block keeps bfloat16.
    let kept = record.convolved.converted(to: .float32)
    #expect(kept.doubles == expectedRecord.convolved.doubles.map(Reference.bfloat16))
    #expect(
      kept.doubles
        != fused.convolutionBlock(inputs.x, inputs.weights, plain).record.convolved.doubles.map(Reference.bfloat16))
    #expect(error(y, expected.doubles) < 4e-3)
    let gradients = fused.convolutionBlockGradient(
      inputs.dy, x: inputs.x, inputs.weights, block, record, needsX: true, needsKernel: true)
    let steps = composed.convolutionBlockGradient(
      inputs.dy, x: inputs.x, inputs.weights, block,
      ConvolutionBlockRecord(convolved: kept, winners: nil, mean: record.mean, variance: record.variance), needsX: true,
      needsKernel: true)
    for (a, b) in [(gradients.x, steps.x), (gradients.kernel, steps.kernel)] {
      guard let a, let b else {
        Issue.record("no gradient")
        continue
      }
      // Numbers that differ in their last bit may be rounded to different sides.
      #expect(error(a, b.doubles) < 2e-3)
    }
  }
}
