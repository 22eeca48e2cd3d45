/// Reading of image files in any of the formats of `ImageFormat`.
///
/// The first bytes decide about the format, never the file's name. PNG is read as `PNG` says. Of a GIF animation the first
/// frame is read. Orientation and colour profiles are not applied, as in Pillow.
public enum ImageFile {
  /// Reads the image file at `path`.
  ///
  /// Transparent pixels are blended with white. Grayscale from colour is `Image.grayscale()`.
  /// - Parameters:
  ///   - mode: the channels of the result; `nil` keeps gray PNG images gray and all others in colour.
  ///   - limits: what is larger is refused before memory is taken for it.
  /// - Throws: `ImageError` if the file can't be read, is larger than `limits`, is of no such format or is damaged, or the
  ///   library for its format is not installed.
  public static func read(_ path: String, as mode: ColorMode? = nil, limits: ImageLimits = ImageLimits()) throws
    -> Image
  {
    let bytes = try RegularFile(path).bytes(maximum: limits.maximumFileSize)
    return try decode(bytes, named: path, as: mode, limits: limits)
  }

  /// Decodes the bytes of an image file; `name` is what errors call it. See `read(_:as:limits:)`.
  public static func decode(
    _ bytes: [UInt8], named name: String, as mode: ColorMode? = nil, limits: ImageLimits = ImageLimits()
  ) throws -> Image {
    try decode(bytes, named: name, as: mode, limits: limits, library: PixbufLibrary.system)
  }

  /// The same with a given library, or the reason why there is none.
  static func decode(
    _ bytes: [UInt8], named name: String, as mode: ColorMode? = nil, limits: ImageLimits = ImageLimits(),
    library: @autoclosure () -> Result<PixbufLibrary, PixbufLibrary.Unavailable>
  ) throws -> Image {
    try limits.check(bytes, named: name)
    guard let format = ImageFormat(signatureOf: bytes) else {
      // A file that ends within a signature is a damaged image rather than something else.
      if let format = ImageFormat.allCases.first(where: { $0.signature.starts(with: bytes) }) {
        throw ImageError.corrupt(file: name, format: format, reason: "the file ends early")
      }
      throw ImageError.unknownFormat(file: name, kind: otherKind(of: bytes))
    }
    if format == .png { return try PNG.decode(bytes, named: name, as: mode, limits: limits) }
    switch library() {
    case .success(let library):
      return try library.decode(bytes, format: format, named: name, limits: limits).converted(to: mode ?? .rgb)
    case .failure(let unavailable):
      throw ImageError.missingLibrary(file: name, format: format, reason: unavailable.reason)
    }
  }

  /// What else the file is, where that is known.
  private static func otherKind(of bytes: [UInt8]) -> String? {
    func hasText(_ text: String, at offset: Int) -> Bool { bytes.dropFirst(offset).starts(with: Array(text.utf8)) }
    if hasText("RIFF", at: 0) && hasText("WEBP", at: 8) { return "a WebP image" }
    if hasText("ftypavif", at: 4) { return "an AVIF image" }
    if hasText("II*\0", at: 0) || hasText("MM\0*", at: 0) { return "a TIFF image" }
    if hasText("<svg", at: 0) { return "an SVG image" }
    if hasText("<!DOCTYPE html", at: 0) || hasText("<html", at: 0) { return "an HTML page" }
    return nil
  }
}
