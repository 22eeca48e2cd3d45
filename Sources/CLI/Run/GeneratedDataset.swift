import Data
import Models

extension Dataset {
  /// Draws images straight into memory, in the size and colours that a model takes.
  ///
  /// - Parameters:
  ///   - indices: which images of the seed; other indices are other images.
  static func drawn(
    by generator: CaptchaGenerator, indices: Range<Int>, seed: UInt64, for model: ModelConfiguration,
    progress: ProgressHandler?
  ) throws -> Dataset {
    let (width, height) = (generator.configuration.width, generator.configuration.height)
    let fits = width == model.imageWidth && height == model.imageHeight
    let resizer = LanczosResizer(
      sourceWidth: width, sourceHeight: height, width: model.imageWidth, height: model.imageHeight)
    return try Dataset(
      width: model.imageWidth, height: model.imageHeight, channels: model.colorMode.channels, count: indices.count,
      progress: progress
    ) { offset, pixels in
      let index = indices.lowerBound + offset
      let content: CaptchaContent
      if fits {
        content = generator.fill(pixels, indices: index..<index + 1, seed: seed, colorMode: model.colorMode)[0]
      } else {
        let captcha = generator.captcha(index: index, seed: seed)
        let image = resizer.resize(captcha.image.converted(to: model.colorMode))
        _ = pixels.initialize(fromContentsOf: image.pixels)
        content = captcha.content
      }
      return Sample(
        name: "drawn-\(index)", label: content.label, type: content.type.rawValue, text: content.text,
        style: content.style.rawValue)
    }
  }
}
