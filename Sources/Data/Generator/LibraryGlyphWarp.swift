/// Turns glyphs as the Python package `captcha` does with Pillow: rotated with bilinear interpolation, resized with the
/// bicubic filter, and warped; the memory of one thread, which all glyphs use in turn.
///
/// Pillow rounds to 8 bits after each step and multiplies the colour by the opacity and divides again around each, which
/// shows at the borders of the ink. Hence the four channels go through all steps together.
struct LibraryGlyphWarp {
  typealias Pixel = SIMD4<Float>

  /// The color of a pixel with every coverage, multiplied by its opacity; red, green, blue and opacity.
  private let palette: UnsafeMutablePointer<Pixel>
  /// A pixel of the rotated glyph that is all ink.
  private var full = Pixel.zero
  private let tables = LibraryCanvas.Tables()
  /// The rotated glyph and the same made as wide as its box needs, column by column.
  private let rotated: UnsafeMutablePointer<Pixel>
  private let resized: UnsafeMutablePointer<Pixel>
  /// The rows of each column that may hold ink.
  private let rotatedRows: UnsafeMutablePointer<Range<Int>>
  private let resizedRows: UnsafeMutablePointer<Range<Int>>
  /// Begins each sum of the resizing, so that halves are rounded up, as Pillow does.
  private static var half: Pixel { Pixel(repeating: 0x1p-14) }
  private var horizontal: BicubicWeights
  private var vertical: BicubicWeights
  private var width = 0
  private var height = 0

  init(glyphs: LibraryGlyphs, recipe: LibraryRecipe) {
    // Of a rotated rectangle, whatever the angle; the rounding outwards adds up to two pixels.
    let longest = glyphs.largestDiagonal + 3
    // A warp moves two corners by at most this share of the box each.
    let reachX = recipe.warpX.upperBound - recipe.warpX.lowerBound
    let reachY = recipe.warpY.upperBound - recipe.warpY.lowerBound
    let widest = Int(Double(glyphs.largestBoxWidth) * (1 + 2 * reachX)) + 3
    let highest = Int(Double(glyphs.largestBoxHeight) * (1 + 2 * reachY)) + 3
    palette = .allocate(capacity: 256)
    rotated = .allocate(capacity: longest * longest)
    rotatedRows = .allocate(capacity: longest)
    resized = .allocate(capacity: widest * longest)
    resizedRows = .allocate(capacity: widest)
    horizontal = BicubicWeights(longestSource: longest, targets: 1...widest)
    vertical = BicubicWeights(longestSource: longest, targets: 1...highest)
  }

  func deallocate() {
    palette.deallocate()
    tables.deallocate()
    rotated.deallocate()
    rotatedRows.deallocate()
    resized.deallocate()
    resizedRows.deallocate()
    horizontal.deallocate()
    vertical.deallocate()
  }

  /// Sets the colour of the glyphs that follow.
  mutating func setColor(_ color: Color, opacity: UInt8) {
    let ink = Pixel(Float(color.red), Float(color.green), Float(color.blue), 255)
    for coverage in 0..<256 {
      let alpha = (Float(coverage) * Float(opacity) / 255).rounded()
      palette[coverage] = (ink * alpha / 255).roundedToNearest
    }
    full = dividedAndMultiplied(palette[255])
  }

  /// Pastes a glyph on `canvas`.
  mutating func paint(_ item: LibraryScene.Placement, coverage: UnsafePointer<UInt8>, on canvas: LibraryCanvas) {
    let (glyph, warp) = (item.glyph, item.warp)
    if glyph.width == 0 { return }
    let newWidth = glyph.boxWidth + abs(warp.x1) + abs(warp.x2)
    let newHeight = glyph.boxHeight + abs(warp.y1) + abs(warp.y2)
    rotate(glyph, coverage: coverage + glyph.offset, degrees: item.angle)
    horizontal.set(from: width, to: newWidth)
    vertical.set(from: height, to: newHeight)
    widen(to: newWidth)
    let quadrilateral = Quadrilateral(
      warp, width: newWidth, height: newHeight, boxWidth: glyph.boxWidth, boxHeight: glyph.boxHeight)
    paste(quadrilateral, glyph, width: newWidth, height: newHeight, x: item.x, on: canvas)
  }

