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

  /// The most memory that the bitmaps may take, in bytes: many times what ten fonts need for images of 200 × 60.
  static let largestByteCount = 128 << 20

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
        glyphs += try face.draw(ordered, size: size, on: tile, into: &coverage)
        if coverage.count > Self.largestByteCount {
          throw .invalidConfiguration(
            key: "fonts",
            value: "\(fonts.count) of \(ordered.count) characters at up to \(sizes[sizeCount - 1]) pixels",
            remedy: "their glyphs take more than \(Self.largestByteCount >> 20) MiB; use fewer fonts or characters, or "
              + "smaller images")
        }
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

  /// One character as FreeType draws it, placed on the tile but not yet cut to it.
  private struct Bitmap {
    let left: Int
    let top: Int
    let width: Int
    let height: Int
    let coverage: [UInt8]
  }

  /// Appends the coverage of each of `characters`, cut to the tile, to `coverage`.
  ///
  /// A font whose letters would hang below the tile, since it has much room above them, is moved up until they fit.
  func draw(
    _ characters: [Character], size: Int, on tile: GlyphTile, into coverage: inout [UInt8]
  ) throws(GeneratorError) -> [GlyphAtlas.Glyph] {
    try check(FT_Set_Pixel_Sizes(face, 0, FT_UInt(size)), "setting the size \(size)")
    var bitmaps: [Bitmap] = []
    for character in characters { bitmaps.append(try bitmap(character, on: tile)) }
    let bottom = bitmaps.map { $0.top + $0.height }.max() ?? 0
    let rise = max(0, bottom - tile.height)
    return bitmaps.map { bitmap in
      let top = bitmap.top - rise
      let columns = max(0, bitmap.left)..<max(0, bitmap.left, min(tile.width, bitmap.left + bitmap.width))
      let rows = max(0, top)..<max(0, top, min(tile.height, top + bitmap.height))
      let glyph = GlyphAtlas.Glyph(
        left: columns.lowerBound, top: rows.lowerBound, width: columns.count, height: rows.count,
        offset: coverage.count)
      for row in rows {
        let line = (row - top) * bitmap.width - bitmap.left
        coverage += bitmap.coverage[(line + columns.lowerBound)..<(line + columns.upperBound)]
      }
      return glyph
    }
  }

  private func bitmap(_ character: Character, on tile: GlyphTile) throws(GeneratorError) -> Bitmap {
    guard let face, let scalar = character.unicodeScalars.first else {
      throw .unreadableFont(path: path, reason: "it is not open")
    }
    let index = FT_Get_Char_Index(face, FT_ULong(scalar.value))
    if index == 0 { throw .characterNotInFont(character: character, path: path) }
    try check(FT_Load_Glyph(face, index, FT_Int32(FT_LOAD_NO_BITMAP)), "loading '\(character)'")
    guard let slot = face.pointee.glyph else { throw .unreadableFont(path: path, reason: "it gave no glyph") }
    try check(FT_Render_Glyph(slot, FT_RENDER_MODE_NORMAL), "drawing '\(character)'")

    let bitmap = slot.pointee.bitmap
    let (width, height) = (Int(bitmap.width), Int(bitmap.rows))
    let ascender = (Int(face.pointee.size.pointee.metrics.ascender) + 32) >> 6
    var coverage: [UInt8] = []
    if let buffer = bitmap.buffer {
      for row in 0..<height {
        coverage += UnsafeBufferPointer(start: buffer + row * Int(bitmap.pitch), count: width)
      }
    }
    return Bitmap(
      left: tile.originX + Int(slot.pointee.bitmap_left),
      top: tile.originY + ascender - Int(slot.pointee.bitmap_top), width: width, height: height, coverage: coverage)
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
