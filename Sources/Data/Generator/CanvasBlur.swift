extension Canvas {
  /// The largest ``blur(radius:scratch:)``: up to here a box of three pixels is enough.
  static let largestBlur: Float = 1.4

  /// The bytes of scratch memory that ``blur(radius:scratch:)`` needs.
  static func blurScratchCount(width: Int) -> Int { 4 * 3 * width }

  /// Blurs as Pillow's `GaussianBlur` does: three passes of an extended box filter, first along the rows and then along
  /// the columns, each pass rounded to 8 bits; the border pixels are repeated outwards.
  ///
  /// Source: Gwosdek, Grewenig, Bruhn, Weickert, "Theoretical foundations of Gaussian convolution by extended box
  /// filtering" (SSVM 2011).
  /// - Parameters:
  ///   - radius: the standard deviation in pixels, more than 0 and at most ``largestBlur``.
  ///   - scratch: ``blurScratchCount(width:)`` bytes.
  func blur(radius: Float, scratch: UnsafeMutableBufferPointer<UInt8>) {
    precondition(
      radius > 0 && radius <= Self.largestBlur,
      "Canvas.blur: the radius must be in 0...\(Self.largestBlur), not \(radius)")
    let row = 3 * width
    precondition(scratch.count >= 4 * row, "Canvas.blur: the scratch memory must hold four rows")
    let kernel = BoxKernel(radius: radius)
    let lines = scratch.baseAddress!

    for y in 0..<height {
      var (source, target) = (pixels + y * row, lines)
      for _ in 0..<3 {
        Self.blurRow(source, to: target, count: row, kernel: kernel)
        (source, target) = (target, target == lines ? lines + row : lines)
      }
      (pixels + y * row).update(from: source, count: row)
    }
    for _ in 0..<3 {
      // The row above has been overwritten when it is needed, so that its old values are kept aside.
      (lines).update(from: pixels, count: row)
      for y in 0..<height {
        let current = pixels + y * row
        let below = y + 1 < height ? current + row : current
        let (above, kept) = y % 2 == 0 ? (lines, lines + row) : (lines + row, lines)
        kept.update(from: current, count: row)
        kernel.apply(previous: above, current: kept, next: y + 1 < height ? below : kept, to: current, count: row)
      }
    }
  }

  private static func blurRow(
    _ source: UnsafeMutablePointer<UInt8>, to target: UnsafeMutablePointer<UInt8>, count: Int, kernel: BoxKernel
  ) {
    if count == 3 { return target.update(from: source, count: count) }
    kernel.apply(previous: source, current: source, next: source + 3, to: target, count: 3)
    kernel.apply(previous: source, current: source + 3, next: source + 6, to: target + 3, count: count - 6)
    let last = count - 3
    kernel.apply(previous: source + last - 3, current: source + last, next: source + last, to: target + last, count: 3)
  }
}

/// A box of one whole pixel and a part of its two neighbours, in units of 2^-24.
private struct BoxKernel {
  let center: UInt32
  let side: UInt32

  init(radius: Float) {
    let variance = radius * radius / 3
    // The length of the box that has this variance, less the whole pixel.
    let part = -3 * variance / (6 * (variance - 1))
    center = UInt32(Float(1 << 24) / (part * 2 + 1))
    side = ((1 << 24) - center) / 2
  }

  @inline(__always)
  func apply(
    previous: UnsafeMutablePointer<UInt8>, current: UnsafeMutablePointer<UInt8>, next: UnsafeMutablePointer<UInt8>,
    to target: UnsafeMutablePointer<UInt8>, count: Int
  ) {
    for index in 0..<count {
      let sides = UInt32(previous[index]) &+ UInt32(next[index])
      let sum = UInt32(current[index]) &* center &+ sides &* side &+ (1 << 23)
      target[index] = UInt8(truncatingIfNeeded: sum >> 24)
    }
  }
}
