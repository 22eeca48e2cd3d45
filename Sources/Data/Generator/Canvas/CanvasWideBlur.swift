extension Canvas {
  /// Blurs as ``blur(radius:scratch:)`` with a box of any length.
  ///
  /// - Parameter scratch: `height + 2` rows.
  func blurWidely(_ kernel: BoxKernel, scratch: UnsafeMutablePointer<UInt8>) {
    let row = 3 * width
    let image = scratch + 2 * row
    for y in 0..<height {
      var (source, target) = (pixels + y * row, scratch)
      for pass in 0..<3 {
        Self.blurRow(source, to: target, count: width, kernel: kernel)
        (source, target) = (target, pass == 0 ? scratch + row : pixels + y * row)
      }
    }
    var sums = [UInt32](repeating: 0, count: row)
    var (source, target) = (pixels, image)
    for _ in 0..<3 {
      blurColumns(source, to: target, kernel: kernel, sums: &sums)
      swap(&source, &target)
    }
    pixels.update(from: source, count: row * height)
  }

  /// One pass along a row of `count` RGB pixels.
  private static func blurRow(
    _ source: UnsafeMutablePointer<UInt8>, to target: UnsafeMutablePointer<UInt8>, count: Int, kernel: BoxKernel
  ) {
    let last = count - 1
    for channel in 0..<3 {
      func value(_ x: Int) -> UInt32 { UInt32(source[3 * min(max(x, 0), last) + channel]) }
      // The sum for the pixel before the first.
      var sum: UInt32 = 0
      for x in (-1 - kernel.reach)...(kernel.reach - 1) { sum &+= value(x) }
      for x in 0..<count {
        sum = sum &+ value(x + kernel.reach) &- value(x - kernel.reach - 1)
        let sides = value(x - kernel.reach - 1) &+ value(x + kernel.reach + 1)
        target[3 * x + channel] = kernel.rounded(sum: sum, sides: sides)
      }
    }
  }

  /// One pass along all columns.
  ///
  /// - Parameter sums: room for the sum of each column's box.
  private func blurColumns(
    _ source: UnsafeMutablePointer<UInt8>, to target: UnsafeMutablePointer<UInt8>, kernel: BoxKernel,
    sums: inout [UInt32]
  ) {
    let row = 3 * width
    func line(_ y: Int) -> UnsafeMutablePointer<UInt8> { source + min(max(y, 0), height - 1) * row }
    for index in 0..<row { sums[index] = 0 }
    for y in (-1 - kernel.reach)...(kernel.reach - 1) {
      let added = line(y)
      for index in 0..<row { sums[index] &+= UInt32(added[index]) }
    }
    for y in 0..<height {
      let (added, above, below) = (line(y + kernel.reach), line(y - kernel.reach - 1), line(y + kernel.reach + 1))
      let blurred = target + y * row
      for index in 0..<row {
        sums[index] = sums[index] &+ UInt32(added[index]) &- UInt32(above[index])
        blurred[index] = kernel.rounded(sum: sums[index], sides: UInt32(above[index]) &+ UInt32(below[index]))
      }
    }
  }
}

extension BoxKernel {
  /// The blurred value where the whole pixels add up to `sum` and the two beyond to `sides`.
  @inline(__always)
  fileprivate func rounded(sum: UInt32, sides: UInt32) -> UInt8 {
    UInt8(truncatingIfNeeded: (sum &* center &+ sides &* side &+ (1 << 23)) >> 24)
  }
}
