/// Turns glyphs as the Python package `captcha` does with Pillow: rotated with bilinear interpolation, resized with the
/// bicubic filter, and warped; the memory of one thread, which all glyphs use in turn.
///
/// Pillow rounds to 8 bits after each step and multiplies the colour by the opacity and divides again around each, which
/// shows at the borders of the ink. Hence the four channels go through all steps together.
struct LibraryGlyphWarp {
  typealias Pixel = SIMD4<Float>

  /// The color of a pixel with every coverage, multiplied by its opacity; red, green, blue and opacity.
  private let palette: UnsafeMutablePointer<Pixel>
  /// For each opacity, 255 divided by it, and its share of 255.
  private let alphaFactors: UnsafeMutablePointer<(reciprocal: Pixel, share: Pixel)>
  /// A pixel of the rotated glyph that is all ink.
  private var full = Pixel.zero
  /// The rotated glyph and the same made as wide as its box needs, column by column.
  private let rotated: UnsafeMutablePointer<Pixel>
  private let resized: UnsafeMutablePointer<Pixel>
  /// The rows of each column that may hold ink.
  private let rotatedRows: UnsafeMutablePointer<Range<Int>>
  private let resizedRows: UnsafeMutablePointer<Range<Int>>
  /// One column when it is also as high as its box needs.
  private let column: UnsafeMutablePointer<Pixel>
  /// What is pasted of all those columns.
  private let inks: LibraryInks
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
    alphaFactors = .allocate(capacity: 256)
    // A pixel without opacity stays as it is.
    alphaFactors[0] = (Pixel(repeating: 1), Pixel(repeating: 1))
    for alpha in 1...255 {
      alphaFactors[alpha] = (Pixel(repeating: 255 / Float(alpha)), Pixel(repeating: Float(alpha) / 255))
    }
    rotated = .allocate(capacity: longest * longest)
    rotatedRows = .allocate(capacity: longest)
    resized = .allocate(capacity: widest * longest)
    resizedRows = .allocate(capacity: widest)
    column = .allocate(capacity: Self.inkStride(height: highest))
    inks = LibraryInks(capacity: widest * Self.inkStride(height: highest))
    horizontal = BicubicWeights(longestSource: longest, targets: 1...widest)
    vertical = BicubicWeights(longestSource: longest, targets: 1...highest)
  }

  func deallocate() {
    palette.deallocate()
    alphaFactors.deallocate()
    rotated.deallocate()
    rotatedRows.deallocate()
    resized.deallocate()
    resizedRows.deallocate()
    inks.deallocate()
    column.deallocate()
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
    heighten(to: newHeight, columns: newWidth)
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
    // By way of half the vector, since the compiler computes a vector number by number where one is taken from it.
    let halves = unsafeBitCast(pixel + 0x1p23, to: SIMD2<UInt64>.self)
    let factors = alphaFactors[Int(truncatingIfNeeded: halves.y >> 32) & 0xFF]
    // Quotients with a remainder are at least 1/255 below the next whole number, much more than the product's error.
    return ((pixel * factors.reciprocal - 0.499).roundedToNearest * factors.share).roundedToNearest
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

  /// Fills ``inks`` from the glyph made as high as `newHeight`.
  private func heighten(to newHeight: Int, columns: Int) {
    let inkStride = Self.inkStride(height: newHeight)
    for index in 0..<columns {
      let rows = heighten(resized + index * height, inkedRows: resizedRows[index], to: newHeight)
      // The inks are computed in fours; the rows around are empty.
      let (first, end) = (rows.lowerBound & ~3, Self.inkStride(height: rows.upperBound))
      for row in first..<rows.lowerBound { column[row] = .zero }
      for row in rows.upperBound..<end { column[row] = .zero }
      let target = index * inkStride
      inks.clear(from: target, count: first)
      inks.store(column + first, count: end - first, from: target + first)
      inks.clear(from: target + end, count: inkStride - end)
    }
  }

  /// Fills ``column`` from a column made as high as `newHeight`, and returns the rows that may hold ink, the only ones
  /// that are filled.
  private func heighten(
    _ source: UnsafePointer<Pixel>, inkedRows: Range<Int>, to newHeight: Int
  ) -> Range<Int> {
    let (firsts, counts, weightStride, target) = (vertical.firsts, vertical.counts, vertical.stride, column)
    let (lower, upper) = (inkedRows.lowerBound, inkedRows.upperBound)
    var row = 0
    while row < newHeight && Int(firsts[row] &+ counts[row]) <= lower { row &+= 1 }
    let from = row
    var rowWeights = vertical.weights + row * weightStride
    while row < newHeight && firsts[row] < upper {
      let first = Int(firsts[row])
      let begin = max(first, lower)
      let count = min(first &+ Int(counts[row]), upper) &- begin
      let (taps, weights) = (source + begin, rowWeights + (begin &- first))
      if count == 4 {
        let sum = Self.half + (taps[0] * weights[0] + taps[1] * weights[1])
        target[row] = (sum + (taps[2] * weights[2] + taps[3] * weights[3])).roundedByte
      } else {
        var sum = Self.half
        for tap in 0..<count { sum += taps[tap] * weights[tap] }
        target[row] = sum.roundedByte
      }
      row &+= 1
      rowWeights += weightStride
    }
    return from..<row
  }

  /// The inks of a column, filled up to a multiple of four.
  private static func inkStride(height: Int) -> Int { (height + 3) / 4 * 4 }

  /// Warps the glyph as `transform(QUAD)` does and pastes it, each pixel at once.
  private func paste(
    _ quadrilateral: Quadrilateral, _ glyph: LibraryGlyphs.Glyph, width newWidth: Int, height newHeight: Int, x: Int,
    on canvas: LibraryCanvas
  ) {
    // Pillow's place is `int((height - boxHeight) / 2)`, which cuts towards zero, as Swift's division does.
    let y = (canvas.height - glyph.boxHeight) / 2
    let columns = max(0, -x)..<max(0, -x, min(glyph.boxWidth, canvas.width - x))
    let rows = max(0, -y)..<max(0, -y, min(glyph.boxHeight, canvas.height - y))
    let (limitX, limitY) = (UInt32(newWidth), UInt32(newHeight))
    let (inks, inkStride) = (inks, Self.inkStride(height: newHeight))
    for column in columns {
      let edge = quadrilateral.column(column)
      let target = canvas.column(x + column) + y
      var rowCenter = SIMD2(repeating: Double(rows.lowerBound) + 0.5)
      for row in rows {
        let place = edge.place(rowCenter).floor
        rowCenter += 1
        let (sourceColumn, sourceRow) = (UInt32(truncatingIfNeeded: place.x), UInt32(truncatingIfNeeded: place.y))
        // As unsigned numbers, negative coordinates are large.
        if sourceColumn >= limitX { continue }
        if sourceRow >= limitY { continue }
        LibraryCanvas.paste(inks, Int(sourceColumn) &* inkStride &+ Int(sourceRow), on: target + row)
      }
    }
  }
}

extension SIMD4<Float> {
  /// Of numbers from 0 to 255, the next whole number below.
  @inline(__always)
  fileprivate var roundedDown: Self { (self - 0.49999).roundedToNearest }
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
