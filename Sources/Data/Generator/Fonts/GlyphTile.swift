/// The tile that a character is drawn on before it is rotated, in pixels.
struct GlyphTile: Sendable, Hashable {
  var width = 50
  var height = 70
  /// Where a character's left edge and its ascender lie on the tile (Pillow's anchor `la`).
  var originX = 10
  var originY = 15

  /// The tile of the original system, for characters of 33 to 39 pixels per em.
  static let original = GlyphTile()

  func scaled(by factor: Double) -> GlyphTile {
    func scaled(_ length: Int) -> Int { max(1, Int((Double(length) * factor).rounded())) }
    return GlyphTile(
      width: scaled(width), height: scaled(height), originX: scaled(originX), originY: scaled(originY))
  }
}
