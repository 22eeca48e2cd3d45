/// How the finite values of a tensor are distributed: buckets of equal width from the smallest to the largest.
struct WeightHistogram {
  /// As many as TensorBoard itself uses.
  static let bucketCount = 30

  /// The smallest and the largest finite value; 0 where there is none.
  private(set) var minimum = 0.0
  private(set) var maximum = 0.0
  private(set) var sum = 0.0
  private(set) var sumOfSquares = 0.0
  private(set) var finiteCount = 0
  /// How many values are NaN or infinite; nothing else tells of them.
  private(set) var nonFiniteCount = 0
  /// The right edge of each bucket. A bucket holds its left edge and not its right one, except for the last.
  ///
  /// Equal values make one bucket without width, and no values none.
  private(set) var limits: [Double] = []
  /// The values in each bucket.
  private(set) var counts: [Int] = []

  init(_ values: UnsafeBufferPointer<Float>) {
    measure(values)
    guard finiteCount > 0 else { return }
    guard minimum < maximum else {
      limits = [maximum]
      counts = [finiteCount]
      return
    }
    let width = (maximum - minimum) / Double(Self.bucketCount)
    limits = (1..<Self.bucketCount).map { minimum + Double($0) * width } + [maximum]
    counts = count(values)
  }

  private mutating func measure(_ values: UnsafeBufferPointer<Float>) {
    var (smallest, largest) = (Float.infinity, -Float.infinity)
    for value in values where value.isFinite {
      smallest = value < smallest ? value : smallest
      largest = value > largest ? value : largest
      finiteCount += 1
      let value = Double(value)
      sum += value
      sumOfSquares += value * value
    }
    nonFiniteCount = values.count - finiteCount
    if finiteCount > 0 { (minimum, maximum) = (Double(smallest), Double(largest)) }
  }

  private func count(_ values: UnsafeBufferPointer<Float>) -> [Int] {
    let last = Self.bucketCount - 1
    let scale = Double(Self.bucketCount) / (maximum - minimum)
    let lefts = [minimum] + limits.dropLast()
    var counts = [Int](repeating: 0, count: Self.bucketCount)
    lefts.withUnsafeBufferPointer { lefts in
      counts.withUnsafeMutableBufferPointer { counts in
        for value in values where value.isFinite {
          let value = Double(value)
          var bucket = min(Int((value - minimum) * scale), last)
          // Rounding may miss an edge by one bucket.
          if value < lefts[bucket] {
            bucket -= 1
          } else if bucket < last, value >= lefts[bucket + 1] {
            bucket += 1
          }
          counts[bucket] += 1
        }
      }
    }
    return counts
  }
}
