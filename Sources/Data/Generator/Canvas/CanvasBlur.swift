extension Canvas {
  /// Up to this radius a box of three pixels is enough, which needs least memory.
  static let largestNarrowBlur: Float = 1.4

  /// The bytes of scratch memory that ``blur(radius:scratch:)`` needs.
  ///
  /// - Parameter radius: the largest that will be asked for.
  static func blurScratchCount(width: Int, height: Int, radius: Float) -> Int {
    let rows = radius <= largestNarrowBlur ? 4 : max(4, height + 2)
    return rows * 3 * width
  }

  /// Blurs as Pillow's `GaussianBlur` does: three passes of an extended box filter, first along the rows and then along
  /// the columns, each pass rounded to 8 bits; the border pixels are repeated outwards.
  ///
  /// Source: Gwosdek, Grewenig, Bruhn, Weickert, "Theoretical foundations of Gaussian convolution by extended box
  /// filtering" (SSVM 2011).
  /// - Parameters:
  ///   - radius: the standard deviation in pixels, more than 0.
  ///   - scratch: ``blurScratchCount(width:height:radius:)`` bytes.
  func blur(radius: Float, scratch: UnsafeMutableBufferPointer<UInt8>) {
    precondition(radius > 0 && radius.isFinite, "Canvas.blur: the radius must be more than 0, not \(radius)")
    let needed = Self.blurScratchCount(width: width, height: height, radius: radius)
    precondition(scratch.count >= needed, "Canvas.blur: needs \(needed) bytes of scratch memory, not \(scratch.count)")
    let kernel = BoxKernel(radius: radius)
    let lines = scratch.baseAddress!
    if radius > Self.largestNarrowBlur { return blurWidely(kernel, scratch: lines) }
    let row = 3 * width

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

/// A box of some whole pixels and a part of the two beyond them, in units of 2^-24.
struct BoxKernel {
  /// How many whole pixels there are on each side of the middle one.
  let reach: Int
  /// What a whole pixel counts.
  let center: UInt32
  /// What the pixels beyond count.
  let side: UInt32

  init(radius: Float) {
    let variance = radius * radius / 3
    // The length of the box that has this variance, in whole pixels and a part of one.
    let length = Float((12 * Double(variance) + 1).squareRoot())
    let whole = ((length - 1) / 2).rounded(.down)
    let part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance) / (6 * (variance - (whole + 1) * (whole + 1)))
    reach = Int(whole)
    center = UInt32(Float(1 << 24) / ((whole + part) * 2 + 1))
    side = ((1 << 24) - UInt32(2 * reach + 1) * center) / 2
  }

  /// One pass over pixels whose neighbours are `previous` and `next`, for a box without a reach.
  @inline(__always)
  fileprivate func apply(
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
