#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Resizing of images from one size to another by the Lanczos filter with three lobes.
///
/// The weights are computed once and serve any number of images. The arithmetic is Pillow's, to the bit: weights in
/// fixed point, rows first, rounded to 8 bits, then columns.
/// Source: Pillow, `Image.resize(size, Image.LANCZOS)` (`Resample.c`).
public struct LanczosResizer: Sendable {
  /// The size of the images that go in.
  public let sourceWidth: Int, sourceHeight: Int
  /// The size of the images that come out.
  public let width: Int, height: Int

  private let horizontal: Weights
  private let vertical: Weights

  /// Prepares resizing from `sourceWidth` × `sourceHeight` to `width` × `height`.
  public init(sourceWidth: Int, sourceHeight: Int, width: Int, height: Int) {
    precondition(
      sourceWidth > 0 && sourceHeight > 0 && width > 0 && height > 0,
      "LanczosResizer: sizes must be positive, not \(sourceWidth)×\(sourceHeight) → \(width)×\(height)")
    self.sourceWidth = sourceWidth
    self.sourceHeight = sourceHeight
    self.width = width
    self.height = height
    horizontal = Weights(from: sourceWidth, to: width)
    vertical = Weights(from: sourceHeight, to: height)
  }

  /// The image in the new size; an image that has it already comes back unchanged.
  public func resize(_ image: Image) -> Image {
    precondition(
      image.width == sourceWidth && image.height == sourceHeight,
      "LanczosResizer.resize: prepared for \(sourceWidth)×\(sourceHeight), not \(image.width)×\(image.height)")
    var result = image
    if width != sourceWidth { result = resizedRows(result) }
    if height != sourceHeight { result = resizedColumns(result) }
    return result
  }

  private func resizedRows(_ image: Image) -> Image {
    image.pixels.withUnsafeBufferPointer { source in
      horizontal.withPointers { starts, counts, weights, stride in
        Image(width: width, height: image.height, channels: image.channels) { target in
          let channels = image.channels
          for row in 0..<image.height {
            let line = source.baseAddress! + row * image.width * channels
            let output = target.baseAddress! + row * width * channels
            for column in 0..<width {
              let taps = weights + column * stride
              let first = line + starts[column] * channels
              let count = counts[column]
              let result = output + column * channels
              if channels == 3 {
                // All channels in one pass over the pixels.
                var (red, green, blue) = (Weights.half, Weights.half, Weights.half)
                for tap in 0..<count {
                  red &+= Int32(first[3 * tap]) &* taps[tap]
                  green &+= Int32(first[3 * tap + 1]) &* taps[tap]
                  blue &+= Int32(first[3 * tap + 2]) &* taps[tap]
                }
                result[0] = Weights.rounded(red)
                result[1] = Weights.rounded(green)
                result[2] = Weights.rounded(blue)
              } else {
                var sum = Weights.half
                for tap in 0..<count { sum &+= Int32(first[tap]) &* taps[tap] }
                result[0] = Weights.rounded(sum)
              }
            }
          }
        }
      }
    }
  }

  private func resizedColumns(_ image: Image) -> Image {
    image.pixels.withUnsafeBufferPointer { source in
      vertical.withPointers { starts, counts, weights, stride in
        Image(width: image.width, height: height, channels: image.channels) { target in
          let rowCount = image.width * image.channels
          withUnsafeTemporaryAllocation(of: Int32.self, capacity: rowCount) { sums in
            let sums = sums.baseAddress!
            for row in 0..<height {
              sums.initialize(repeating: Weights.half, count: rowCount)
              for tap in 0..<counts[row] {
                let weight = weights[row * stride + tap]
                let line = source.baseAddress! + (starts[row] + tap) * rowCount
                for index in 0..<rowCount { sums[index] &+= Int32(line[index]) &* weight }
              }
              let output = target.baseAddress! + row * rowCount
              for index in 0..<rowCount { output[index] = Weights.rounded(sums[index]) }
            }
          }
        }
      }
    }
  }

  /// For each output position, which input positions it sums and how much of each, in fixed point.
  private struct Weights: Sendable {
    static let precision: Int32 = 32 - 8 - 2
    static let half: Int32 = 1 << (precision - 1)

    var starts: [Int] = []
    var counts: [Int] = []
    var weights: [Int32] = []
    var stride: Int

    init(from inputs: Int, to outputs: Int) {
      let scale = Double(inputs) / Double(outputs)
      // Shrinking widens the filter, so that every input counts.
      let filterScale = max(scale, 1)
      let support = 3 * filterScale
      stride = Int(support.rounded(.up)) * 2 + 1
      weights = [Int32](repeating: 0, count: outputs * stride)
      for output in 0..<outputs {
        let center = (Double(output) + 0.5) * scale
        let start = max(0, Int(center - support + 0.5))
        let end = min(inputs, Int(center + support + 0.5))
        var values = (start..<end).map { Self.lanczos((Double($0) - center + 0.5) * (1 / filterScale)) }
        let total = values.reduce(0, +)
        if total != 0 { for index in values.indices { values[index] /= total } }
        for (index, value) in values.enumerated() {
          let fixed = value * Double(1 << Self.precision)
          weights[output * stride + index] = Int32(fixed < 0 ? fixed - 0.5 : fixed + 0.5)
        }
        starts.append(start)
        counts.append(end - start)
      }
    }

    func withPointers<Result>(
      _ body: (UnsafePointer<Int>, UnsafePointer<Int>, UnsafePointer<Int32>, Int) -> Result
    ) -> Result {
      starts.withUnsafeBufferPointer { starts in
        counts.withUnsafeBufferPointer { counts in
          weights.withUnsafeBufferPointer { weights in
            body(starts.baseAddress!, counts.baseAddress!, weights.baseAddress!, stride)
          }
        }
      }
    }

    @inline(__always)
    static func rounded(_ sum: Int32) -> UInt8 {
      UInt8(truncatingIfNeeded: min(max(sum >> precision, 0), 255))
    }

    private static func lanczos(_ x: Double) -> Double {
      x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0
    }

    private static func sinc(_ x: Double) -> Double {
      if x == 0 { return 1 }
      let angle = x * Double.pi
      return sin(angle) / angle
    }
  }
}

extension Image {
  /// The image in another size by the Lanczos filter; see `LanczosResizer`, which is faster for many images of one size.
  public func resized(width: Int, height: Int) -> Image {
    if width == self.width && height == self.height { return self }
    return LanczosResizer(sourceWidth: self.width, sourceHeight: self.height, width: width, height: height).resize(self)
  }
}