  /// Fills ``rotated`` as `rotate(degrees, BILINEAR, expand=True)` does.
  private mutating func rotate(_ glyph: LibraryGlyphs.Glyph, coverage: UnsafePointer<UInt8>, degrees: Double) {
    let rotation = ExpandedRotation(degrees: degrees, width: glyph.width, height: glyph.height)
    (width, height) = (rotation.width, rotation.height)
    let (limitX, limitY) = (UInt64(glyph.width) << 32, UInt64(glyph.height) << 32)
    let (stepX, stepY) = (fixed(rotation.sine), fixed(rotation.cosine))
    let half: Int64 = 1 << 31
    let stride = glyph.stride
    let full = full
    for column in 0..<width {
      let target = rotated + column * height
      let place = Double(column) + 0.5
      var x = fixed(rotation.cosine * place + rotation.sine * 0.5 + rotation.offsetX)
      var y = fixed(-rotation.sine * place + rotation.cosine * 0.5 + rotation.offsetY)
      var (first, end) = (height, 0)
      for row in 0..<height {
        var pixel = Pixel.zero
        // As unsigned numbers, negative coordinates are large.
        let (placeX, placeY) = (UInt64(bitPattern: x), UInt64(bitPattern: y))
        if placeX < limitX && placeY < limitY {
          // The bitmap's border is there twice, so that the four pixels around the place always exist.
          let (left, top) = (x &+ half, y &+ half)
          let place = Int(top >> 32) &* stride &+ Int(left >> 32)
          let corner = UnsafeRawPointer(coverage + place)
          let upper = corner.loadUnaligned(as: UInt16.self)
          let lower = (corner + stride).loadUnaligned(as: UInt16.self)
          if upper | lower != 0 {
            if upper & lower == 0xFFFF {
              pixel = full
            } else {
              pixel = interpolate(upper, lower, x: fraction(left), y: fraction(top))
            }
            first = min(first, row)
            end = row + 1
          }
        }
        target[row] = pixel
        x &+= stepX
        y &+= stepY
      }
      rotatedRows[column] = min(first, end)..<end
    }
  }

  @inline(__always)
  private func fixed(_ value: Double) -> Int64 { Int64(value * 0x1p32) }

  @inline(__always)
  private func fraction(_ fixed: Int64) -> Float { Float(UInt32(truncatingIfNeeded: fixed) >> 8) * 0x1p-24 }

  /// The mean of four pixels, cut to 8 bits, divided by its opacity and multiplied again.
  @inline(__always)
  private func interpolate(_ upper: UInt16, _ lower: UInt16, x: Float, y: Float) -> Pixel {
    // The left pixel is the lower byte, as on every machine that Swift runs on.
    let (a, b) = (palette[Int(upper & 0xFF)], palette[Int(upper >> 8)])
    let (c, d) = (palette[Int(lower & 0xFF)], palette[Int(lower >> 8)])
    let above = a + (b - a) * x
    let below = c + (d - c) * x
    let pixel = (above + (below - above) * y).roundedDown
    return dividedAndMultiplied(pixel)
  }

  @inline(__always)
  private func dividedAndMultiplied(_ pixel: Pixel) -> Pixel {
    let alpha = pixel.w
    if alpha == 0 { return pixel }
    return ((pixel * 255 / alpha).roundedDown * (alpha / 255)).roundedToNearest
  }

  /// Fills ``resized``, the rotated glyph with another width.
  private mutating func widen(to newWidth: Int) {
    for column in 0..<newWidth {
      let first = Int(horizontal.firsts[column])
      let count = Int(horizontal.counts[column])
      let weights = horizontal.weights + column * horizontal.stride
      var (from, end) = (height, 0)
      for tap in first..<(first + count) where !rotatedRows[tap].isEmpty {
        from = min(from, rotatedRows[tap].lowerBound)
        end = max(end, rotatedRows[tap].upperBound)
      }
      resizedRows[column] = min(from, end)..<end
      if from >= end { continue }
      let target = resized + column * height
      let source = rotated + first * height
      if count == 4 {
        let (a, b, c, d) = (weights[0], weights[1], weights[2], weights[3])
        let (second, third, fourth) = (source + height, source + 2 * height, source + 3 * height)
        for row in from..<end {
          let sum = Self.half + source[row] * a + second[row] * b + third[row] * c + fourth[row] * d
          target[row] = sum.roundedByte
        }
      } else {
        for row in from..<end {
          var sum = Self.half
          for tap in 0..<count { sum += source[tap &* height &+ row] * weights[tap] }
          target[row] = sum.roundedByte
        }
      }
    }
  }

