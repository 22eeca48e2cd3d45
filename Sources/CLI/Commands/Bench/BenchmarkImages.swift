import Data
import Models
import Tensor

/// The images that measurements work on, in the size and colours of a model.
enum BenchmarkImages {
  /// How many different images are drawn, and how many files of a folder are used at most: enough that caches do not hold
  /// them all, and soon ready.
  static let count = 512

  /// What draws images for a model; always the same ones.
  static func drawn(for model: ModelConfiguration, style: CaptchaStyle = .classic) throws -> DrawnImages {
    DrawnImages(
      try CaptchaGenerator(configuration: GeneratorConfiguration(style: style)), width: model.imageWidth,
      height: model.imageHeight, colorMode: model.colorMode, seed: 42, purpose: .training)
  }

  /// Drawn images, or those of the folder that the user gave, whatever they show.
  ///
  /// - Throws: `DatasetError` or `ImageError`, which name the folder or file.
  static func dataset(_ folder: String?, for model: ModelConfiguration) throws -> Dataset {
    guard let folder else { return try drawn(for: model).dataset(0..<count) }
    let files = Array(try ImageFolder(folder).imagePaths().prefix(count))
    return try Dataset(
      width: model.imageWidth, height: model.imageHeight, channels: model.colorMode.channels, count: files.count
    ) { index, pixels in
      let image = try ImageFile.read(files[index], as: model.colorMode)
      _ = pixels.update(fromContentsOf: image.resized(width: model.imageWidth, height: model.imageHeight).pixels)
      return Sample(name: files[index], label: "")
    }
  }
}
