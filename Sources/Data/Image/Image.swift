/// How many values each pixel of the images of a data set or a model has.
public enum ColorMode: String, Codable, Sendable, CaseIterable {
  /// One value per pixel, its brightness.
  case grayscale
  /// Red, green and blue.
  case rgb

  /// The values per pixel: 1 or 3.
  public var channels: Int { self == .grayscale ? 1 : 3 }
}

/// An 8-bit image of one (grayscale) or three (RGB) channels.
///
/// The pixels lie row by row from the top, each pixel's channels side by side: the value of channel `c` at column `x` of
/// row `y` is `pixels[(y * width + x) * channels + c]`, which is the tensor layout [H,W,C].
public struct Image: Sendable, Equatable {
  /// The columns.
  public let width: Int
  /// The rows.
  public let height: Int
  /// The values per pixel: 1 for grayscale, 3 for RGB.
  public let channels: Int
  /// The values, [height, width, channels], 0 is black.
  public var pixels: [UInt8] {
    didSet { Self.checkCount(pixels.count, width: width, height: height, channels: channels) }
  }

  /// Makes an image of `pixels`, [height, width, channels].
  public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
    Self.checkShape(width: width, height: height, channels: channels)
    Self.checkCount(pixels.count, width: width, height: height, channels: channels)
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
  }

  /// Makes an image all of one colour, given as one value (grayscale) or three (RGB).
  public init(width: Int, height: Int, color: [UInt8]) {
    Self.checkShape(width: width, height: height, channels: color.count)
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * color.count) { buffer, initialized in
      for start in stride(from: 0, to: width * height * color.count, by: color.count) {
        for channel in 0..<color.count { buffer[start + channel] = color[channel] }
      }
      initialized = width * height * color.count
    }
    self.init(width: width, height: height, channels: color.count, pixels: pixels)
  }

  /// Makes an image of `width * height * channels` values that `fill` writes; it must write every one.
  public init(
    width: Int, height: Int, channels: Int, fill: (UnsafeMutableBufferPointer<UInt8>) throws -> Void
  ) rethrows {
    Self.checkShape(width: width, height: height, channels: channels)
    let count = width * height * channels
    self.width = width
    self.height = height
    self.channels = channels
    pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      try fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      initialized = count
    }
  }

  /// Whether the image has one or three channels.
  public var colorMode: ColorMode { channels == 1 ? .grayscale : .rgb }

  /// The image in one channel, each value the pixel's brightness (ITU-R 601-2 luma) as Pillow's `convert("L")` rounds it:
  /// `(19595 R + 38470 G + 7471 B + 32768) >> 16`.
  public func grayscale() -> Image {
    if channels == 1 { return self }
    return pixels.withUnsafeBufferPointer { source in
      Image(width: width, height: height, channels: 1) { target in
        for index in 0..<target.count {
          let (red, green, blue) = (source[3 * index], source[3 * index + 1], source[3 * index + 2])
          target[index] = Self.luma(red, green, blue)
        }
      }
    }
  }

  /// The image in three channels, which are equal where it was grayscale.
  public func rgb() -> Image {
    if channels == 3 { return self }
    return pixels.withUnsafeBufferPointer { source in
      Image(width: width, height: height, channels: 3) { target in
        for index in 0..<source.count {
          for channel in 0..<3 { target[3 * index + channel] = source[index] }
        }
      }
    }
  }

  /// The image in the channels of `mode`.
  public func converted(to mode: ColorMode) -> Image {
    mode == .grayscale ? grayscale() : rgb()
  }

  @inline(__always)
  private static func luma(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
    UInt8(truncatingIfNeeded: (UInt32(red) * 19595 + UInt32(green) * 38470 + UInt32(blue) * 7471 + 0x8000) >> 16)
  }

  private static func checkShape(width: Int, height: Int, channels: Int) {
    precondition(width > 0 && height > 0, "Image: width and height must be positive, not \(width)×\(height)")
    precondition(channels == 1 || channels == 3, "Image: channels must be 1 or 3, not \(channels)")
  }

  private static func checkCount(_ count: Int, width: Int, height: Int, channels: Int) {
    precondition(
      count == width * height * channels,
      "Image: \(width)×\(height)×\(channels) needs \(width * height * channels) values, not \(count)")
  }
}
