import CFreeType
import Foundation

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
      for size in sizes { glyphs.append(try face.draw(character, size: size, into: &coverage)) }
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

/// A font file opened by FreeType. Not thread-safe.
private final class FontFace {
  private let path: String
  private var library: FT_Library?
  private var face: FT_Face?

  init(path: String) throws(GeneratorError) {
    self.path = path
    try check(FT_Init_FreeType(&library), "starting FreeType")
    try check(FT_New_Face(library, path, 0, &face), "opening the file")
  }

  deinit {
    // Nothing could be done about an error here.
    if let face { _ = FT_Done_Face(face) }
    if let library { _ = FT_Done_FreeType(library) }
  }

  /// Appends the coverage of `character`, cut to the tile, to `coverage`.
  func draw(_ character: Character, size: Int, into coverage: inout [UInt8]) throws(GeneratorError) -> GlyphAtlas.Glyph
  {
    guard let face, let scalar = character.unicodeScalars.first else {
      throw .unreadableFont(path: path, reason: "it is not open")
    }
    try check(FT_Set_Pixel_Sizes(face, 0, FT_UInt(size)), "setting the size \(size)")
    let index = FT_Get_Char_Index(face, FT_ULong(scalar.value))
    if index == 0 { throw .characterNotInFont(character: character, path: path) }
    try check(FT_Load_Glyph(face, index, FT_Int32(FT_LOAD_NO_BITMAP)), "loading '\(character)'")
    guard let slot = face.pointee.glyph else { throw .unreadableFont(path: path, reason: "it gave no glyph") }
    try check(FT_Render_Glyph(slot, FT_RENDER_MODE_NORMAL), "drawing '\(character)'")

    let bitmap = slot.pointee.bitmap
    let ascender = (Int(face.pointee.size.pointee.metrics.ascender) + 32) >> 6
    let left = GlyphAtlas.originX + Int(slot.pointee.bitmap_left)
    let top = GlyphAtlas.originY + ascender - Int(slot.pointee.bitmap_top)
    let columns = max(0, left)..<max(0, left, min(GlyphAtlas.tileWidth, left + Int(bitmap.width)))
    let rows = max(0, top)..<max(0, top, min(GlyphAtlas.tileHeight, top + Int(bitmap.rows)))
    let glyph = GlyphAtlas.Glyph(
      left: columns.lowerBound, top: rows.lowerBound, width: columns.count, height: rows.count, offset: coverage.count)
    if let buffer = bitmap.buffer {
      for row in rows {
        let line = buffer + (row - top) * Int(bitmap.pitch)
        for column in columns { coverage.append(line[column - left]) }
      }
    }
    return glyph
  }

  private func check(_ code: FT_Error, _ action: String) throws(GeneratorError) {
    if code != 0 { throw .unreadableFont(path: path, reason: "\(action) failed, FreeType error \(code)") }
  }
}

/// Finds DejaVu Sans Bold, the font of the original system.
enum FontLocation {
  /// Where Debian, Ubuntu, Fedora, Arch and Alpine Linux put it.
  static let usual = [
    "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans-Bold.ttf",
    "/usr/share/fonts/TTF/DejaVuSans-Bold.ttf",
    "/usr/share/fonts/dejavu/DejaVuSans-Bold.ttf",
    "/usr/local/share/fonts/DejaVuSans-Bold.ttf",
  ]

  /// The first of `paths` that exists.
  static func find(in paths: [String]) throws(GeneratorError) -> String {
    guard let path = paths.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
      throw .fontNotFound(searched: paths)
    }
    return path
  }
}
