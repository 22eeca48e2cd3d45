import CPNGCodec
import Foundation

/// Reading and writing of PNG images.
///
/// Every colour type, bit depth and interlacing is read. Values are taken as they are stored: gamma and colour profiles
/// are not applied, and 16-bit values keep their high byte, both as in Pillow (except for 16-bit gray, which Pillow clips).
public enum PNG {
  /// Reads the PNG file at `path`.
  ///
  /// Transparent pixels are blended with white. Grayscale from colour is `Image.grayscale()`.
  /// - Parameters:
  ///   - mode: the channels of the result; `nil` keeps gray images gray and colour images in colour.
  /// - Throws: `ImageError` if the file can't be read, is larger than `limits`, is no PNG image or is damaged.
  public static func read(_ path: String, as mode: ColorMode? = nil, limits: ImageLimits = ImageLimits()) throws
    -> Image
  {
    let bytes = try readBytes(path, maximum: limits.maximumFileSize)
    return try decode(bytes, named: path, as: mode, limits: limits)
  }

  /// Decodes the bytes of a PNG file; `name` is what errors call it. See `read(_:as:limits:)`.
  public static func decode(
    _ bytes: [UInt8], named name: String, as mode: ColorMode? = nil, limits: ImageLimits = ImageLimits()
  ) throws -> Image {
    if bytes.isEmpty { throw ImageError.empty(file: name) }
    if bytes.count > limits.maximumFileSize {
      throw ImageError.fileTooLarge(file: name, bytes: bytes.count, maximum: limits.maximumFileSize)
    }
    guard bytes.starts(with: signature) else {
      // A file that ends within the signature is a truncated PNG rather than something else.
      if signature.starts(with: bytes) { throw ImageError.corrupt(file: name, reason: "the file ends early") }
      throw ImageError.notPNG(file: name, kind: kind(of: bytes))
    }
    return try bytes.withUnsafeBufferPointer { source in
      var info = png_codec_info()
      let (opened, openMessage) = withMessage { message in
        png_codec_open(source.baseAddress, source.count, &info, message)
      }
      guard let reader = opened else { throw ImageError.corrupt(file: name, reason: openMessage) }
      defer { png_codec_close(reader) }
      let (width, height, channels) = (Int(info.width), Int(info.height), Int(info.channels))
      if width > limits.maximumWidth || height > limits.maximumHeight {
        throw ImageError.tooLarge(
          file: name, width: width, height: height, maximumWidth: limits.maximumWidth,
          maximumHeight: limits.maximumHeight)
      }
      let pixels = try [UInt8](unsafeUninitializedCapacity: width * height * channels) { buffer, initialized in
        let (status, message) = withMessage { png_codec_read(reader, buffer.baseAddress, $0) }
        guard status == 0 else { throw ImageError.corrupt(file: name, reason: message) }
        initialized = width * height * channels
      }
      let isColor = channels > 2
      let opaque = channels % 2 == 0 ? blendedWithWhite(pixels, channels: channels) : pixels
      let image = Image(width: width, height: height, channels: isColor ? 3 : 1, pixels: opaque)
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

  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Calls `body` with a message buffer and returns its result and the message that it left.
  private static func withMessage<Result>(_ body: (UnsafeMutablePointer<CChar>) -> Result) -> (Result, String) {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PNG_CODEC_MESSAGE_SIZE)) { buffer in
      buffer.initialize(repeating: 0)
      let result = body(buffer.baseAddress!)
      return (result, String(cString: buffer.baseAddress!))
    }
  }

  /// Drops the last of `channels` values of each pixel, the alpha, after blending the others with white by it:
  /// `(value * alpha + 255 * (255 - alpha)) / 255`, rounded to the nearest.
  private static func blendedWithWhite(_ pixels: [UInt8], channels: Int) -> [UInt8] {
    let kept = channels - 1
    let count = pixels.count / channels
    return [UInt8](unsafeUninitializedCapacity: count * kept) { target, initialized in
      for pixel in 0..<count {
        let alpha = UInt32(pixels[pixel * channels + kept])
        for channel in 0..<kept {
          let sum = UInt32(pixels[pixel * channels + channel]) * alpha + 255 * (255 - alpha) + 128
          target[pixel * kept + channel] = UInt8(truncatingIfNeeded: (sum + sum >> 8) >> 8)
        }
      }
      initialized = count * kept
    }
  }

  private static func kind(of bytes: [UInt8]) -> String? {
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return "a JPEG image" }
    if bytes.starts(with: Array("GIF8".utf8)) { return "a GIF image" }
    if bytes.starts(with: Array("BM".utf8)) { return "a BMP image" }
    if bytes.starts(with: Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: Array("WEBP".utf8)) {
      return "a WebP image"
    }
    return nil
  }

  /// The bytes of the regular file at `path`, at most `maximum` of them.
  static func readBytes(_ path: String, maximum: Int) throws -> [UInt8] {
    func failure(_ code: Int32) -> ImageError { .unreadable(file: path, reason: String(cString: strerror(code))) }
    // Not blocking, so that a named pipe is refused instead of waited for.
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    if descriptor < 0 { throw failure(errno) }
    defer { close(descriptor) }
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw failure(errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw ImageError.unreadable(file: path, reason: "not a regular file")
    }
    let size = Int(status.st_size)
    if size > maximum { throw ImageError.fileTooLarge(file: path, bytes: size, maximum: maximum) }
    return try [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
      while initialized < size {
        let got = Foundation.read(descriptor, buffer.baseAddress! + initialized, size - initialized)
        if got == 0 { break }
        if got < 0 {
          if errno == EINTR { continue }
          throw failure(errno)
        }
        initialized += got
      }
    }
  }
}
