import Foundation

/// What a check keeps of an image that it has read: no pixels, so that a million images fit into memory.
struct CheckedImage: Sendable {
  /// The hash of size and pixels by which equal pictures are found.
  let pictureHash: UInt64
  let width: Int
  let height: Int
  /// Whether all pixels have the same colour.
  let isUniform: Bool
  /// The format of the content where the file's name says another.
  let misnamedFormat: ImageFormat?
  /// Whether the digest in the file's name is that of the content; nil where the name holds none.
  let hasDigestOfName: Bool?

  /// Why a file is left out.
  struct Failure: Error {
    let kind: DatasetFinding.Kind
    let reason: String
  }

  /// Reads the file at `path`, decodes it once, and gives the image to `use`.
  init(path: String, limits: ImageLimits, use: (Image) -> Void) throws(Failure) {
    let content: ImageFileContent
    do {
      content = try ImageFileContent(path: path, limits: limits)
    } catch {
      throw Self.failure(error, path: path)
    }
    let formatOfName = ImageFormat(fileExtension: (path as NSString).pathExtension)
    let format = ImageFormat(signatureOf: content.bytes)
    misnamedFormat = formatOfName != nil && format != formatOfName ? format : nil
    let image: Image
    do {
      image = try content.image(limits: limits)
    } catch {
      let failure = Self.failure(error, path: path)
      throw failure.kind == .unreadableImage && misnamedFormat != nil
        ? Failure(kind: .wrongExtension, reason: failure.reason) : failure
    }
    width = image.width
    height = image.height
    pictureHash = image.pictureHash
    isUniform = image.isUniform
    let name = FileNameParts(path)
    hasDigestOfName = name.hasMD5Digest ? name.hash?.lowercased() == MD5.hexDigest(content.bytes) : nil
    use(image)
  }

  private static func failure(_ error: any Error, path: String) -> Failure {
    let failure = ImageFailure(error, path: path)
    let kind: DatasetFinding.Kind =
      switch failure {
      case .missingFile: .missingFile
      case .missingLibrary: .missingLibrary
      case .unreadable: .unreadableImage
      }
    return Failure(kind: kind, reason: failure.reason)
  }
}

/// The bytes of an image file and the picture in them: the one place where a check reads images.
struct ImageFileContent {
  let path: String
  let bytes: [UInt8]

  init(path: String, limits: ImageLimits) throws {
    self.path = path
    bytes = try RegularFile(path).bytes(maximum: limits.maximumFileSize)
  }

  func image(limits: ImageLimits) throws -> Image { try ImageFile.decode(bytes, named: path, limits: limits) }
}

extension Image {
  /// A hash that equal pictures share: of the size and the pixels in colour, so that a gray picture is the same whether its
  /// file has one channel or three.
  var pictureHash: UInt64 {
    // The same bytes in another shape are another picture.
    rgb().pixels.withUnsafeBytes { Checksum64.of($0, seed: UInt64(width) << 32 | UInt64(height)) }
  }

  /// Whether size and colour of every pixel are those of `other`, however many channels both have.
  func showsSamePicture(as other: Image) -> Bool {
    width == other.width && height == other.height && rgb().pixels == other.rgb().pixels
  }

  /// Whether all pixels have the same colour.
  var isUniform: Bool {
    pixels.withUnsafeBufferPointer { pixels in
      // Every value equals the one of the pixel before.
      !zip(pixels, pixels.dropFirst(channels)).contains { $0 != $1 }
    }
  }
}
