import CPNGCodec
import Foundation

/// The decoding and writing of PNG images; `ImageFile` reads files of this and other formats.
///
/// Every colour type, bit depth and interlacing is read. Values are taken as they are stored: gamma and colour profiles
/// are not applied, and 16-bit values keep their high byte, both as in Pillow (except for 16-bit gray, which Pillow clips).
public enum PNG {
  /// Decodes the bytes of a PNG file; `name` is what errors call it.
  ///
  /// Transparent pixels are blended with white. Grayscale from colour is `Image.grayscale()`.
  /// - Parameters:
  ///   - mode: the channels of the result; `nil` keeps gray images gray and colour images in colour.
  /// - Throws: `ImageError` if the file is larger than `limits`, is no PNG image or is damaged.
  public static func decode(
    _ bytes: [UInt8], named name: String, as mode: ColorMode? = nil, limits: ImageLimits = ImageLimits()
  ) throws -> Image {
    try limits.check(bytes, named: name)
    guard bytes.starts(with: ImageFormat.png.signature) else {
      let endsEarly = ImageFormat.png.signature.starts(with: bytes)
      throw damaged(name, endsEarly ? "the file ends early" : "it does not start as a PNG file does")
    }
    return try bytes.withUnsafeBufferPointer { source in
      var info = png_codec_info()
      let (opened, openMessage) = withMessage { message in
        png_codec_open(source.baseAddress, source.count, &info, message)
      }
      guard let reader = opened else { throw damaged(name, openMessage) }
      defer { png_codec_close(reader) }
      let (width, height, channels) = (Int(info.width), Int(info.height), Int(info.channels))
      if width > limits.maximumWidth || height > limits.maximumHeight {
        throw ImageError.tooLarge(
          file: name, width: width, height: height, maximumWidth: limits.maximumWidth,
          maximumHeight: limits.maximumHeight)
      }
      let pixels = try [UInt8](unsafeUninitializedCapacity: width * height * channels) { buffer, initialized in
        let (status, message) = withMessage { png_codec_read(reader, buffer.baseAddress, $0) }
        guard status == 0 else { throw damaged(name, message) }
        initialized = width * height * channels
      }
      let image =
        channels == 1 || channels == 3
        ? Image(width: width, height: height, channels: channels, pixels: pixels)
        : Image(
          width: width, height: height, channels: channels, rowStride: width * channels, blendingRows: pixels)
      return mode.map(image.converted) ?? image
    }
  }

  /// Encodes `image` as a PNG file.
  ///
  /// - Parameters:
  ///   - compressionLevel: zlib's, from 0 (none) to 9 (smallest, slowest).
  ///   - name: what errors call the image.
  public static func encode(_ image: Image, compressionLevel: Int = 6, named name: String = "image") throws -> [UInt8] {
    precondition((0...9).contains(compressionLevel), "PNG.encode: compressionLevel \(compressionLevel) is not in 0...9")
    var bytes: UnsafeMutablePointer<UInt8>?
    var size = 0
    let (status, message) = withMessage { message in
      image.pixels.withUnsafeBufferPointer { pixels in
        png_codec_encode(
          pixels.baseAddress, UInt32(image.width), UInt32(image.height), Int32(image.channels), Int32(compressionLevel),
          &bytes, &size, message)
      }
    }
    guard status == 0, let bytes else { throw ImageError.unwritable(file: name, reason: message) }
    defer { free(bytes) }
    return [UInt8](UnsafeBufferPointer(start: bytes, count: size))
  }

  /// Writes `image` to the PNG file at `path`, replacing what is there.
  public static func write(_ image: Image, to path: String, compressionLevel: Int = 6) throws {
    let bytes = try encode(image, compressionLevel: compressionLevel, named: path)
    do {
      try Foundation.Data(bytes).write(to: URL(fileURLWithPath: path))
    } catch {
      throw ImageError.unwritable(file: path, reason: (error as NSError).localizedDescription)
    }
  }

  private static func damaged(_ name: String, _ reason: String) -> ImageError {
    .corrupt(file: name, format: .png, reason: reason)
  }

  /// Calls `body` with a message buffer and returns its result and the message that it left.
  private static func withMessage<Result>(_ body: (UnsafeMutablePointer<CChar>) -> Result) -> (Result, String) {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PNG_CODEC_MESSAGE_SIZE)) { buffer in
      buffer.initialize(repeating: 0)
      let result = body(buffer.baseAddress!)
      return (result, String(cString: buffer.baseAddress!))
    }
  }
}
