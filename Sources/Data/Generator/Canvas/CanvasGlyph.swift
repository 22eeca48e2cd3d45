import Foundation

/// The mapping from a rotated tile back to the upright one, in 16.16 fixed point, as Pillow's
/// `rotate(expand=True)` with its default nearest-neighbour resampling computes it.
struct TileRotation: Sendable {
  /// The size of the rotated tile, which holds the whole upright one.
  let width: Int
  let height: Int
  /// Source column = (columnX x + columnY y + columnOffset) / 65536, rounded down, for pixel (x, y) of the rotated tile.
  fileprivate let columnX: Int
  fileprivate let columnY: Int
  fileprivate let columnOffset: Int
  /// Source row, likewise.
  fileprivate let rowX: Int
  fileprivate let rowY: Int
  fileprivate let rowOffset: Int

  /// - Parameter degrees: counter-clockwise.
  init(degrees: Int, tileWidth: Int = GlyphTile.original.width, tileHeight: Int = GlyphTile.original.height) {
    let angle = -Double(degrees) * .pi / 180
    let (cosine, sine) = (Self.rounded(cos(angle)), Self.rounded(sin(angle)))
    let (w, h) = (Double(tileWidth), Double(tileHeight))
    func rotate(_ x: Double, _ y: Double) -> (x: Double, y: Double) { (cosine * x + sine * y, -sine * x + cosine * y) }
    var offset = rotate(-w / 2, -h / 2)
    offset = (offset.x + w / 2, offset.y + h / 2)
    // Pillow takes the size from the corners mapped by the inverse, which is as large.
    let corners = [(0, 0), (w, 0), (w, h), (0, h)].map { corner in
      let turned = rotate(corner.0, corner.1)
      return (x: turned.x + offset.x, y: turned.y + offset.y)
    }
    let (xs, ys) = (corners.map(\.x), corners.map(\.y))
    let newWidth = xs.reduce(-.infinity, max).rounded(.up) - xs.reduce(.infinity, min).rounded(.down)
    let newHeight = ys.reduce(-.infinity, max).rounded(.up) - ys.reduce(.infinity, min).rounded(.down)
    let shift = rotate(-(newWidth - w) / 2, -(newHeight - h) / 2)
    offset = (shift.x + offset.x, shift.y + offset.y)
    func fixed(_ value: Double) -> Int { Int((value * 65536 + 0.5).rounded(.down)) }
    width = Int(newWidth)
    height = Int(newHeight)
    columnX = fixed(cosine)
    columnY = fixed(sine)
    columnOffset = fixed(offset.x + cosine * 0.5 + sine * 0.5)
    rowX = fixed(-sine)
    rowY = fixed(cosine)
    rowOffset = fixed(offset.y - sine * 0.5 + cosine * 0.5)
  }

  /// Rounded to 15 decimals, so that right angles give whole numbers.
  private static func rounded(_ value: Double) -> Double { (value * 1e15).rounded(.toNearestOrEven) / 1e15 }

  /// The columns and rows of the rotated tile in which the rectangle of the upright tile can lie.
  fileprivate func bounds(of glyph: GlyphAtlas.Glyph) -> (columns: Range<Int>, rows: Range<Int>) {
    // The inverse of a rotation is its transpose.
    let scale = 1 / 65536.0
    let (cosine, sine) = (Double(columnX) * scale, Double(columnY) * scale)
    var (minX, maxX, minY, maxY) = (Double.infinity, -Double.infinity, Double.infinity, -Double.infinity)
    for sourceX in [glyph.left, glyph.left + glyph.width] {
      for sourceY in [glyph.top, glyph.top + glyph.height] {
        let dx = Double(sourceX) - Double(columnOffset) * scale
        let dy = Double(sourceY) - Double(rowOffset) * scale
        let (x, y) = (cosine * dx - sine * dy, sine * dx + cosine * dy)
        (minX, maxX) = (min(minX, x), max(maxX, x))
        (minY, maxY) = (min(minY, y), max(maxY, y))
      }
    }
    let columns = max(0, Int(minX.rounded(.down)) - 1)..<min(width, Int(maxX.rounded(.up)) + 2)
    let rows = max(0, Int(minY.rounded(.down)) - 1)..<min(height, Int(maxY.rounded(.up)) + 2)
    return (columns, rows)
  }
}

extension Canvas {
  /// Draws a glyph's tile, rotated, with its upper left corner at (`x`, `y`).
  ///
  /// - Parameter coverage: the atlas's coverage, which the glyph is a part of.
  func glyph(_ glyph: GlyphAtlas.Glyph, coverage: [UInt8], rotation: TileRotation, x: Int, y: Int, color: Color) {
    // A glyph without ink, or all of it beyond its tile.
    if glyph.width == 0 || glyph.height == 0 { return }
    let bounds = rotation.bounds(of: glyph)
    let columns = bounds.columns.clamped(to: max(0, -x)..<max(0, -x, width - x))
    let rows = bounds.rows.clamped(to: max(0, -y)..<max(0, -y, height - y))
    coverage.withUnsafeBufferPointer { coverage in
      let (left, top) = (glyph.left << 16, glyph.top << 16)
      for row in rows {
        var column = rotation.columnX * columns.lowerBound + rotation.columnY * row + rotation.columnOffset - left
        var line = rotation.rowX * columns.lowerBound + rotation.rowY * row + rotation.rowOffset - top
        var target = 3 * ((y + row) * width + x + columns.lowerBound)
        for _ in columns {
          let (sourceX, sourceY) = (column >> 16, line >> 16)
          // As unsigned numbers, negative coordinates are large.
          if UInt(bitPattern: sourceX) < UInt(glyph.width) && UInt(bitPattern: sourceY) < UInt(glyph.height) {
            let covered = coverage[glyph.offset + sourceY * glyph.width + sourceX]
            if covered == 255 {
              store(color, at: target)
            } else if covered > 0 {
              blend(color, coverage: covered, at: target)
            }
          }
          column += rotation.columnX
          line += rotation.rowX
          target += 3
        }
      }
    }
  }
}
