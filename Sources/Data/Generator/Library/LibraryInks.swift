/// What is pasted at the pixels of a ``LibraryCanvas``, for each pixel four parts of 16 bits: red, green and blue times
/// the mask, and a half; and how much is left of what is below, of 255 parts.
///
/// The parts lie in two arrays, since they are computed for four pixels at once.
struct LibraryInks {
  private let redGreen: UnsafeMutablePointer<UInt32>
  private let blueRest: UnsafeMutablePointer<UInt32>

  init(capacity: Int) {
    redGreen = .allocate(capacity: capacity)
    blueRest = .allocate(capacity: capacity)
  }

  func deallocate() {
    redGreen.deallocate()
    blueRest.deallocate()
  }

  /// The mean of ink `index` and what is below, both of 8 bits, weighted by the mask, and rounded.
  @inline(__always)
  func over(_ below: LibraryCanvas.Pixel, at index: Int) -> LibraryCanvas.Pixel {
    let bits = UInt64(redGreen[index]) | UInt64(blueRest[index]) << 32
    let parts = unsafeBitCast(bits, to: SIMD4<UInt16>.self)
    let sum = below &* SIMD4(repeating: parts.w) &+ parts
    return (sum &+ (sum &>> 8)) &>> 8
  }

  /// Stores inks that leave what is below as it is.
  @inline(__always)
  func clear(from index: Int, count: Int) {
    (redGreen + index).update(repeating: 128 | 128 << 16, count: count)
    (blueRest + index).update(repeating: 128 | 255 << 16, count: count)
  }

  /// Stores the inks of pixels, which the package pastes through their own brightness, 1.97 times as strong, whatever
  /// their opacity.
  ///
  /// - Parameters:
  ///   - pixels: red, green and blue times the opacity, and the opacity; whole numbers in 0...255.
  ///   - count: a multiple of four.
  ///   - index: where to store them.
  func store(_ pixels: UnsafePointer<SIMD4<Float>>, count: Int, from index: Int) {
    var channels = UnsafeRawPointer(pixels).assumingMemoryBound(to: Float.self)
    for offset in stride(from: 0, to: count, by: 4) {
      store(channels, from: index &+ offset)
      channels += 16
    }
  }

  /// Stores the inks of four pixels, which are computed at once, one channel after the other.
  @inline(__always)
  private func store(_ channels: UnsafePointer<Float>, from index: Int) {
    @inline(__always)
    func channel(_ index: Int) -> SIMD4<Float> {
      SIMD4(channels[index], channels[index &+ 4], channels[index &+ 8], channels[index &+ 12])
    }
    let opacity = channel(3)
    // Without opacity there is nothing to divide.
    let reciprocal = 255 / (opacity + (1 - opacity).positivePart * 255)
    let red = Self.divided(channel(0), reciprocal)
    let green = Self.divided(channel(1), reciprocal)
    let blue = Self.divided(channel(2), reciprocal)
    // 65536 times the brightness less 128, and a half. Numbers below 2^23 have room for the half, and none with a half
    // lies midway between two multiples of 65536, to which the next line rounds.
    let sum = blue * 7471 - 8388607.5 + green * 38470 + red * 19595
    let luma = (sum + 0x1.8p39) - 0x1.8p39
    // Rounded down. The numbers are whole hundredths, hence none less 0.495 comes near the middle of two whole ones.
    let mask = (luma * (1.97 / 65536) + (128 * 1.97 - 0.495)).limited.roundedToNearest
    let redGreen = Self.pair(red * mask + 128, green * mask + 128)
    let blueRest = Self.pair(blue * mask + 128, 255 - mask)
    UnsafeMutableRawPointer(self.redGreen + index).storeBytes(of: redGreen, as: SIMD4<UInt32>.self)
    UnsafeMutableRawPointer(self.blueRest + index).storeBytes(of: blueRest, as: SIMD4<UInt32>.self)
  }

  /// The quotients of whole numbers, rounded down, at most 255.
  @inline(__always)
  private static func divided(_ channel: SIMD4<Float>, _ reciprocal: SIMD4<Float>) -> SIMD4<Float> {
    // Quotients with a remainder are at least 1/255 below the next whole number, much more than the product's error.
    ((channel * reciprocal).limited - 0.499).roundedToNearest
  }

  /// Two whole numbers below 2^16 in one, the first one in the lower half.
  @inline(__always)
  private static func pair(_ lower: SIMD4<Float>, _ upper: SIMD4<Float>) -> SIMD4<UInt32> {
    // Added to this number, whole numbers are the lowest bits of the sum.
    let (lower, upper) = (lower + 0x1p23, upper + 0x1p23)
    return (unsafeBitCast(lower, to: SIMD4<UInt32>.self) & 0xFFFF)
      | (unsafeBitCast(upper, to: SIMD4<UInt32>.self) &<< 16)
  }
}

extension SIMD4<Float> {
  /// The numbers, or 0 where they are negative; with vectors on both sides, one instruction of the processor.
  @inline(__always)
  fileprivate var positivePart: Self {
    let zero = Self(repeating: 0)
    return replacing(with: zero, where: self .< zero)
  }

  /// The numbers, or 255 where they are larger.
  @inline(__always)
  fileprivate var limited: Self {
    let limit = Self(repeating: 255)
    return replacing(with: limit, where: self .> limit)
  }

  /// The nearest whole numbers, of numbers up to 2^22.
  ///
  /// Adding and taking away a large number leaves no room for a fraction; conversions would be done number by number.
  @inline(__always)
  var roundedToNearest: Self { (self + 0x1.8p23) - 0x1.8p23 }

  /// The nearest whole numbers from 0 to 255.
  @inline(__always)
  var roundedByte: Self { positivePart.limited.roundedToNearest }
}
