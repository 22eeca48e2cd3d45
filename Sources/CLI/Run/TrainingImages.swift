import Data
import Foundation
import Models

/// The two parts of the images of a training.
struct TrainingImages {
  let training: any BatchSource
  let validation: Dataset
  /// The types of the training part, sorted; nil where an image's type is not known.
  let types: [String]?
  /// The sizes that the images of the training part had before they were scaled to the model's, sorted.
  let sizes: [String]
  /// What of the images hardly is what the user wants.
  let warnings: [String]

  /// Reads or draws the images that a configuration names.
  init(_ configuration: TrainingConfiguration) throws {
    let data = configuration.data
    let codec = configuration.model.codec
    if data.path == nil, data.generate.fresh {
      let drawn = try DrawnImages(configuration, purpose: .training)
      training = try Self.augmented(GeneratedBatches(drawn, count: data.generate.count, codec: codec), configuration)
      let progress = ProgressLine("drawing validation images")
      let count = max(1, Int(Double(data.generate.count) * data.validationFraction))
      validation = try DrawnImages(configuration, purpose: .validation).dataset(0..<count, progress: progress.update)
      progress.finish()
      types = data.generate.types.map(\.rawValue).sorted()
      sizes = [drawn.drawnSize]
      warnings = Self.warningOfDrawnAnswers(configuration)
      return
    }
    let all: Dataset
    if let path = data.path {
      let loaded = try Self.load(path, configuration)
      all = loaded.dataset
      sizes = loaded.imageSizes.keys.sorted()
      warnings = [Self.warningOfAnswers(all, path, configuration.decoding.grammar)].compactMap(\.self)
    } else {
      let progress = ProgressLine("drawing images")
      let drawn = try DrawnImages(configuration, purpose: .training)
      all = try drawn.dataset(0..<data.generate.count, progress: progress.update)
      sizes = [drawn.drawnSize]
      warnings = Self.warningOfDrawnAnswers(configuration)
      progress.finish()
    }
    let part: Dataset
    if let path = data.validationPath {
      part = all
      validation = try Self.load(path, configuration).dataset
    } else {
      (part, validation) = try all.split(validationFraction: data.validationFraction, seed: configuration.seed)
    }
    training = try Self.augmented(DatasetBatches(part, codec: codec), configuration)
    let known = part.types.compactMap { $0 }
    types = known.count == part.count ? Set(known).sorted() : nil
  }

  /// Tells of answers from which a model is to learn questions: it would have to compute.
  private static func warningOfAnswers(_ images: Dataset, _ path: String, _ grammar: DecodingGrammar) -> String? {
    guard grammar == .arithmetic else { return nil }
    let sums = images.samples.filter { $0.type == CaptchaType.math.rawValue }
    // A question stands for its answer, and an answer for itself.
    let answers = sums.filter { grammar.canonicalText(of: $0.label) == $0.label }
    guard let first = answers.first else { return nil }
    return "\(path): \(answers.count) of \(sums.count) images of type math are labelled with answers, such as "
      + "\(first.name.visible) with \"\(first.label.visible)\", and \(ofQuestions); label them with what they show, such as "
      + "19+3=?, or set decoding.grammar=none"
  }

  /// The same of images that are drawn so.
  private static func warningOfDrawnAnswers(_ configuration: TrainingConfiguration) -> [String] {
    let images = configuration.data.generate
    guard configuration.decoding.grammar == .arithmetic, images.mathLabel == .answer, images.types.contains(.math)
    else { return [] }
    return [
      "data.generate.math_label is answer: the drawn images of type math are labelled with answers, and \(ofQuestions); "
        + "set data.generate.math_label=question, or decoding.grammar=none"
    ]
  }

  private static let ofQuestions = "decoding.grammar is arithmetic, for which a model learns questions"

  /// A few of the images that a configuration trains on: the first ones that are drawn, or some of a folder at random.
  static func sample(_ configuration: TrainingConfiguration, count: Int) throws -> Dataset {
    guard let path = configuration.data.path else {
      return try DrawnImages(configuration, purpose: .training).dataset(0..<count)
    }
    return try loader(configuration).sample(path, count: count, seed: configuration.seed)
  }

  private static func loader(_ configuration: TrainingConfiguration) -> DatasetLoader {
    let model = configuration.model
    return DatasetLoader(
      options: DatasetOptions(
        width: model.imageWidth, height: model.imageHeight, colorMode: model.colorMode, codec: model.codec,
        maximumRejectedShare: configuration.data.maximumRejectedShare, cache: configuration.data.cache))
  }

  /// The images of `source` as the configuration changes them for training.
  static func augmented(
    _ source: any BatchSource, _ configuration: TrainingConfiguration
  ) throws -> any BatchSource {
    let augmentations = try Plugins.current.augmentations.makeAugmentations(
      configuration.data.augmentations, for: configuration.model.colorMode)
    return augmentations.isEmpty
      ? source : AugmentedBatches(source, augmentations: augmentations, seed: configuration.seed)
  }

  private static func load(_ path: String, _ configuration: TrainingConfiguration) throws -> LoadedDataset {
    let progress = ProgressLine("reading images")
    let loaded = try loader(configuration).load(path, progress: progress.update, notice: StandardStreams.note)
    progress.finish()
    if !loaded.rejected.isEmpty {
      StandardStreams.note(
        "\(path): \(loaded.rejected.count) images are left out, such as \(loaded.rejected[0]); "
          + "`captcha-cli dataset check \(path)` lists all")
    }
    return loaded
  }
}

extension DrawnImages {
  /// The size of the images before they are scaled to the model's.
  fileprivate var drawnSize: String { "\(generator.configuration.width)×\(generator.configuration.height)" }

  /// The images that a configuration draws.
  init(_ configuration: TrainingConfiguration, purpose: Purpose) throws {
    let model = configuration.model
    self.init(
      try CaptchaGenerator(
        configuration: GeneratorConfiguration(configuration.data.generate, charset: model.codec.charset)),
      width: model.imageWidth, height: model.imageHeight, colorMode: model.colorMode, seed: configuration.seed,
      purpose: purpose)
  }
}
