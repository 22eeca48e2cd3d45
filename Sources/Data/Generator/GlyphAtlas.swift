/// The glyphs of some characters at some sizes, drawn once; immutable, so that all threads share it.
final class GlyphAtlas: Sendable {
  /// One glyph as coverage: 0 outside, 255 inside, between at the border.
  struct Glyph {
    /// The column and row of the bitmap's upper left corner in the tile.
    var left: Int
    var top: Int
    var width: Int
    var height: Int
    /// Where the bitmap begins in ``GlyphAtlas/coverage``.
    var offset: Int
  }

  /// The size of the tile that a character is drawn on before it is rotated.
  static let tileWidth = 50
  static let tileHeight = 70
  /// Where a character's left edge and its ascender lie on the tile (Pillow's anchor `la`).
  static let originX = 10
  static let originY = 15

  /// The sizes in pixels per em.
  let sizes: ClosedRange<Int>
  /// All bitmaps, one after the other, each row by row.
  let coverage: [UInt8]
  private let glyphs: [Glyph]
  private let positions: [Character: Int]

  /// Draws every character at every size, hinted by the font's own instructions as Pillow does.
  init(fontPath: String, characters: [Character], sizes: ClosedRange<Int>) throws(GeneratorError) {
    self.sizes = sizes
    var positions: [Character: Int] = [:]
    for character in characters where positions[character] == nil { positions[character] = positions.count }
    let face = try FontFace(path: fontPath)
    var coverage: [UInt8] = []
    var glyphs: [Glyph] = []
    for character in positions.sorted(by: { $0.value < $1.value }).map(\.key) {
      for size in sizes { glyphs.append(Glyph(try face.draw(character, size: size), into: &coverage)) }
    }
    self.positions = positions
    self.coverage = coverage
    self.glyphs = glyphs
  }

  /// The glyph of a character that the atlas was made with.
  func glyph(_ character: Character, size: Int) -> Glyph {
    guard let position = positions[character], sizes.contains(size) else {
      preconditionFailure("GlyphAtlas: '\(character)' at size \(size) was not drawn")
    }
    return glyphs[position * sizes.count + size - sizes.lowerBound]
  }
}

extension GlyphAtlas.Glyph {
  /// Appends the part of a bitmap that lies on the tile to `coverage`.
  fileprivate init(_ bitmap: GlyphBitmap, into coverage: inout [UInt8]) {
    let left = GlyphAtlas.originX + bitmap.left
    let top = GlyphAtlas.originY + bitmap.top
    let columns = max(0, left)..<max(0, left, min(GlyphAtlas.tileWidth, left + bitmap.width))
    let rows = max(0, top)..<max(0, top, min(GlyphAtlas.tileHeight, top + bitmap.height))
    self.init(
      left: columns.lowerBound, top: rows.lowerBound, width: columns.count, height: rows.count, offset: coverage.count)
    for row in rows {
      for column in columns { coverage.append(bitmap[column - left, row - top]) }
    }
  }
}
