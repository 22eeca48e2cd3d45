import Data
import Foundation

/// The two parts of the images of a training.
struct TrainingImages {
  let training: Dataset
  let validation: Dataset

  /// The types of the training part, sorted; nil where an image's type is not known.
  var types: [String]? {
    var types = Set<String>()
    for type in training.types {
      guard let type else { return nil }
      types.insert(type)
    }
    return types.sorted()
  }

  /// Reads or draws the images that a configuration names.
  init(_ configuration: TrainingConfiguration) throws {
    let data = configuration.data
    let all: Dataset
    if let path = data.path {
      all = try Self.load(path, configuration)
    } else {
      let generator = try CaptchaGenerator(
        configuration: GeneratorConfiguration(data.generate, charset: configuration.model.codec.charset))
      let progress = ProgressLine("drawing images")
      all = try Dataset.drawn(
        by: generator, indices: 0..<data.generate.count, seed: configuration.seed, for: configuration.model,
        progress: progress.update)
      progress.finish()
    }
    if let path = data.validationPath {
      training = all
      validation = try Self.load(path, configuration)
    } else {
      (training, validation) = try all.split(
        validationFraction: data.validationFraction, seed: configuration.seed)
    }
  }

  private static func load(_ path: String, _ configuration: TrainingConfiguration) throws -> Dataset {
    let model = configuration.model
    let progress = ProgressLine("reading images")
    let loaded = try DatasetLoader(
      options: DatasetOptions(
        width: model.imageWidth, height: model.imageHeight, colorMode: model.colorMode, codec: model.codec,
        maximumRejectedShare: configuration.data.maximumRejectedShare)
    ).load(path, progress: progress.update)
    progress.finish()
    if !loaded.rejected.isEmpty {
      StandardStreams.note(
        "\(path): \(loaded.rejected.count) images are left out, such as \(loaded.rejected[0]); "
          + "`captcha-cli dataset check \(path)` lists all")
    }
    return loaded.dataset
  }
}
