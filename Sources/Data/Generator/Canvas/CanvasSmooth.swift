extension Canvas {
  /// The numbers of scratch memory that ``smooth(scratch:)`` needs.
  static func smoothScratchCount(width: Int) -> Int { 4 * 3 * width }

  /// Mixes every pixel with its eight neighbours, 5 parts to 1 each, as Pillow's `ImageFilter.SMOOTH` does; the pixels at
  /// the border stay.
  ///
  /// - Parameter scratch: ``smoothScratchCount(width:)`` numbers.
  func smooth(scratch: UnsafeMutableBufferPointer<UInt16>) {
    let row = 3 * width
    precondition(scratch.count >= 4 * row, "Canvas.smooth: the scratch memory must hold four rows")
    guard width > 2 && height > 2 else { return }
    let base = scratch.baseAddress!
    // The sums of three rows, and of each of them as it was, since the rows are overwritten.
    let sums = base + 3 * row
    for y in 0..<2 { Self.widen(pixels + y * row, to: base + y * row, count: row) }
    for y in 1..<(height - 1) {
      let above = base + (y - 1) % 3 * row
      let middle = base + y % 3 * row
      let below = base + (y + 1) % 3 * row
      Self.widen(pixels + (y + 1) * row, to: below, count: row)
      for index in 0..<row { sums[index] = above[index] &+ middle[index] &+ below[index] }
      let target = pixels + y * row + 3
      for index in 0..<(row - 6) {
        let sides = sums[index] &+ sums[index + 3] &+ sums[index + 6]
        // At most 13 · 255 + 6, for which the product is the division by 13, rounded down; 6 more rounds to the nearest.
        let sum = UInt32(sides &+ middle[index + 3] &* 4 &+ 6)
        target[index] = UInt8(truncatingIfNeeded: UInt16(truncatingIfNeeded: (sum &* 20165) >> 16) >> 2)
      }
    }
  }

  @inline(__always)
  private static func widen(_ source: UnsafeMutablePointer<UInt8>, to target: UnsafeMutablePointer<UInt16>, count: Int)
  {
    for index in 0..<count { target[index] = UInt16(source[index]) }
  }
}
