import Tensor

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Adds to every value a number of the normal distribution with mean 0, as Keras's `GaussianNoise`.
///
/// The numbers come from a table of 2,048 equally likely ones, which makes them cheap: none is farther from 0 than 3.5
/// standard deviations.
public struct GaussianNoise: Augmentation {
  /// The standard deviation, for values from 0 to 1.
  public let standardDeviation: Float

  public init(standardDeviation: Float = 0.05) { self.standardDeviation = standardDeviation }

  public func apply(to image: AugmentedImage, using random: inout RandomStream) {
    let values = image.values
    Self.quantiles.withUnsafeBufferPointer { quantiles in
      var index = 0
      while index + 1 < values.count {
        // One random word for two values.
        let word = random.nextWord()
        values[index] += standardDeviation * quantiles[Int(word & 2047)]
        values[index + 1] += standardDeviation * quantiles[Int(word >> 21)]
        index += 2
      }
      if index < values.count { values[index] += standardDeviation * quantiles[Int(random.nextWord() & 2047)] }
    }
  }

  /// The middles of 2,048 equally likely parts of the standard normal distribution, scaled so that their variance is 1.
  static let quantiles: [Float] = {
    let count = 2048
    let middles = (0..<count).map { normalQuantile((Double($0) + 0.5) / Double(count)) }
    let deviation = (middles.reduce(0) { $0 + $1 * $1 } / Double(count)).squareRoot()
    return middles.map { Float($0 / deviation) }
  }()

  /// The number below which a standard normal number lies with this probability, by bisection of the error function.
  private static func normalQuantile(_ probability: Double) -> Double {
    var (low, high) = (-10.0, 10.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if erfc(-middle / 2.0.squareRoot()) / 2 < probability { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