  /// Makes the glyph as high as `newHeight`, warps it as `transform(QUAD)` does and pastes it, each pixel at once.
  private func paste(
    _ quadrilateral: Quadrilateral, _ glyph: LibraryGlyphs.Glyph, width newWidth: Int, height newHeight: Int, x: Int,
    on canvas: LibraryCanvas
  ) {
    // Pillow's place is `int((height - boxHeight) / 2)`, which cuts towards zero, as Swift's division does.
    let y = (canvas.height - glyph.boxHeight) / 2
    let columns = max(0, -x)..<max(0, -x, min(glyph.boxWidth, canvas.width - x))
    let rows = max(0, -y)..<max(0, -y, min(glyph.boxHeight, canvas.height - y))
    let (limitX, limitY) = (UInt32(newWidth), UInt32(newHeight))
    // Most pixels are as the one before, in the glyph and below.
    var bits = Pixel.zero.roundedBits
    var ink = LibraryCanvas.Ink(premultiplied: 0, tables)
    var below = LibraryCanvas.Pixel(repeating: .max)
    var mixed = below
    let (firsts, counts, allWeights, weightStride) = (
      vertical.firsts, vertical.counts, vertical.weights, vertical.stride
    )
    let (resized, resizedRows, columnHeight, tables) = (resized, resizedRows, height, tables)
    for column in columns {
      let edge = quadrilateral.column(column)
      let target = canvas.column(x + column) + y
      var rowCenter = SIMD2(repeating: Double(rows.lowerBound) + 0.5)
      for row in rows {
        let place = edge.place(rowCenter).floor
        rowCenter += 1
        let (sourceColumn, sourceRow) = (UInt32(truncatingIfNeeded: place.x), UInt32(truncatingIfNeeded: place.y))
        // As unsigned numbers, negative coordinates are large.
        guard sourceColumn < limitX && sourceRow < limitY else { continue }
        let inked = resizedRows[Int(sourceColumn)]
        let first = Int(firsts[Int(sourceRow)])
        let begin = max(first, inked.lowerBound)
        let end = min(first &+ Int(counts[Int(sourceRow)]), inked.upperBound)
        if begin >= end { continue }
        let weights = allWeights + (Int(sourceRow) &* weightStride &- first)
        let source = resized + Int(sourceColumn) &* columnHeight
        var sum = Self.half
        if end &- begin == 4 {
          sum += source[begin] * weights[begin] + source[begin &+ 1] * weights[begin &+ 1]
          sum += source[begin &+ 2] * weights[begin &+ 2] + source[begin &+ 3] * weights[begin &+ 3]
        } else {
          for tap in begin..<end { sum += source[tap] * weights[tap] }
        }
        let newBits = sum.roundedBits
        if newBits.differs(from: bits) {
          bits = newBits
          ink = LibraryCanvas.Ink(premultiplied: Pixel.packedBytes(bits), tables)
          below = LibraryCanvas.Pixel(repeating: .max)
        }
        let newBelow = target[row]
        if newBelow.differs(from: below) {
          below = newBelow
          mixed = ink.over(below)
        }
        target[row] = mixed
      }
    }
  }
}

extension SIMD4<Float> {
  /// Adding and taking away this number leaves no room for a fraction; its bits plus a whole number are the bits of the
  /// sum. Comparisons and conversions of vectors would be done number by number.
  @inline(__always)
  private static var integral: Float { 0x1.8p23 }

  @inline(__always)
  fileprivate var roundedToNearest: Self { (self + Self.integral) - Self.integral }

  /// Of numbers from 0 to 255, the next whole number below.
  @inline(__always)
  fileprivate var roundedDown: Self { (self - 0.49999).roundedToNearest }

  /// The nearest whole numbers in a form of their own.
  @inline(__always)
  fileprivate var roundedBits: SIMD4<Int32> { unsafeBitCast(self + Self.integral, to: SIMD4<Int32>.self) }

  /// The whole numbers in the form of ``roundedBits``, at least 0 and at most 255.
  @inline(__always)
  private static func bytes(_ bits: SIMD4<Int32>) -> SIMD4<Int32> {
    let number = bits &- Int32(bitPattern: integral.bitPattern)
    let positive = number & ~(number &>> 31)
    return (positive | ((255 &- positive) &>> 31)) & 255
  }

  /// The nearest whole numbers from 0 to 255.
  @inline(__always)
  fileprivate var roundedByte: Self {
    let bits = Self.bytes(roundedBits) | Int32(bitPattern: Self.integral.bitPattern)
    return unsafeBitCast(bits, to: Self.self) - Self.integral
  }

  /// The whole numbers in the form of ``roundedBits``, at least 0 and at most 255, the first one in the lowest byte.
  @inline(__always)
  fileprivate static func packedBytes(_ bits: SIMD4<Int32>) -> UInt32 {
    let pairs = unsafeBitCast(bytes(bits), to: SIMD2<UInt64>.self)
    let packed = (pairs | (pairs &>> 24)) & 0xFFFF
    return UInt32(truncatingIfNeeded: packed.x | packed.y << 16)
  }
}

extension SIMD4<Int32> {
  @inline(__always)
  fileprivate func differs(from other: Self) -> Bool {
    let difference = unsafeBitCast(self ^ other, to: SIMD2<UInt64>.self)
    return difference.x | difference.y != 0
  }
}

extension SIMD4<UInt16> {
  @inline(__always)
  fileprivate func differs(from other: Self) -> Bool {
    unsafeBitCast(self, to: UInt64.self) != unsafeBitCast(other, to: UInt64.self)
  }
}

extension SIMD2<Double> {
  /// The next whole numbers below, modulo 2^32.
  @inline(__always)
  fileprivate var floor: SIMD2<UInt64> {
    let sum = self + 0x1.8p52
    // -1 where the sum was rounded up.
    let correction = unsafeBitCast(self - (sum - 0x1.8p52), to: SIMD2<UInt64>.self) &>> 63
    return unsafeBitCast(sum, to: SIMD2<UInt64>.self) &- correction
  }
}
