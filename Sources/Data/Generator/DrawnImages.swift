import Tensor

/// The images of one seed in the size and colours that a model takes, drawn when they are asked for.
public struct DrawnImages: Sendable {
  public let generator: CaptchaGenerator
  /// Size of the images; where the generator draws another, they are resized.
  public let width: Int
  public let height: Int
  public let colorMode: ColorMode
  private let seed: UInt64
  private let resizer: LanczosResizer?

  /// What a set of images is for; those of equal index but another purpose are other images.
  public enum Purpose: String, Sendable {
    case training, validation, heldOut
  }

  public init(
    _ generator: CaptchaGenerator, width: Int, height: Int, colorMode: ColorMode, seed: UInt64, purpose: Purpose
  ) {
    self.generator = generator
    self.width = width
    self.height = height
    self.colorMode = colorMode
    self.seed = RandomStream(seed: seed).stream("images of \(purpose.rawValue)").key
    let drawn = generator.configuration
    resizer =
      drawn.width == width && drawn.height == height
      ? nil
      : LanczosResizer(sourceWidth: drawn.width, sourceHeight: drawn.height, width: width, height: height)
  }

  /// Image `index` as the generator draws it, before it is resized.
  public func captcha(_ index: Int) -> Captcha { generator.captcha(index: index, seed: seed) }

  /// Draws images side by side into `pixels`, [indices.count, height, width, channels], divided among the threads.
  ///
  /// - Returns: what each image shows, in order.
  @discardableResult
  public func fill(_ pixels: UnsafeMutableBufferPointer<UInt8>, indices: [Int]) -> [CaptchaContent] {
    guard let resizer else {
      return generator.fill(pixels, indices: indices, seed: seed, colorMode: colorMode)
    }
    let size = width * height * colorMode.channels
    precondition(
      pixels.count == indices.count * size,
      "DrawnImages.fill: \(indices.count) images need \(indices.count * size) bytes, not \(pixels.count)")
    nonisolated(unsafe) let pixels = pixels
    return Threads.map(count: indices.count) { item in
      let captcha = captcha(indices[item])
      let image = resizer.resize(captcha.image.converted(to: colorMode))
      _ = UnsafeMutableBufferPointer(rebasing: pixels[item * size..<(item + 1) * size]).update(
        fromContentsOf: image.pixels)
      return captcha.content
    }
  }

  /// Draws images straight into memory.
  ///
  /// - Throws: `DatasetError.outOfMemory`.
  public func dataset(_ indices: Range<Int>, progress: ProgressHandler? = nil) throws -> Dataset {
    try Dataset(
      width: width, height: height, channels: colorMode.channels, count: indices.count, progress: progress
    ) { offset, pixels in
      let index = indices.lowerBound + offset
      let content: CaptchaContent
      if let resizer {
        let captcha = captcha(index)
        _ = pixels.update(fromContentsOf: resizer.resize(captcha.image.converted(to: colorMode)).pixels)
        content = captcha.content
      } else {
        content = generator.fill(pixels, indices: CollectionOfOne(index), seed: seed, colorMode: colorMode)[0]
      }
      return Sample(
        name: "drawn-\(index)", label: content.label, type: content.type.rawValue, text: content.text,
        style: content.style.rawValue)
    }
  }
}
