import Tensor

/// Images that are drawn when they are needed, new ones in every epoch.
///
/// Image `i` of epoch `e` is image `e · count + i` of the generator.
public struct GeneratedBatches: BatchSource {
  public let count: Int
  private let generator: CaptchaGenerator
  private let seed: UInt64
  private let colorMode: ColorMode
  private let codec: LabelCodec

  /// - Parameters:
  ///   - generator: draws images of the model's size.
  ///   - count: images per epoch.
  /// - Throws: `LabelError` where the generator draws labels that `codec` cannot express.
  public init(
    _ generator: CaptchaGenerator, count: Int, seed: UInt64, colorMode: ColorMode, codec: LabelCodec
  ) throws {
    for label in generator.configuration.extremeLabels { _ = try codec.encode(label) }
    self.generator = generator
    self.count = count
    self.seed = seed
    self.colorMode = colorMode
    self.codec = codec
  }

  public func batch(_ indices: ArraySlice<Int>, epoch: Int) -> Batch {
    let (width, height) = (generator.configuration.width, generator.configuration.height)
    var pixels = Tensor(uninitialized: [indices.count, height, width, colorMode.channels], dtype: .uint8)
    let contents = pixels.withMutableElements(of: UInt8.self) { pixels in
      generator.fill(pixels, indices: indices.map { epoch * count + $0 }, seed: seed, colorMode: colorMode)
    }
    let classes = contents.flatMap { content in
      do {
        return try codec.encode(content.label).map(Int32.init)
      } catch {
        preconditionFailure("GeneratedBatches: \(error); generate what the codec can express")
      }
    }
    return Batch(
      images: pixels.floats(dividedBy: 255),
      classes: Tensor(classes, shape: [indices.count, codec.maximumLength]))
  }

  public var identity: String {
    let settings = generator.configuration
    return "\(count) drawn images per epoch, seed \(seed), \(settings.types.map(\.rawValue).joined(separator: ",")) "
      + "\(settings.lengths.lowerBound)-\(settings.lengths.upperBound) of \(settings.charset), "
      + "\(settings.style.rawValue), math \(settings.mathLabel.rawValue), "
      + "\(settings.width)x\(settings.height) \(colorMode.rawValue)"
  }
}
