import Testing

@testable import Tensor

@Suite struct ChannelScalingTests {
  private static let shapes: [Shape] = [[1, 1, 1, 1], [2, 3, 5, 7], [3, 1, 4, 33], [5, 9, 2, 16], [0, 2, 2, 3]]

  private func scaled(_ x: [Double], _ scales: [Double], _ shape: Shape) -> [Double] {
    let (pixels, channels) = (shape[1] * shape[2], shape[3])
    return x.enumerated().map { index, value in
      value * scales[index / (pixels * channels) * channels + index % channels]
    }
  }

  @Test(arguments: SIMDLevel.supported)
  func everyLevelEqualsTheDefinition(level: SIMDLevel) {
    let backend = CPUBackend(level: level)
    var numbers = Numbers("channel scaling")
    for shape in Self.shapes {
      let (images, channels) = (shape[0], shape[3])
      let (x, dy, scales) = (numbers.whole(shape), numbers.whole(shape), numbers.whole([images, channels]))
      expectClose(
        backend.channelsScaled(x, by: scales), scaled(x.doubles, scales.doubles, shape), shape: shape, tolerance: 0,
        "\(shape)")
      let products = zip(dy.doubles, x.doubles).map { $0 * $1 }
      let sums = (0..<images).flatMap { image in
        let size = shape[1] * shape[2] * channels
        return Reference.columnSums(Array(products[image * size..<(image + 1) * size]), channels: channels)
      }
      expectClose(
        backend.channelProducts(dy, x), sums, shape: [images, channels], tolerance: 0, "products \(shape)")
    }
  }

  @Test func gradientsAreDifferences() {
    var numbers = Numbers("gradients of channel scaling")
    let shape: Shape = [2, 3, 2, 4]
    gradientCheck(
      [numbers.normal(shape), numbers.normal([2, 4])], reference: { scaled($0[0], $0[1], shape) },
      { $0[0].channelsScaled(by: $0[1]) })
  }

  @Test func equalsItsComposition() {
    let (fused, composed) = (CPUBackend(), ComposedBackend(base: CPUBackend()))
    var numbers = Numbers("composed channel scaling")
    for shape in Self.shapes {
      let (x, dy, scales) = (numbers.normal(shape), numbers.normal(shape), numbers.normal([shape[0], shape[3]]))
      expectClose(
        fused.channelsScaled(x, by: scales), composed.channelsScaled(x, by: scales).doubles, shape: shape,
        tolerance: 1e-6)
      expectClose(
        fused.channelProducts(dy, x), composed.channelProducts(dy, x).doubles, shape: scales.shape, tolerance: 1e-6)
    }
  }

  @Test func onlyWhatIsTrackedHasAGradient() {
    var numbers = Numbers("gradients of one side")
    let (x, scales) = (numbers.normal([2, 3, 3, 4]), numbers.normal([2, 4]))
    let (tracked, trackedScales) = (Parameter("x", value: x), Parameter("s", value: scales))
    #expect(tracked.tensor(tracking: true).channelsScaled(by: scales).sum().backward().count == 1)
    #expect(x.channelsScaled(by: trackedScales.tensor(tracking: true)).sum().backward().count == 1)
    #expect(!x.channelsScaled(by: scales).isTracked)
  }

  @Test func threadsDoNotChangeABit() async {
    await #expect(processExitsWith: .success) {
      var numbers = Numbers("threads of channel scaling")
      let (x, dy, scales) = (
        numbers.normal([13, 20, 30, 24]), numbers.normal([13, 20, 30, 24]), numbers.normal([13, 24])
      )
      var results: [[Float]] = []
      for threads in [1, 2, 3, 5] {
        Threads.count = threads
        let backend = CPUBackend()
        results.append(
          backend.channelsScaled(x, by: scales).elements() + backend.channelProducts(dy, x).elements())
      }
      #expect(results.allSatisfy { $0 == results[0] })
    }
  }

  @Test func misuseStopsTheProgram() async {
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [2, 3, 3, 4]).channelsScaled(by: Tensor(zeros: [2, 3]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [2, 3, 4]).channelsScaled(by: Tensor(zeros: [2, 4]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 1, 1, 1]).channelsScaled(by: Tensor([UInt8(1)], shape: [1, 1]))
    }
  }
}
