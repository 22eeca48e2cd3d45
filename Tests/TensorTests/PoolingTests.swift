import Testing

@testable import Tensor

/// The sizes of one pooling test.
struct PoolingSizes: CustomStringConvertible {
  let x: Shape
  let window: WindowSize, stride: WindowSize
  let padding: Padding

  var geometry: PoolingGeometry { PoolingGeometry(x: x, window: window, stride: stride, padding: padding) }
  var reference: Reference.Window {
    Reference.Window(x: x, window: window, stride: stride, padding: padding)
  }
  var description: String { "x \(x), window \(window), stride \(stride), \(padding)" }

  static let all: [PoolingSizes] = {
    var result: [PoolingSizes] = []
    for (index, channels) in [1, 3, 5, 16, 17, 33, 40].enumerated() {
      for (window, stride): (WindowSize, WindowSize) in [
        (1, 1), (2, 2), (3, 2), (3, 1), (2, 3), (3, 3), (5, 2), (15, 4), (.rows(2), .rows(2)),
        (WindowSize(height: 1, width: 4), WindowSize(height: 2, width: 3)),
      ] {
        for padding in [Padding.same, .valid] {
          for (height, width) in [(1, 1), (2, 11), (7, 13), (8, 6), (15, 16)] {
            if padding == .valid && (height < window.height || width < window.width) { continue }
            result.append(
              PoolingSizes(
                x: [index % 2 == 0 ? 1 : 3, height, width, channels], window: window, stride: stride, padding: padding))
          }
        }
      }
    }
    result.append(PoolingSizes(x: [0, 4, 5, 3], window: 2, stride: 2, padding: .same))
    return result
  }()
}

@Suite struct PoolingTests {
  /// Few different values, so that windows hold equal ones: the first must win.
  @Test(arguments: SIMDLevel.supported)
  func maxPoolEqualsTheDefinition(level: SIMDLevel) {
    var numbers = Numbers("pooling")
    let backend = CPUBackend(level: level)
    for sizes in PoolingSizes.all {
      let x = numbers.whole(sizes.x, limit: 3)
      let (expected, winners) = Reference.maxPool(x.doubles, window: sizes.reference)
      let (y, offsets) = backend.maxPool(x, geometry: sizes.geometry, keepOffsets: true)
      let (alone, none) = backend.maxPool(x, geometry: sizes.geometry, keepOffsets: false)
      expectClose(y, expected, shape: sizes.geometry.outputShape, tolerance: 0, "\(sizes)")
      expectClose(alone, expected, tolerance: 0, "without offsets, \(sizes)")
      #expect(none == nil)

      let dy = numbers.whole(y.shape)
      var dx = [Double](repeating: 0, count: sizes.x.count)
      for (winner, slope) in zip(winners, dy.doubles) { dx[winner] += slope }
      if let offsets {
        expectClose(
          backend.maxPoolGradient(dy, offsets: offsets, geometry: sizes.geometry), dx, shape: sizes.x, tolerance: 0,
          "gradient, \(sizes)")
      } else {
        Issue.record("no offsets for \(sizes)")
      }
    }
  }

  @Test(arguments: [
    PoolingSizes(x: [2, 5, 6, 3], window: 2, stride: 2, padding: .same),
    PoolingSizes(x: [1, 7, 6, 2], window: 3, stride: 2, padding: .same),
    PoolingSizes(x: [1, 6, 7, 2], window: 3, stride: 2, padding: .valid),
    PoolingSizes(x: [1, 5, 5, 1], window: 3, stride: 1, padding: .same),
    PoolingSizes(x: [2, 1, 1, 1], window: 2, stride: 2, padding: .same),
  ])
  func maxPoolGradientsAreDifferences(sizes: PoolingSizes) {
    var numbers = Numbers("gradients of pooling")
    gradientCheck(
      [numbers.distinct(sizes.x)], reference: { Reference.maxPool($0[0], window: sizes.reference).y },
      { $0[0].maxPooled(window: sizes.window, stride: sizes.stride, padding: sizes.padding) })
  }

