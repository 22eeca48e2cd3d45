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
    let first = captcha(0).image.pixels.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    return "types \(drawn.types.map(\.rawValue).joined(separator: ",")), lengths \(drawn.lengths.lowerBound)-"
      + "\(drawn.lengths.upperBound), characters \(drawn.charset), math label \(drawn.mathLabel.rawValue), "
      + "\(width)x\(height) \(colorMode.rawValue), the first with hash \(String(first, radix: 16))"
  }
}
