/// How a row of pixels is made longer or shorter with the bicubic filter as Pillow's `resize` does: each new pixel is a
/// weighted sum of old ones. The memory is used again.
///
/// Source: Keys, "Cubic convolution interpolation for digital image processing" (1981), with a = -0.5; where the row gets
/// shorter, the filter gets as much wider.
struct BicubicWeights {
  /// The largest numbers of new pixels and of weights in all.
  private let capacity: (targets: Int, weights: Int)
  /// The weights of each new pixel lie this far apart.
  private(set) var stride = 0
  /// The first old pixel of each new one.
  let firsts: UnsafeMutablePointer<Int32>
  /// The number of old pixels of each new one.
  let counts: UnsafeMutablePointer<Int32>
  /// Each weight four times, for the four channels of a pixel.
  let weights: UnsafeMutablePointer<SIMD4<Float>>

  /// - Parameters:
  ///   - longestSource: at most so many old pixels.
  ///   - targets: the range of the number of new pixels.
  init(longestSource: Int, targets: ClosedRange<Int>) {
    let stride = Self.stride(from: longestSource, to: targets.lowerBound)
    capacity = (targets.upperBound, targets.upperBound * stride)
    firsts = .allocate(capacity: capacity.targets)
    counts = .allocate(capacity: capacity.targets)
    weights = .allocate(capacity: capacity.weights)
  }

  func deallocate() {
    firsts.deallocate()
    counts.deallocate()
    weights.deallocate()
  }

  /// How far apart the weights of two new pixels lie: at least as many as a new pixel has.
  static func stride(from source: Int, to target: Int) -> Int {
    2 * Int((2 * max(1, Double(source) / Double(target))).rounded(.up)) + 1
  }

  /// Computes the weights that make `target` pixels of `source` ones.
  mutating func set(from source: Int, to target: Int) {
    stride = Self.stride(from: source, to: target)
    precondition(
      target <= capacity.targets && target * stride <= capacity.weights,
      "BicubicWeights: there is no room for \(source) to \(target) pixels")
    let scale = Double(source) / Double(target)
    let widening = max(1, scale)
    let support = 2 * widening
    let step = 1 / widening
    for index in 0..<target {
      let center = (Double(index) + 0.5) * scale
      let first = max(0, Int(center - support + 0.5))
      let count = min(source, Int(center + support + 0.5)) - first
      let row = weights + index * stride
      firsts[index] = Int32(truncatingIfNeeded: first)
      counts[index] = Int32(truncatingIfNeeded: count)
      if scale <= 1 && count == 4 {
        // The pieces of the filter that four pixels beside each other fall on, whose sum is 1.
        let t = SIMD4(repeating: Float(center - 0.5 - Double(first + 1)))
        let cubic = SIMD4<Float>(-0.5, 1.5, -1.5, 0.5) * t + SIMD4(1, -2.5, 2, -0.5)
        let four = (cubic * t + SIMD4(-0.5, 0, 0.5, 0)) * t + SIMD4(0, 1, 0, 0)
        for tap in 0..<4 { row[tap] = SIMD4(repeating: four[tap]) }
        continue
      }
      var sum: Float = 0
      var distance = (Double(first) - center + 0.5) * step
      for tap in 0..<count {
        let weight = Float(Self.filter(distance.magnitude))
        row[tap] = SIMD4(repeating: weight)
        sum += weight
        distance += step
      }
      let factor = 1 / sum
      for tap in 0..<count { row[tap] *= factor }
    }
  }

  @inline(__always)
  private static func filter(_ x: Double) -> Double {
    if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
    if x < 2 { return (((x - 5) * x + 8) * x - 4) * -0.5 }
    return 0
  }
}