  @Test func maxPoolIsValidByDefaultAndUntrackedWhereItsInputIs() {
    let x = Tensor((1...9).map(Float.init), shape: [1, 3, 3, 1])
    let y = x.maxPooled(window: 2, stride: 2)
    #expect(y.elements() == [5] && y.shape == [1, 1, 1, 1] && !y.isTracked)
  }

  /// A NaN must not be hidden by a comparison that is false, wherever in the window it is.
  @Test(arguments: SIMDLevel.supported, [true, false])
  func notANumberWins(level: SIMDLevel, keepOffsets: Bool) {
    let sizes = PoolingSizes(x: [1, 3, 3, 17], window: 3, stride: 3, padding: .valid)
    var numbers = Numbers("NaN pooling")
    for position in 0..<9 {
      for others in [numbers.normal(sizes.x), Tensor(repeating: .infinity, shape: sizes.x)] {
        var x = others
        x.withMutableElements(of: Float.self) { $0[position * 17 + 16] = .nan }
        let (y, offsets) = CPUBackend(level: level).maxPool(x, geometry: sizes.geometry, keepOffsets: keepOffsets)
        #expect(y.elements()[16].isNaN)
        #expect(!y.elements()[..<16].contains { $0.isNaN })
        if let offsets { #expect(offsets.elements(of: UInt8.self)[16] == UInt8(position)) }
      }
    }
  }

  @Test(arguments: SIMDLevel.supported)
  func infinitiesPool(level: SIMDLevel) {
    let x = Tensor([-Float.infinity, -.infinity, -.infinity, 3, .infinity, -1, -2, 0], shape: [1, 2, 4, 1])
    let geometry = PoolingGeometry(x: x.shape, window: 2, stride: 2, padding: .same)
    let y = CPUBackend(level: level).maxPool(x, geometry: geometry, keepOffsets: true).y
    #expect(y.elements() == [.infinity, 3])
    let low = Tensor(repeating: -.infinity, shape: [1, 2, 2, 1])
    #expect(low.maxPooled(window: 2, stride: 2).elements() == [-.infinity])
  }

  @Test(arguments: SIMDLevel.supported)
  func spatialMeansEqualTheDefinition(level: SIMDLevel) {
    var numbers = Numbers("spatial means")
    let backend = CPUBackend(level: level)
    for shape: Shape in [
      [1, 1, 1, 1], [3, 1, 1, 5], [2, 7, 11, 33], [1, 13, 25, 3], [3, 2, 2, 257], [0, 2, 3, 4],
    ] {
      let x = numbers.whole(shape)
      let (batch, pixels, channels) = (shape[0], shape[1] * shape[2], shape[3])
      var means = [Double](repeating: 0, count: batch * channels)
      for (index, value) in x.doubles.enumerated() {
        means[index / (pixels * channels) * channels + index % channels] += value / Double(pixels)
      }
      expectClose(backend.spatialMeans(x), means, shape: [batch, channels], tolerance: 1e-6, "\(shape)")
      let dy = numbers.whole([batch, channels])
      let slopes = dy.doubles
      let dx = (0..<shape.count).map { slopes[$0 / (pixels * channels) * channels + $0 % channels] / Double(pixels) }
      expectClose(backend.spatialMeansGradient(dy, shape: shape), dx, shape: shape, tolerance: 1e-6, "\(shape)")
    }
  }

  @Test func globalAveragePoolGradientsAreDifferences() {
    var numbers = Numbers("gradients of averages")
    let means: ([[Double]]) -> [Double] = { inputs in
      var means = [Double](repeating: 0, count: 6)
      for (index, value) in inputs[0].enumerated() { means[index / 18 * 3 + index % 3] += value / 6 }
      return means
    }
    gradientCheck([numbers.normal([2, 3, 2, 3])], reference: means) { $0[0].globalAveragePooled() }
  }
}
