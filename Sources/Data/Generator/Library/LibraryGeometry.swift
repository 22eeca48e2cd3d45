import Foundation

/// The mapping from a rotated picture, as large as it must be, back to the upright one, as Pillow's
/// `rotate(expand=True)` computes it.
struct ExpandedRotation {
  let width: Int
  let height: Int
  /// Source column = cosine · x + sine · y + offsetX, source row = -sine · x + cosine · y + offsetY.
  let cosine: Double
  let sine: Double
  let offsetX: Double
  let offsetY: Double

  init(degrees: Double, width: Int, height: Int) {
    let angle = -degrees * .pi / 180
    // Pillow rounds to 15 decimals.
    let cosine = (cos(angle) * 1e15).rounded(.toNearestOrEven) / 1e15
    let sine = (sin(angle) * 1e15).rounded(.toNearestOrEven) / 1e15
    let (w, h) = (Double(width), Double(height))
    let x = cosine * (-w / 2) + sine * (-h / 2) + w / 2
    let y = -sine * (-w / 2) + cosine * (-h / 2) + h / 2
    // The corners, by the inverse mapping, which makes a box as large.
    let acrossX = SIMD4(0, cosine * w, cosine * w + sine * h, sine * h) + x
    let acrossY = SIMD4(0, -sine * w, -sine * w + cosine * h, cosine * h) + y
    let newWidth = acrossX.max().rounded(.up) - acrossX.min().rounded(.down)
    let newHeight = acrossY.max().rounded(.up) - acrossY.min().rounded(.down)
    self.width = Int(newWidth)
    self.height = Int(newHeight)
    self.cosine = cosine
    self.sine = sine
    offsetX = cosine * (-(newWidth - w) / 2) + sine * (-(newHeight - h) / 2) + x
    offsetY = -sine * (-(newWidth - w) / 2) + cosine * (-(newHeight - h) / 2) + y
  }
}

/// The mapping from a box back to the quadrilateral that fills it, linear in each coordinate.
struct Quadrilateral {
  /// Source = corner + alongX · x + alongY · y + across · x · y, for x and for y.
  private let corner: SIMD2<Double>
  private let alongX: SIMD2<Double>
  private let alongY: SIMD2<Double>
  private let across: SIMD2<Double>

  /// The quadrilateral that the package chooses in a picture of `width × height`.
  init(_ warp: LibraryScene.Warp, width: Int, height: Int, boxWidth: Int, boxHeight: Int) {
    func point(_ x: Int, _ y: Int) -> SIMD2<Double> { SIMD2(Double(x), Double(y)) }
    let upperLeft = point(warp.x1, warp.y1)
    let lowerLeft = point(-warp.x1, height - warp.y2)
    let lowerRight = point(width + warp.x2, height + warp.y2)
    let upperRight = point(width - warp.x2, -warp.y1)
    let (perColumn, perRow) = (1 / Double(boxWidth), 1 / Double(boxHeight))
    corner = upperLeft
    alongX = (upperRight - upperLeft) * perColumn
    alongY = (lowerLeft - upperLeft) * perRow
    across = (lowerRight - lowerLeft - upperRight + upperLeft) * perColumn * perRow
  }

  /// One column of the box.
  struct Column {
    fileprivate let base: SIMD2<Double>
    fileprivate let alongY: SIMD2<Double>
    fileprivate let across: SIMD2<Double>

    /// Where the point of the column at height `y`, given twice, comes from.
    @inline(__always)
    func place(_ y: SIMD2<Double>) -> SIMD2<Double> { base + alongY * y + across * y }
  }

  @inline(__always)
  func column(_ column: Int) -> Column {
    let x = Double(column) + 0.5
    return Column(base: corner + alongX * x, alongY: alongY, across: across * x)
  }
}
