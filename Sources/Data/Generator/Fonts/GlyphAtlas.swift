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

  /// Where the characters lie before they are rotated.
  let tile: GlyphTile
  /// All bitmaps, one after the other, each row by row.
  let coverage: [UInt8]
  /// Font by font, of each size by size.
  private let glyphs: [Glyph]
  private let positions: [Character: Int]
  private let smallestSize: Int
  /// For each whole size from the smallest to the largest, its place among the drawn ones, or -1.
  private let sizePositions: [Int]
  private let sizeCount: Int

  /// Draws every character of every font at every size, hinted by the font's own instructions as Pillow does.
  ///
  /// - Parameters:
  ///   - fonts: the files.
  ///   - sizes: in pixels per em.
  init(
    fonts: [String], characters: [Character], sizes: [Int], tile: GlyphTile = .original
  ) throws(GeneratorError) {
    precondition(!fonts.isEmpty && !sizes.isEmpty, "GlyphAtlas: needs a font and a size")
    self.tile = tile
    let sizes = Set(sizes).sorted()
    smallestSize = sizes[0]
    sizeCount = sizes.count
    sizePositions = (sizes[0]...sizes[sizes.count - 1]).map { sizes.firstIndex(of: $0) ?? -1 }
    var positions: [Character: Int] = [:]
    for character in characters where positions[character] == nil { positions[character] = positions.count }
    let ordered = positions.sorted { $0.value < $1.value }.map(\.key)
    var coverage: [UInt8] = []
    var glyphs: [Glyph] = []
    for font in fonts {
      let face = try FontFace(path: font)
      for size in sizes {
        var bitmaps: [GlyphBitmap] = []
        for character in ordered { bitmaps.append(try face.draw(character, size: size)) }
        let placed = Self.place(bitmaps, on: tile, into: &coverage)
        if let empty = placed.firstIndex(where: { glyph in
          !coverage[glyph.offset..<(glyph.offset + glyph.width * glyph.height)].contains { $0 > 0 }
        }) {
          throw .emptyGlyph(character: ordered[empty], path: font)
        }
        glyphs += placed
        try GlyphMemory.check(coverage.count, fonts: fonts, characters: ordered, size: size)
      }
    }
    self.positions = positions
    self.coverage = coverage
    self.glyphs = glyphs
  }

  /// The glyph of a character, a size and a font that the atlas was made with.
  func glyph(_ character: Character, size: Int, font: Int = 0) -> Glyph {
    let offset = size - smallestSize
    guard let position = positions[character], sizePositions.indices.contains(offset), sizePositions[offset] >= 0 else {
      preconditionFailure("GlyphAtlas: '\(character)' at size \(size) was not drawn")
    }
    return glyphs[(font * sizeCount + sizePositions[offset]) * positions.count + position]
  }
}

extension GlyphAtlas {
  /// Appends the coverage of the characters of one font and size, cut to the tile, to `coverage`.
  ///
  /// A font whose letters would hang below the tile, since it has much room above them, is moved up until they fit.
  private static func place(_ bitmaps: [GlyphBitmap], on tile: GlyphTile, into coverage: inout [UInt8]) -> [Glyph] {
    let bottom = bitmaps.map { tile.originY + $0.top + $0.height }.max() ?? 0
    let rise = max(0, bottom - tile.height)
    return bitmaps.map { bitmap in
      let (left, top) = (tile.originX + bitmap.left, tile.originY + bitmap.top - rise)
      let columns = max(0, left)..<max(0, left, min(tile.width, left + bitmap.width))
      let rows = max(0, top)..<max(0, top, min(tile.height, top + bitmap.height))
      let glyph = Glyph(
        left: columns.lowerBound, top: rows.lowerBound, width: columns.count, height: rows.count,
        offset: coverage.count)
      for row in rows {
        let line = (row - top) * bitmap.width - left
        coverage += bitmap.coverage[(line + columns.lowerBound)..<(line + columns.upperBound)]
      }
      return glyph
    }
  }
}
