/// A picture that may be wider than the image it becomes, column by column, with the operations of Pillow that the style
/// ``CaptchaStyle/library`` needs.
struct LibraryCanvas {
  /// Red, green, blue and nothing, 128 times as large as in an image, for ``shrink(_:count:weights:)``.
  typealias Pixel = SIMD4<UInt16>

  private static let shift: UInt16 = 7

  private(set) var width: Int
  let height: Int
  /// The columns, each filled up to a multiple of eight pixels.
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
    columnStride = (height + 7) / 8 * 8
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

  /// Pastes ink `index` on a pixel.
  @inline(__always)
  static func paste(_ inks: LibraryInks, _ index: Int, on pixel: UnsafeMutablePointer<Pixel>) {
    pixel.pointee = inks.over(pixel.pointee &>> shift, at: index) &<< shift
  }

  @inline(__always)
  func column(_ x: Int) -> UnsafeMutablePointer<Pixel> { pixels + columnStride * x }

  /// Writes the picture to `canvas`, which is as high, made narrower where it is wider.
  mutating func copy(to canvas: Canvas) {
    if width == canvas.width {
      for x in 0..<width {
        let column = UnsafeRawPointer(column(x))
        for y in stride(from: 0, to: height, by: 2) {
          let pixels = column.load(fromByteOffset: y &* MemoryLayout<Pixel>.stride, as: SIMD8<Int16>.self)
          store(pixels &>> 1, x: x, y: y, on: canvas)
        }
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
      // Rounded by hand, since the standard library calls a function for it.
      let weight = Double(weights[tap].x) * 32768
      tapWeights[tap] = SIMD8(repeating: Int16(max(-32767, min(32767, weight < 0 ? weight - 0.5 : weight + 0.5))))
    }
    // A product of numbers 128 and 32768 times as large, of which the upper half is kept, is 64 times as large. Each is
    // rounded down, half a unit on the average, which the start makes good; 32 more round the sum to the nearest.
    let start = SIMD8(repeating: Int16(truncatingIfNeeded: 32 + count / 2))
    let step = columnStride &* MemoryLayout<Pixel>.stride
    for y in stride(from: 0, to: height, by: 8) {
      var pointer = UnsafeRawPointer(source + y)
      var (first, second, third, fourth) = (start, start, start, start)
      for tap in 0..<count {
        let weight = tapWeights[tap]
        first &+= Self.upperHalf(pointer.load(as: SIMD8<Int16>.self), weight)
        second &+= Self.upperHalf(pointer.load(fromByteOffset: 16, as: SIMD8<Int16>.self), weight)
        third &+= Self.upperHalf(pointer.load(fromByteOffset: 32, as: SIMD8<Int16>.self), weight)
        fourth &+= Self.upperHalf(pointer.load(fromByteOffset: 48, as: SIMD8<Int16>.self), weight)
        pointer += step
      }
      store(first, x: x, y: y, on: canvas)
      store(second, x: x, y: y &+ 2, on: canvas)
      store(third, x: x, y: y &+ 4, on: canvas)
      store(fourth, x: x, y: y &+ 6, on: canvas)
    }
  }

  /// Writes two pixels, one above the other, whose numbers are 64 times as large as in an image. What lies to their right
  /// is destroyed, and must be written afterwards.
  @inline(__always)
  private func store(_ pixels: SIMD8<Int16>, x: Int, y: Int, on canvas: Canvas) {
    let (zero, limit) = (SIMD8<Int16>(repeating: 0), SIMD8<Int16>(repeating: 255))
    var value = pixels &>> 6
    value.replace(with: zero, where: value .< zero)
    value.replace(with: limit, where: value .> limit)
    let bits = unsafeBitCast(SIMD8<UInt8>(truncatingIfNeeded: value), to: UInt64.self)
    if y < height { store(UInt32(truncatingIfNeeded: bits), x: x, y: y, on: canvas) }
    if y &+ 1 < height { store(UInt32(truncatingIfNeeded: bits >> 32), x: x, y: y &+ 1, on: canvas) }
  }

  /// Writes red, green and blue, which are the lower bytes of `colors`.
  @inline(__always)
  private func store(_ colors: UInt32, x: Int, y: Int, on canvas: Canvas) {
    let target = canvas.pixels + 3 &* (y &* canvas.width &+ x)
    if x &+ 1 < canvas.width {
      UnsafeMutableRawPointer(target).storeBytes(of: colors, as: UInt32.self)
    } else {
      target[0] = UInt8(truncatingIfNeeded: colors)
      target[1] = UInt8(truncatingIfNeeded: colors >> 8)
      target[2] = UInt8(truncatingIfNeeded: colors >> 16)
    }
  }

  /// The products of two vectors without their lower 16 bits, one instruction of the processor.
  @inline(__always)
  private static func upperHalf(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD8<Int16> {
    let product = SIMD8<Int32>(truncatingIfNeeded: a) &* SIMD8<Int32>(truncatingIfNeeded: b)
    return SIMD8<Int16>(truncatingIfNeeded: product &>> 16)
  }
}
