/// A colour of three 8-bit channels.
struct Color: Equatable {
  var red: UInt8
  var green: UInt8
  var blue: UInt8
}

/// A view of someone's RGB pixels, with the drawing operations of Pillow's ImageDraw that captchas need.
///
/// The operations colour exactly the pixels that Pillow 13 colours, so that images look as those of the original system.
/// Whatever lies outside the canvas is left out.
struct Canvas {
  /// `height × width × 3` bytes, which must outlive the canvas.
  let pixels: UnsafeMutablePointer<UInt8>
  let width: Int
  let height: Int

  init(pixels: UnsafeMutableBufferPointer<UInt8>, width: Int, height: Int) {
    precondition(
      width > 0 && height > 0 && pixels.count == width * height * 3,
      "Canvas: \(width)×\(height)×3 pixels need \(width * height * 3) bytes, not \(pixels.count)")
    self.pixels = pixels.baseAddress!
    self.width = width
    self.height = height
  }

  /// Colours every pixel.
  func fill(_ color: Color) {
    for x in 0..<width { store(color, at: 3 * x) }
    for y in 1..<max(1, height) { (pixels + 3 * width * y).update(from: pixels, count: 3 * width) }
  }

  /// Colours one pixel.
  @inline(__always)
  func point(x: Int, y: Int, color: Color) {
    if x >= 0 && x < width && y >= 0 && y < height { store(color, at: 3 * (y * width + x)) }
  }

  /// Colours the pixels of row `y` from column `first` to column `last`, both included; none where `last < first`.
  @inline(__always)
  func span(y: Int, from first: Int, through last: Int, color: Color) {
    guard y >= 0 && y < height else { return }
    var offset = 3 * (y * width + max(0, first))
    let end = 3 * (y * width + min(width - 1, last))
    while offset <= end {
      store(color, at: offset)
      offset += 3
    }
  }

  /// Writes every pixel's brightness (ITU-R 601-2 luma, rounded as `Image.grayscale()` does) to `target`.
  func copyLuma(to target: UnsafeMutableBufferPointer<UInt8>) {
    precondition(target.count == width * height, "Canvas.copyLuma: needs \(width * height) bytes, not \(target.count)")
    var source = pixels
    for index in 0..<target.count {
      // Red and green share one multiplication, whose upper half is the sum of their products.
      let redGreen = (UInt64(source[0]) | UInt64(source[1]) << 32) &* (38470 | 19595 << 32)
      let sum = UInt32(truncatingIfNeeded: redGreen >> 32) &+ UInt32(source[2]) &* 7471 &+ 0x8000
      target[index] = UInt8(truncatingIfNeeded: sum >> 16)
      source += 3
    }
  }

  @inline(__always)
  func store(_ color: Color, at offset: Int) {
    pixels[offset] = color.red
    pixels[offset + 1] = color.green
    pixels[offset + 2] = color.blue
  }

  /// Mixes `color` into the pixel at `offset`; coverage 0 leaves the pixel, 255 replaces it.
  @inline(__always)
  func blend(_ color: Color, coverage: UInt8, at offset: Int) {
    pixels[offset] = Self.mix(pixels[offset], color.red, coverage)
    pixels[offset + 1] = Self.mix(pixels[offset + 1], color.green, coverage)
    pixels[offset + 2] = Self.mix(pixels[offset + 2], color.blue, coverage)
  }

  /// `(below (255 − coverage) + above coverage) / 255`, rounded, in integers.
  @inline(__always)
  private static func mix(_ below: UInt8, _ above: UInt8, _ coverage: UInt8) -> UInt8 {
    let sum = UInt32(below) * (255 - UInt32(coverage)) + UInt32(above) * UInt32(coverage) + 128
    return UInt8(truncatingIfNeeded: (sum + sum >> 8) >> 8)
  }
}
