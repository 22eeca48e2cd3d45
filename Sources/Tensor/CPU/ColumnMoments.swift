import CKernels

/// Sums for the mean and variance of each column of a matrix whose rows come piece by piece.
struct ColumnMoments {
  /// Per column a number near the mean, from which distances are summed: that keeps small variances exact.
  ///
  /// Empty until the first rows come, from which it is then taken.
  var pivot: [Float] = []
  private var rows = 0
  private var sums, squares: [Double]

  init(channels: Int) {
    sums = [Double](repeating: 0, count: channels)
    squares = sums
  }

  /// Adds `rows` rows that lie one after the other.
  ///
  /// - Parameter rounded: where floats are written as bfloat16, whose moments are then taken.
  mutating func add(_ x: NumberPointer, rows: Int, rounded: NumberPointer? = nil, _ kernels: UnsafePointerToKernels) {
    let isNarrow = x.isNarrow || rounded != nil
    if pivot.isEmpty {
      pivot = Self.centralElements(x, rows: rows, channels: sums.count)
      // A bfloat16 itself, so that distances from it are exact where numbers are of about its size.
      if isNarrow { pivot = pivot.map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) } }
    }
    self.rows += rows
    if isNarrow {
      kernels.rounded_moments(x.address, rows, sums.count, pivot, &sums, &squares, rounded?.address)
    } else {
      kernels.column_moments(x.floats, rows, sums.count, pivot, &sums, &squares)
    }
  }

  /// Mean and biased variance of all parts together.
  static func combined(_ parts: [ColumnMoments]) -> (mean: [Double], variance: [Double]) {
    let count = Double(parts.reduce(0) { $0 + $1.rows })
    let channels = parts.first?.sums.count ?? 0
    var (means, variances) = ([Double](), [Double]())
    for channel in 0..<channels {
      // About the first part's pivot first, so that nothing is lost where it is large.
      let origin = Double(parts[0].pivot[channel])
      let mean =
        parts.reduce(0.0) { sum, part in
          sum + part.sums[channel] + Double(part.rows) * (Double(part.pivot[channel]) - origin)
        } / count
      // Σ (x − mean)² from the sums about each part's own pivot.
      let squares = parts.reduce(0.0) { sum, part in
        let distance = Double(part.pivot[channel]) - origin - mean
        return sum + part.squares[channel] + distance * (2 * part.sums[channel] + Double(part.rows) * distance)
      }
      means.append(origin + mean)
      // Rounding may make it negative. A NaN stays, which `max` would take for 0.
      variances.append(squares < 0 ? 0 : squares / count)
    }
    return (means, variances)
  }

  /// For each column an element near its mean: of up to 64 rows, spread evenly, the element that is nearest to their
  /// mean.
  ///
  /// The first row would not do. The first pixel of an image, in the padded corner, is often bright where a channel is dark
  /// nearly everywhere, and the square of that distance would drown the variance. An element, rather than the mean itself,
  /// has the data's own precision: distances from it are exact where the data are coarse.
  static func centralElements(_ x: NumberPointer, rows: Int, channels: Int) -> [Float] {
    let step = max(1, rows / 32)
    let sampled = stride(from: step / 2, to: rows, by: step).map { row in
      let elements = Tensor(uninitialized: [channels])
      (x + row * channels).convert(channels, into: NumberPointer(elements))
      return elements.elements()
    }
    var means = [Double](repeating: 0, count: channels)
    for row in sampled {
      for channel in 0..<channels { means[channel] += Double(row[channel]) / Double(sampled.count) }
    }
    var nearest = sampled.first ?? means.map(Float.init)
    for row in sampled {
      for channel in 0..<channels {
        let mean = Float(means[channel])
        if abs(row[channel] - mean) < abs(nearest[channel] - mean) { nearest[channel] = row[channel] }
      }
    }
    return nearest
  }
}
