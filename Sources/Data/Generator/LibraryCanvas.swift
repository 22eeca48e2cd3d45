/// A picture that may be wider than the image it becomes, column by column, with the operations of Pillow that the style
/// ``CaptchaStyle/library`` needs.
struct LibraryCanvas {
  /// Red, green, blue and nothing, 128 times as large as in an image, for ``shrink(_:count:weights:)``.
  typealias Pixel = SIMD4<UInt16>

  /// Numbers that are needed for every ink.
  struct Tables {
    /// `255 · 2^24 / opacity` for each opacity, rounded so that the quotients come out right.
    fileprivate let reciprocals = UnsafeMutablePointer<UInt64>.allocate(capacity: 256)
    /// 1.97 times each brightness, rounded down and at most 255.
    fileprivate let masks = UnsafeMutablePointer<UInt32>.allocate(capacity: 256)

    init() {
      // Without opacity there is nothing to divide. For the others, quotients of numbers up to 2^16 are exact.
      reciprocals[0] = 1 << 24
      for opacity in 1...255 { reciprocals[opacity] = 255 * (UInt64(1 << 24) / UInt64(opacity) + 1) }
      for luma in 0..<256 { masks[luma] = UInt32(min(255, luma * 197 / 100)) }
    }

    func deallocate() {
      reciprocals.deallocate()
      masks.deallocate()
    }
  }

  /// What is pasted at one pixel.
  struct Ink {
    /// The colour times the mask, and a half.
    private let color: Pixel
    /// How much is left of what is below, of 255 parts.
    private let rest: UInt16

    /// The package pastes a pixel through its own brightness, 1.97 times as strong, whatever its opacity.
    ///
    /// - Parameters:
    ///   - pixel: red, green and blue times the opacity, and the opacity, from the lowest byte up.
    ///   - tables: what is looked up.
    @inline(__always)
    init(premultiplied pixel: UInt32, _ tables: Tables) {
      let reciprocal = tables.reciprocals[Int(pixel >> 24)]
      let red = Self.divide(pixel & 0xFF, by: reciprocal)
      let green = Self.divide(pixel >> 8 & 0xFF, by: reciprocal)
      let blue = Self.divide(pixel >> 16 & 0xFF, by: reciprocal)
      let luma = (red &* 19595 &+ green &* 38470 &+ blue &* 7471 &+ 0x8000) >> 16
      let mask = tables.masks[Int(luma)]
      color = SIMD4(
        UInt16(truncatingIfNeeded: red &* mask &+ 128), UInt16(truncatingIfNeeded: green &* mask &+ 128),
        UInt16(truncatingIfNeeded: blue &* mask &+ 128), 128)
      rest = UInt16(truncatingIfNeeded: 255 &- mask)
    }

    @inline(__always)
    private static func divide(_ channel: UInt32, by reciprocal: UInt64) -> UInt32 {
      UInt32(truncatingIfNeeded: min(255, (UInt64(channel) &* reciprocal) >> 24))
    }

    /// The mean of the ink and what is below, weighted by the mask, and rounded.
    @inline(__always)
    func over(_ below: Pixel) -> Pixel {
      let sum = (below &>> LibraryCanvas.shift) &* rest &+ color
      return ((sum &+ (sum &>> 8)) &>> 8) &<< LibraryCanvas.shift
    }
  }

  private static let shift: UInt16 = 7

  private(set) var width: Int
  let height: Int
  /// The columns, each filled up to a multiple of four pixels.
  private let pixels: UnsafeMutablePointer<Pixel>
  private let columnStride: Int
  private let widest: Int
  /// How the picture is made as wide as the image.
  private var weights: BicubicWeights
  private let tapWeights: UnsafeMutablePointer<SIMD8<Int16>>

  /// - Parameters:
  ///   - widest: the largest width that ``fill(_:width:)`` may set.
  ///   - width: the width of the image.
  init(widest: Int, width: Int, height: Int) {
    self.widest = widest
    self.width = widest
    self.height = height
    columnStride = (height + 3) / 4 * 4
    pixels = .allocate(capacity: columnStride * widest)
    weights = BicubicWeights(longestSource: widest, targets: width...width)
    tapWeights = .allocate(capacity: BicubicWeights.stride(from: widest, to: width))
  }

  func deallocate() {
    pixels.deallocate()
    weights.deallocate()
    tapWeights.deallocate()
  }

