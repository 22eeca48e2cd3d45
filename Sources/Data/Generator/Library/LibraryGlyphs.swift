/// The glyphs of some characters in some fonts at some sizes, as the style ``CaptchaStyle/library`` draws them;
/// immutable, so that all threads share it.
final class LibraryGlyphs: Sendable {
  /// One glyph, cut to its ink, as coverage: 0 outside, 255 inside, between at the border.
  struct Glyph: Equatable {
    /// The size of the ink; 0 where there is none.
    var width: Int
    var height: Int
    /// The size of the picture that the warped glyph fills.
    var boxWidth: Int
    var boxHeight: Int
    /// Where the bitmap begins in ``LibraryGlyphs/coverage``: `(height + 2) × (width + 2)` bytes, as the outermost rows
    /// and columns of the ink are there twice.
    var offset: Int

    /// The bytes from one row of the bitmap to the next.
    var stride: Int { width + 2 }
  }

  /// All bitmaps, one after the other.
  let coverage: [UInt8]
  /// The combinations of a font and a size.
  let faceCount: Int
  /// The largest sizes among the glyphs.
  let largestDiagonal: Int
  let largestBoxWidth: Int
  let largestBoxHeight: Int
  private let glyphs: [Glyph]
  private let positions: [Character: Int]
  private let shiftCount: Int

  /// Draws every character and the space in every font at every size.
  ///
  /// - Parameters:
  ///   - fonts: at least one font file.
  ///   - sizes: at least one size, in pixels per em.
  ///   - shiftCount: how many columns a character may be shifted to the right, less one.
  init(fonts: [String], characters: [Character], sizes: [Int], shiftCount: Int) throws(GeneratorError) {
    precondition(
      !fonts.isEmpty && !sizes.isEmpty && shiftCount > 0, "LibraryGlyphs: fonts, sizes and shifts must be given")
    var positions: [Character: Int] = [:]
    for character in [" "] + characters where positions[character] == nil { positions[character] = positions.count }
    var faces: [FontFace] = []
    for path in fonts { faces.append(try FontFace(path: path)) }
    var coverage: [UInt8] = []
    var glyphs: [Glyph] = []
    let ordered = positions.sorted(by: { $0.value < $1.value }).map(\.key)
    for character in ordered {
      for (path, face) in zip(fonts, faces) {
        for size in sizes {
          let bitmap = try Self.bitmap(of: character, size: size, face: face, path: path)
          for shift in 0..<shiftCount {
            // A bitmap that begins left of the pen is cut at the picture's edge unless it is shifted far enough.
            let cut = max(0, -bitmap.left - shift)
            if let last = glyphs.last, shift > 0 && cut == max(0, -bitmap.left - shift + 1) {
              glyphs.append(last)
            } else {
              glyphs.append(Glyph(bitmap, cut: cut, into: &coverage))
            }
          }
          try GlyphMemory.check(coverage.count, fonts: fonts, characters: ordered, size: size)
        }
      }
    }
    self.coverage = coverage
    self.glyphs = glyphs
    self.positions = positions
    self.shiftCount = shiftCount
    faceCount = faces.count * sizes.count
    let diagonals = glyphs.map { Double($0.width * $0.width + $0.height * $0.height).squareRoot().rounded(.up) }
    largestDiagonal = Int(diagonals.max() ?? 0)
    largestBoxWidth = glyphs.map(\.boxWidth).max() ?? 0
    largestBoxHeight = glyphs.map(\.boxHeight).max() ?? 0
  }

  /// Draws a character and refuses what no text could be made of.
  private static func bitmap(
    of character: Character, size: Int, face: FontFace, path: String
  ) throws(GeneratorError) -> GlyphBitmap {
    let bitmap: GlyphBitmap
    do {
      bitmap = try face.draw(character, size: size)
    } catch .characterNotInFont(" ", _) {
      throw .unreadableFont(path: path, reason: "it lacks the space, which this style puts between characters")
    }
    if character != " ", !bitmap.coverage.contains(where: { $0 > 0 }) {
      throw .emptyGlyph(character: character, path: path)
    }
    let largest = max(bitmap.advance, bitmap.left + bitmap.width, bitmap.baseline, bitmap.top + bitmap.height)
    if largest > 20 * size {
      throw .unreadableFont(path: path, reason: "'\(character)' takes \(largest) pixels at the size \(size)")
    }
    return bitmap
  }

  /// The glyph of the space or of a character that the glyphs were drawn for.
  ///
  /// - Parameters:
  ///   - face: 0 to ``faceCount`` - 1.
  ///   - shift: 0 to the number of shifts less one.
  func glyph(_ character: Character, face: Int, shift: Int) -> Glyph {
    guard let position = positions[character], face < faceCount, shift < shiftCount else {
      preconditionFailure("LibraryGlyphs: '\(character)', face \(face), shift \(shift) was not drawn")
    }
    return glyphs[(position * faceCount + face) * shiftCount + shift]
  }
}

extension LibraryGlyphs.Glyph {
  /// Appends the ink of a bitmap without its first `cut` columns to `coverage`.
  fileprivate init(_ bitmap: GlyphBitmap, cut: Int, into coverage: inout [UInt8]) {
    // Pillow's `textbbox` at (1, 1), which holds the ink and the baseline as far as the pen moves on it.
    // At least one pixel, whatever a font says of itself.
    boxWidth = 1 + max(0, bitmap.advance, bitmap.left + bitmap.width)
    boxHeight = 1 + max(0, bitmap.baseline, bitmap.top + bitmap.height)
    offset = coverage.count
    let columns = (min(cut, bitmap.width)..<bitmap.width).filter { column in
      (0..<bitmap.height).contains { bitmap[column, $0] > 0 }
    }
    let rows = (0..<bitmap.height).filter { row in columns.contains { bitmap[$0, row] > 0 } }
    guard let left = columns.first, let right = columns.last, let top = rows.first, let bottom = rows.last else {
      (width, height) = (0, 0)
      return
    }
    (width, height) = (right - left + 1, bottom - top + 1)
    for row in [top] + Array(top...bottom) + [bottom] {
      for column in [left] + Array(left...right) + [right] { coverage.append(bitmap[column, row]) }
    }
  }
}
