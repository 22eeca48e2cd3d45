import Tensor

/// Images that are drawn when they are needed, new ones in every epoch.
///
/// Image `i` of epoch `e` is image `e · count + i` of the drawn ones.
public struct GeneratedBatches: BatchSource {
  public let count: Int
  private let images: DrawnImages
  private let codec: LabelCodec

  /// - Parameter count: images per epoch.
  /// - Throws: `LabelError` where the generator draws labels that `codec` cannot express.
  public init(_ images: DrawnImages, count: Int, codec: LabelCodec) throws {
    for label in images.generator.configuration.extremeLabels { _ = try codec.encode(label) }
    self.images = images
    self.count = count
    self.codec = codec
  }

  public func batch(_ indices: ArraySlice<Int>, epoch: Int) -> Batch {
    var pixels = Tensor(
      uninitialized: [indices.count, images.height, images.width, images.colorMode.channels], dtype: .uint8)
    let contents = pixels.withMutableElements(of: UInt8.self) { pixels in
      images.fill(pixels, indices: indices.map { epoch * count + $0 })
    }
    let classes = contents.flatMap { content in
      do {
        return try codec.encode(content.label).map(Int32.init)
      } catch {
        preconditionFailure("GeneratedBatches: \(error), although its extreme labels were accepted")
      }
    }
    return Batch(
      images: pixels.floats(dividedBy: 255), classes: Tensor(classes, shape: [indices.count, codec.maximumLength]))
  }

  public var identity: String { "\(count) images drawn per epoch, \(images.identity)" }
}

extension DrawnImages {
  /// What tells these images from others.
  fileprivate var identity: String {
    let drawn = generator.configuration
    let first = captcha(0).image.pixels.withUnsafeBytes { Checksum64.of($0) }
    return "types \(drawn.typesDescription), lengths \(drawn.lengths.lowerBound)-"
      + "\(drawn.lengths.upperBound), characters \(String(drawn.drawnCharacters)), "
      + "math label \(drawn.mathLabel.rawValue), \(width)x\(height) \(colorMode.rawValue), "
      + "the first with hash \(String(first, radix: 16))" + generator.options.map { ", \($0)" }.joined()
  }
}

extension CaptchaGenerator {
  /// The settings that are not as usual, and that neither the first image nor the types, lengths and characters need
  /// tell.
  fileprivate var options: [String] {
    var options: [String] = []
    let difficulty = configuration.difficulty
    if (configuration.width, configuration.height) != (200, 60) {
      options.append("drawn in \(configuration.width)x\(configuration.height)")
    }
    if configuration.foldsCase { options.append("labels in lower case") }
    if configuration.fonts != nil { options.append("\(fonts.count) fonts with hash \(String(glyphHash, radix: 16))") }
    if difficulty != .original {
      options.append(
        "lines \(difficulty.lines), noise \(difficulty.noise), overlap \(difficulty.overlap), blur \(difficulty.blur)")
    }
    return options
  }
}