  /// Sets the width and colours every pixel.
  mutating func fill(_ color: Color, width: Int) {
    precondition(width <= widest, "LibraryCanvas: the width must be at most \(widest), not \(width)")
    self.width = width
    let pixel = Pixel(UInt16(color.red), UInt16(color.green), UInt16(color.blue), 0) &<< Self.shift
    pixels.update(repeating: pixel, count: width * columnStride)
  }

  @inline(__always)
  func column(_ x: Int) -> UnsafeMutablePointer<Pixel> { pixels + columnStride * x }

  /// Writes the picture to `canvas`, which is as high, made narrower where it is wider.
  mutating func copy(to canvas: Canvas) {
    if width == canvas.width {
      for x in 0..<width {
        let column = column(x)
        for y in 0..<height { store(column[y] &>> Self.shift, x: x, y: y, on: canvas) }
      }
      return
    }
    weights.set(from: width, to: canvas.width)
    for x in 0..<canvas.width {
      shrink(
        column(Int(weights.firsts[x])), count: Int(weights.counts[x]), weights: weights.weights + x * weights.stride,
        to: x, on: canvas)
    }
  }

  /// Writes column `x` of the image, the weighted sum of `count` columns.
  private func shrink(
    _ source: UnsafeMutablePointer<Pixel>, count: Int, weights: UnsafeMutablePointer<SIMD4<Float>>, to x: Int,
    on canvas: Canvas
  ) {
    for tap in 0..<count {
      tapWeights[tap] = SIMD8(repeating: Int16(max(-32767, min(32767, (weights[tap].x * 32768).rounded()))))
    }
    // A product of numbers 128 and 32768 times as large, of which the upper half is kept, is 64 times as large. Each is
    // rounded down, half a unit on the average, which the start makes good; 32 more round the sum to the nearest.
    let start = SIMD8(repeating: Int16(truncatingIfNeeded: 32 + count / 2))
    let step = columnStride &* MemoryLayout<Pixel>.stride
    for y in stride(from: 0, to: height, by: 4) {
      var pointer = UnsafeRawPointer(source + y)
      var (upper, lower) = (start, start)
      for tap in 0..<count {
        upper &+= Self.upperHalf(pointer.load(as: SIMD8<Int16>.self), tapWeights[tap])
        lower &+= Self.upperHalf(pointer.load(fromByteOffset: 16, as: SIMD8<Int16>.self), tapWeights[tap])
        pointer += step
      }
      store(Self.bytes(upper), x: x, y: y, on: canvas)
      store(Self.bytes(lower), x: x, y: y &+ 2, on: canvas)
    }
  }

  /// Numbers of 8 bits from numbers 64 times as large.
  @inline(__always)
  private static func bytes(_ sum: SIMD8<Int16>) -> SIMD8<UInt16> {
    let value = sum &>> 6
    let positive = value & ~(value &>> 15)
    return unsafeBitCast((positive | ((255 &- positive) &>> 15)) & 255, to: SIMD8<UInt16>.self)
  }

  /// Writes two pixels of 8-bit values, one above the other.
  @inline(__always)
  private func store(_ pixels: SIMD8<UInt16>, x: Int, y: Int, on canvas: Canvas) {
    if y < height { store(pixels.lowHalf, x: x, y: y, on: canvas) }
    if y &+ 1 < height { store(pixels.highHalf, x: x, y: y &+ 1, on: canvas) }
  }

  /// The products of two vectors without their lower 16 bits, one instruction of the processor.
  @inline(__always)
  private static func upperHalf(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD8<Int16> {
    let product = SIMD8<Int32>(truncatingIfNeeded: a) &* SIMD8<Int32>(truncatingIfNeeded: b)
    return SIMD8<Int16>(truncatingIfNeeded: product &>> 16)
  }

  /// Writes a pixel of 8-bit values. The pixel to its right is destroyed, and must be written afterwards.
  @inline(__always)
  private func store(_ pixel: Pixel, x: Int, y: Int, on canvas: Canvas) {
    let bits = unsafeBitCast(pixel, to: UInt64.self)
    let target = canvas.pixels + 3 * (y &* canvas.width &+ x)
    let colors = UInt32(truncatingIfNeeded: (bits | bits >> 8) & 0xFFFF | (bits >> 16) & 0xFF_0000)
    if x + 1 < canvas.width {
      UnsafeMutableRawPointer(target).storeBytes(of: colors, as: UInt32.self)
    } else {
      target[0] = UInt8(truncatingIfNeeded: colors)
      target[1] = UInt8(truncatingIfNeeded: colors >> 8)
      target[2] = UInt8(truncatingIfNeeded: colors >> 16)
    }
  }
}
