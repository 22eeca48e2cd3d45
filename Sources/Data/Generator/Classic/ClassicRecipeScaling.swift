extension ClassicRecipe {
  /// The size of image that ``original`` is made for.
  static let originalWidth = 200
  static let originalHeight = 60

  /// The classic style for images of `width × height` pixels.
  ///
  /// Every length is scaled by the smaller of `width / 200` and `height / 60`, so that the text fits and reads as in the
  /// original; lines stay at least one pixel wide. The dots, which are one pixel each, keep their share of the area.
  init(width: Int, height: Int, difficulty: GeneratorDifficulty = .original) {
    self = .original
    let (horizontal, vertical) = (
      Double(width) / Double(Self.originalWidth), Double(height) / Double(Self.originalHeight)
    )
    let scale = min(horizontal, vertical)
    func lineWidth(_ range: ClosedRange<Int>) -> ClosedRange<Int> { range.scaled(by: scale, atLeast: 1) }

    sizes = sizes.map { max(1, Int((Double($0) * scale).rounded())) }
    tile = tile.scaled(by: scale)
    shiftX = shiftX.scaled(by: scale)
    shiftY = shiftY.scaled(by: scale)
    margin = Int((Double(margin) * scale).rounded())
    linesBelowWidth = lineWidth(linesBelowWidth)
    linesAcrossWidth = lineWidth(linesAcrossWidth)
    thinLineWidth = lineWidth(thinLineWidth)
    arcWidth = lineWidth(arcWidth)
    blurRadius = (blurRadius.lowerBound * Float(scale))..<(blurRadius.upperBound * Float(scale))

    linesBelow = linesBelow.scaled(by: difficulty.lines)
    linesAcross = linesAcross.scaled(by: difficulty.lines)
    thinLines = thinLines.scaled(by: difficulty.lines)
    arcs = arcs.scaled(by: difficulty.lines)
    points = points.scaled(by: horizontal * vertical * difficulty.noise)
    blurProbability = min(1, blurProbability * Float(difficulty.blur))
    overlap = difficulty.overlap
  }

  /// Where the tiles of `count` characters stand before each is shifted.
  ///
  /// - Returns: the first one's column, and the columns from one to the next.
  func columns(count: Int, width: Int) -> (first: Double, step: Double) {
    let original = Double((width - 2 * margin) / (count + 1))
    let gaps = Double(count - 1)
    if overlap == 0 || count < 2 { return (Double(margin), original) }
    // Apart at most until the outer tiles touch the image's sides.
    let room = max(original, Double(width - tile.width) / gaps)
    let step = min(original * (1 - overlap), room)
    let first = Double(margin) + (original - step) * gaps / 2
    if step <= original { return (first, step) }
    return (max(0, min(first, Double(width - tile.width) - gaps * step)), step)
  }
}
