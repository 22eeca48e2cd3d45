import Tensor

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Blurs by a Gaussian whose standard deviation is uniform from 0 to `sigma` pixels; the border is repeated outwards.
///
/// The window ends at four standard deviations, as that of `scipy.ndimage.gaussian_filter`.
public struct RandomGaussianBlur: Augmentation {
  /// The largest standard deviation in pixels.
  public let sigma: Float

  public init(sigma: Float = 1) { self.sigma = sigma }

  public func apply(to image: AugmentedImage, using random: inout RandomStream) {
    Self.blur(image, sigma: random.float(in: 0..<sigma))
  }

  static func blur(_ image: AugmentedImage, sigma: Float) {
    let radius = Int(4 * sigma + 0.5)
    if radius == 0 { return }
    let raw = (-radius...radius).map { exp(-0.5 * Double($0 * $0) / Double(sigma * sigma)) }
    let total = raw.reduce(0, +)
    let weights = raw.map { Float($0 / total) }
    let (width, height, channels) = (image.width, image.height, image.channels)
    let row = width * channels
    let (values, scratch) = (image.values.baseAddress!, image.scratch.baseAddress!)

    // Columns: whole rows are added up.
    for y in 0..<height {
      let target = scratch + y * row
      target.update(repeating: 0, count: row)
      for (tap, weight) in weights.enumerated() {
        let source = values + min(max(y + tap - radius, 0), height - 1) * row
        for index in 0..<row { target[index] += weight * source[index] }
      }
    }
    // Rows: each line is extended by its border first, so that the loop over it has no branches.
    withUnsafeTemporaryAllocation(of: Float.self, capacity: row + 2 * radius * channels) { line in
      let line = line.baseAddress!
      for y in 0..<height {
        let (source, target) = (scratch + y * row, values + y * row)
        for step in 0..<radius {
          for channel in 0..<channels {
            line[step * channels + channel] = source[channel]
            line[(radius + width + step) * channels + channel] = source[row - channels + channel]
          }
        }
        (line + radius * channels).update(from: source, count: row)
        target.update(repeating: 0, count: row)
        for (tap, weight) in weights.enumerated() {
          let shifted = line + tap * channels
          for index in 0..<row { target[index] += weight * shifted[index] }
        }
      }
    }
  }
}
