import Foundation

/// Mean and standard error of a number over some images.
public struct SampleMean: Sendable, Hashable, Codable {
  /// How many images have the number.
  public let count: Int
  public let mean: Double
  /// `s / √count` with the sample standard deviation `s`; nil for fewer than two images.
  public let standardError: Double?

  private enum CodingKeys: String, CodingKey {
    case count, mean
    case standardError = "standard_error"
  }

  /// Nil for no values.
  public init?(_ values: [Double]) {
    if values.isEmpty { return nil }
    count = values.count
    mean = values.reduce(0, +) / Double(count)
    if count < 2 {
      standardError = nil
    } else {
      let squares = values.reduce(0) { [mean] in $0 + ($1 - mean) * ($1 - mean) }
      standardError = (squares / Double(count - 1) / Double(count)).squareRoot()
    }
  }

  /// How far `other` lies above this mean, in units of the joint standard error `√(s₁²/n₁ + s₂²/n₂)`; nil where that is
  /// not known. Infinite where neither varies and they differ.
  public func difference(to other: SampleMean) -> Double? {
    guard let standardError, let otherError = other.standardError else { return nil }
    if mean == other.mean { return 0 }
    return (other.mean - mean) / (standardError * standardError + otherError * otherError).squareRoot()
  }
}

/// The test of Kolmogorov and Smirnov for whether two samples come from one distribution.
public struct KolmogorovSmirnov: Sendable, Hashable, Codable {
  /// The largest distance between the two empirical distribution functions, 0...1.
  public let distance: Double
  /// About how likely at least this distance is where both samples come from one distribution: the limit for large samples,
  /// `2 Σ (-1)^(k-1) exp(-2 k² λ²)` with `λ = distance · √(n₁ n₂ / (n₁ + n₂))`.
  public let probability: Double

  /// Nil where either sample is empty.
  public init?(_ first: [Double], _ second: [Double]) {
    if first.isEmpty || second.isEmpty { return nil }
    let (first, second) = (first.sorted(), second.sorted())
    var (one, other, largest) = (0, 0, 0.0)
    while one < first.count && other < second.count {
      // Both step over all equal values before they are compared.
      let value = min(first[one], second[other])
      while one < first.count && first[one] == value { one += 1 }
      while other < second.count && second[other] == value { other += 1 }
      largest = max(largest, abs(Double(one) / Double(first.count) - Double(other) / Double(second.count)))
    }
    distance = largest
    let (n1, n2) = (Double(first.count), Double(second.count))
    probability = Self.tail(largest * (n1 * n2 / (n1 + n2)).squareRoot())
  }

  /// The probability of Kolmogorov's distribution above `x`.
  private static func tail(_ x: Double) -> Double {
    // The series converges too slowly there, and the result is 1 within 1e-11.
    if x < 0.2 { return 1 }
    var sum = 0.0
    for term in 1...100 {
      let value = exp(-2 * Double(term * term) * x * x)
      sum += term % 2 == 1 ? value : -value
      if value < 1e-17 { break }
    }
    return min(max(2 * sum, 0), 1)
  }
}
