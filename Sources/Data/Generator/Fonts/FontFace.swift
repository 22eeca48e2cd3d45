import CFreeType
import Foundation

/// One character drawn at one size.
struct GlyphBitmap {
  /// The column of the bitmap's left edge, from where the pen is.
  var left: Int
  /// The rows from the line's ascender down to the bitmap's upper edge.
  var top: Int
  var width: Int
  var height: Int
  /// The rows from the line's ascender down to its baseline.
  var baseline: Int
  /// How far the pen moves, in whole pixels.
  var advance: Int
  /// `height × width` bytes: 0 outside, 255 inside, between at the border.
  var coverage: [UInt8]

  subscript(column: Int, row: Int) -> UInt8 { coverage[row * width + column] }
}

/// A font file opened by FreeType. Not thread-safe.
final class FontFace {
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

  /// Draws `character`, hinted by the font's own instructions as Pillow does.
  func draw(_ character: Character, size: Int) throws(GeneratorError) -> GlyphBitmap {
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
    let (width, height) = (Int(bitmap.width), Int(bitmap.rows))
    var coverage: [UInt8] = []
    coverage.reserveCapacity(width * height)
    if let buffer = bitmap.buffer {
      for row in 0..<height {
        coverage += UnsafeBufferPointer(start: buffer + row * Int(bitmap.pitch), count: width)
      }
    }
    let ascender = ascender(of: face)
    return GlyphBitmap(
      left: Int(slot.pointee.bitmap_left), top: ascender - Int(slot.pointee.bitmap_top), width: width, height: height,
      baseline: ascender, advance: (Int(slot.pointee.linearHoriAdvance) + 0x8000) >> 16, coverage: coverage)
  }

  /// The height of the line's upper edge above the baseline, in pixels at the size that is set.
  private func ascender(of face: FT_Face) -> Int {
    // Noto Mono is Droid Sans Mono under a newer name, with the same outlines but less space above. The box about all
    // glyphs still has the old ascender as its upper edge, which makes the two fonts the same.
    if let family = face.pointee.family_name, String(cString: family) == "Noto Mono" {
      let pixels = FT_MulFix(face.pointee.bbox.yMax, face.pointee.size.pointee.metrics.y_scale)
      return (Int(pixels) + 63) >> 6
    }
    return (Int(face.pointee.size.pointee.metrics.ascender) + 32) >> 6
  }

  private func check(_ code: FT_Error, _ action: String) throws(GeneratorError) {
    if code != 0 { throw .unreadableFont(path: path, reason: "\(action) failed, FreeType error \(code)") }
  }
}

/// The bound on what a style keeps of its glyphs.
enum GlyphMemory {
  /// The most memory that the bitmaps may take, in bytes: many times what ten fonts need for images of 200 × 60.
  static let largestByteCount = 128 << 20

  /// - Throws: ``GeneratorError/invalidConfiguration(key:value:remedy:)`` where the bitmaps take more.
  static func check(
    _ byteCount: Int, fonts: [String], characters: [Character], size: Int
  ) throws(GeneratorError) {
    guard byteCount > largestByteCount else { return }
    let limit =
      "the glyphs of \(characters.count) characters take more than \(largestByteCount >> 20) MiB at \(size) pixels"
    if fonts.count > 1 {
      throw .invalidConfiguration(
        key: "fonts", value: "\(fonts.count) files",
        remedy: "\(limit); use fewer fonts or characters, or smaller images")
    }
    throw .invalidConfiguration(
      key: "height", value: "as large as that", remedy: "\(limit); use fewer characters, or smaller images")
  }
}

/// Finds the font that a style draws with where the user names none.
struct FontLocation {
  /// Where Linux distributions put the font, in the order of preference.
  let usual: [String]
  /// The Debian package that has it.
  let package: String

  /// DejaVu Sans Bold, the font of the original system, as in Debian, Ubuntu, Fedora, Arch and Alpine Linux.
  static let dejaVuSansBold = FontLocation(
    usual: [
      "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf",
      "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans-Bold.ttf",
      "/usr/share/fonts/TTF/DejaVuSans-Bold.ttf",
      "/usr/share/fonts/dejavu/DejaVuSans-Bold.ttf",
      "/usr/local/share/fonts/DejaVuSans-Bold.ttf",
    ], package: "fonts-dejavu-core")

  /// Droid Sans Mono, the font of the Python package `captcha`, or Noto Mono, which has the same glyphs; as in Debian,
  /// Ubuntu, Fedora and Arch Linux.
  static let droidSansMono = FontLocation(
    usual: [
      "/usr/share/fonts/truetype/droid/DroidSansMono.ttf",
      "/usr/share/fonts/google-droid-sans-mono-fonts/DroidSansMono.ttf",
      "/usr/share/fonts/droid/DroidSansMono.ttf",
      "/usr/local/share/fonts/DroidSansMono.ttf",
      "/usr/share/fonts/truetype/noto/NotoMono-Regular.ttf",
      "/usr/share/fonts/noto/NotoMono-Regular.ttf",
      "/usr/local/share/fonts/NotoMono-Regular.ttf",
    ], package: "fonts-noto-mono")

  static func usual(for style: CaptchaStyle) -> FontLocation {
    switch style {
    case .classic: .dejaVuSansBold
    case .library: .droidSansMono
    }
  }

  /// The first of `paths` that exists, or of the usual ones where there are none.
  func find(in paths: [String]? = nil) throws(GeneratorError) -> String {
    let paths = paths ?? usual
    guard let path = paths.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
      throw .fontNotFound(searched: paths, package: package)
    }
    return path
  }
}
