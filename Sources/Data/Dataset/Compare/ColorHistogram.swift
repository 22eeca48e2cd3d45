/// How often the values of each channel occur over some images: the mean over the images of their shares of 16 bins.
struct ColorHistogram: Sendable {
  /// The bins of a channel, each of 16 values.
  static let binCount = 16

  private var count = 0
  /// Per channel and bin, the sum of the images' shares and of their squares.
  private var sums = [Double](repeating: 0, count: 3 * binCount)
  private var squares = [Double](repeating: 0, count: 3 * binCount)

  /// The share of each bin of red, green and blue in one image, [3, 16].
  static func shares(_ image: Image) -> [Double] {
    var counts = [Int](repeating: 0, count: 3 * binCount)
    image.rgb().pixels.withUnsafeBufferPointer { pixels in
      for start in stride(from: 0, to: pixels.count, by: 3) {
        for channel in 0..<3 { counts[channel * binCount + Int(pixels[start + channel] >> 4)] += 1 }
      }
    }
    return counts.map { Double($0) / Double(image.width * image.height) }
  }

  mutating func add(_ shares: [Double]) {
    count += 1
    for (index, share) in shares.enumerated() {
      sums[index] += share
      squares[index] += share * share
    }
  }

  mutating func add(_ other: ColorHistogram) {
    count += other.count
    for index in sums.indices {
      sums[index] += other.sums[index]
      squares[index] += other.squares[index]
    }
  }

  /// The total variation distance of each channel, and what chance alone would give on average; nil without images.
  func distances(to other: ColorHistogram) -> [ColorDistance]? {
    guard count > 1 && other.count > 1 else { return nil }
    return zip(["red", "green", "blue"], 0..<3).map { name, channel in
      var (distance, expected) = (0.0, 0.0)
      for index in channel * Self.binCount..<(channel + 1) * Self.binCount {
        distance += abs(mean(index) - other.mean(index)) / 2
        expected += (2 / Double.pi * (squaredError(index) + other.squaredError(index))).squareRoot() / 2
      }
      return ColorDistance(channel: name, distance: distance, expected: expected)
    }
  }

  private func mean(_ index: Int) -> Double { sums[index] / Double(count) }

  /// The square of the standard error of a bin's mean.
  private func squaredError(_ index: Int) -> Double {
    // Rounding may leave a difference of equal numbers below zero.
    max(0, squares[index] - sums[index] * mean(index)) / Double(count - 1) / Double(count)
  }
}

/// How far two folders' colours lie apart in one channel.
public struct ColorDistance: Sendable, Hashable, Codable {
  /// `red`, `green` or `blue`.
  public let channel: String
  /// The total variation distance of the mean histograms of 16 bins: `½ Σ |p - q|`, 0...1.
  public let distance: Double
  /// The mean of that distance if the images of both folders came from one distribution: `½ Σ √(2/π) σ` with the joint
  /// standard error `σ` of each bin.
  public let expected: Double

  /// Whether chance hardly explains the distance: five times what it gives on average, which is four standard errors
  /// where the bins move together.
  public var isSignificant: Bool { distance > 5 * expected }
}
