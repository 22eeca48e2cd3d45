import Callbacks
import Data
import Foundation
import Layers
import Models
import Optimizers
import PluginConfiguration
import Training

extension TrainingConfiguration {
  /// A shipped configuration, with `overrides` of the form `key.path=value` laid over it.
  ///
  /// - Throws: `ConfigurationFileError` for an override that cannot be.
  public init(recipe: Recipe, overrides: [String] = []) throws {
    try self.init(recipe.root(), overrides: overrides)
  }

  /// A configuration file; what it does not say is as in `base`.
  ///
  /// - Throws: `ConfigurationFileError` for a file that cannot be read, an unknown key or a value that cannot be.
  public init(file path: String, base: Recipe = .seed, overrides: [String] = []) throws {
    let text: String
    do {
      // Not `String(contentsOfFile:)`, which reads no pipes.
      let bytes = try FileHandle(forReadingFrom: URL(fileURLWithPath: path)).readToEnd() ?? Foundation.Data()
      guard let decoded = String(bytes: bytes, encoding: .utf8) else {
        throw CocoaError(.fileReadInapplicableStringEncoding)
      }
      text = decoded
    } catch {
      let exists = FileManager.default.fileExists(atPath: path)
      throw ConfigurationFileError(
        path,
        exists
          ? "cannot be read as UTF-8 text; give a YAML file"
          : "no such file; check the path, or write one with `captcha-cli config show > \(path)`")
    }
    try self.init(yaml: text, named: path, base: base, overrides: overrides)
  }

  /// The text of a configuration; `name` is what errors call it.
  public init(yaml: String, named name: String, base: Recipe = .seed, overrides: [String] = []) throws {
    let document = try ConfigurationNode(document: yaml, named: name)
    try self.init(base.root().overlaid(withConfiguration: document), overrides: overrides)
  }

  private init(_ root: ConfigurationNode, overrides: [String]) throws {
    let root = try overrides.reduce(root) { try $0.applying($1) }
    var section = try ConfigurationSection(root)
    seed = UInt64(try section.integer("seed", in: 0...Int.max))
    var dataSection = try section.section("data")
    var modelSection = try section.section("model")
    data = try DataConfiguration(&dataSection)
    model = try ModelConfiguration(&modelSection)
    var transferSection = try section.section("transfer")
    transfer = TransferConfiguration(
      initializeFrom: try transferSection.optionalText("initialize_from", "the path of a model file"),
      freeze: try transferSection.texts("freeze", "a list of patterns such as conv*"))
    try transferSection.finish()
    let lossComponent = try section.component("loss")
    loss = try LossConfiguration(lossComponent)
    var decodingSection = try section.section("decoding")
    decoding = DecodingOptions(
      characters: try decodingSection.optionalText("characters", "the characters that may be read"),
      lengths: try decodingSection.optionalLengths("lengths"), grammar: try decodingSection.choice("grammar"),
      beamWidth: try decodingSection.integer("beam_width", in: 1...1024))
    try decodingSection.finish()
    let optimizerComponent = try section.component("optimizer")
    optimizer = optimizerComponent.configuration
    var trainingSection = try section.section("training")
    training = LoopConfiguration(
      epochs: try trainingSection.integer("epochs", in: 1...1_000_000),
      batchSize: try trainingSection.integer("batch_size", in: 1...65_536),
      precision: try trainingSection.choice("precision"),
      prefetch: try trainingSection.integer("prefetch", in: 0...64))
    let callbackComponents = try section.components("callbacks")
    callbacks = callbackComponents.map(\.configuration)
    try trainingSection.finish()
    try section.finish()
    // What only those who use the values can say.
    _ = try optimizerComponent.locating { try Plugins.current.optimizers.makeOptimizer($0, parameters: []) }
    let callbackObjects = try callbackComponents.map { component in
      try component.locating { try Plugins.current.callbacks.makeCallback($0) }
    }
    do {
      try decoding.validate(for: model.codec)
    } catch {
      throw ConfigurationFileError(decodingSection.origin(of: error.key), "\(error)")
    }
    try checkModel(
      origin: modelSection.origin(of: "architecture"), freezeOrigin: transferSection.origin(of: "freeze"))
    try checkAugmentations(origin: dataSection.origin(of: "augmentations"))
    try checkGenerated(dataSection)
    try checkCallbacks(callbackObjects, origin: section.origin(of: "callbacks"))
  }

  /// Refuses, before any image is drawn or read, names of model files that the run itself uses, and what the training would refuse before its first step.
  private func checkCallbacks(_ callbacks: [any Callback], origin: String) throws {
    do {
      let list = CallbackList(callbacks)
      try list.check(plan)
      try list.checkModelNames(plan)
    } catch {
      throw ConfigurationFileError(origin, "callbacks: \(error)")
    }
  }

  /// What is known of the training before there are images.
  private var plan: TrainingPlan {
    // How many images a folder has is not known yet; that there are some will be checked when it is read.
    let images = data.path == nil ? data.generate.trainingCount(validationFraction: data.validationFraction) : 0
    let optimizer = try? Plugins.current.optimizers.makeOptimizer(self.optimizer, parameters: [])
    return TrainingPlan(
      epochs: training.epochs, stepsPerEpoch: (images + training.batchSize - 1) / training.batchSize,
      trainingSamples: max(1, images), validationSamples: 1, learningRate: optimizer?.learningRate ?? 0,
      metrics: Trainer.reportedKeys(Trainer.standardMetrics(codec: model.codec)), charset: model.codec.charset.text)
  }

  /// What the configuration allows and probably does not mean.
  public func warnings() throws -> [String] {
    CallbackList(try Plugins.current.callbacks.makeCallbacks(callbacks)).warnings(for: plan)
  }

  /// Whether a finished run can go on for more epochs: a curve of the rate over the whole run cannot be made longer.
  func isExtensible() throws -> Bool {
    try !Plugins.current.callbacks.makeCallbacks(callbacks).contains {
      ($0 as? any StepSchedule)?.dependsOnLength == true
    }
  }

  private func checkModel(origin: String, freezeOrigin: String) throws {
    do {
      let built = try ModelZoo.model(model)
      if let loss = loss.make() { try ModelZoo.requireFit(loss, model) }
      do {
        _ = try ParameterFreezing(transfer.freeze, in: built)
      } catch {
        throw ConfigurationFileError(freezeOrigin, "\(error)")
      }
    } catch let error as ConfigurationFileError {
      throw error
    } catch {
      throw ConfigurationFileError(origin, "\(error)")
    }
  }

  /// Refuses augmentations that cannot change images of the model's colours.
  private func checkAugmentations(origin: String) throws {
    do {
      _ = try Plugins.current.augmentations.makeAugmentations(data.augmentations, for: model.colorMode)
    } catch {
      throw ConfigurationFileError(origin, "data.augmentations: \(error)")
    }
  }

  /// Refuses to draw what the model cannot read.
  private func checkGenerated(_ section: ConfigurationSection) throws {
    guard data.path == nil else { return }
    let origin = section.origin(of: "generate")
    let draws = data.generate
    do {
      let generator = try GeneratorConfiguration(draws, charset: model.codec.charset)
      let drawn = draws.types.filter { $0 != .math }.flatMap(generator.labelCharacters)
      let lacking = drawn.filter { model.codec.charset.index(of: $0) == nil }
      if !lacking.isEmpty {
        throw ConfigurationFileError(
          origin,
          "data.generate draws images whose labels hold \(String(Set(lacking).sorted())), which model.charset lacks; "
            + "add them there, or change data.generate.charset\(draws.foldCase ? " or fold_case" : "")")
      }
    } catch let error as GeneratorError {
      throw ConfigurationFileError(origin, "data.generate: \(error)")
    }
    if draws.types != [.math], draws.lengths.upperBound > model.codec.maximumLength {
      throw ConfigurationFileError(
        origin,
        "data.generate.lengths is \(LengthRange(draws.lengths).text), longer than model.maximum_length "
          + "\(model.codec.maximumLength); make one fit the other")
    }
    let question = draws.types.contains(.math) && draws.mathLabel == .question
    let longest = question ? "20+20=?" : draws.types.contains(.math) ? "100" : ""
    let lacking = Set(question ? "0123456789+-*=?" : longest.isEmpty ? "" : "0123456789")
      .filter { model.codec.charset.index(of: $0) == nil }
    if !lacking.isEmpty || longest.count > model.codec.maximumLength {
      throw ConfigurationFileError(
        origin,
        "data.generate.types has math, whose labels (such as \(longest)) the model cannot read; "
          + (lacking.isEmpty
            ? "make model.maximum_length at least \(longest.count)"
            : "add \(String(lacking.sorted())) to model.charset") + ", or leave out math")
    }
  }
}

extension TrainingConfiguration.DataConfiguration {
  fileprivate init(_ section: inout ConfigurationSection) throws {
    path = try section.optionalText("path", "the path of a folder")
    validationPath = try section.optionalText("validation_path", "the path of a folder")
    validationFraction = try section.number("validation_fraction", in: 0.001...0.999)
    maximumRejectedShare = try section.number("maximum_rejected_share", in: 0...1)
    cache = try section.optionalText("cache", "the path of a folder")
    let augmentationComponents = try section.components("augmentations")
    augmentations = augmentationComponents.map(\.configuration)
    for component in augmentationComponents {
      _ = try component.locating { try Plugins.current.augmentations.makeAugmentation($0) }
    }
    var generation = try section.section("generate")
    generate = try TrainingConfiguration.GenerateConfiguration(&generation)
    try section.finish()
    if path == nil, let cache {
      throw ConfigurationFileError(
        section.origin(of: "cache"),
        "data.cache is \(cache), but data.path is missing; only the images of a folder are kept in a cache")
    }
    if path == nil, let validationPath {
      throw ConfigurationFileError(
        section.origin(of: "validation_path"),
        "data.validation_path is \(validationPath), but data.path is missing; give the folder to train on")
    }
  }
}

extension ModelConfiguration {
  fileprivate init(_ section: inout ConfigurationSection) throws {
    let architecture = try section.text(
      "architecture", ConfigurationSection.alternatives(ModelZoo.names))
    let charset = try section.text("charset", "the characters that the model reads")
    let maximumLength = try section.integer("maximum_length", in: 1...64)
    let codec: LabelCodec
    do {
      codec = try LabelCodec(charset: Charset(charset), maximumLength: maximumLength)
    } catch {
      throw ConfigurationFileError(section.origin(of: "charset"), "model.charset: \(error)")
    }
    self.init(
      architecture: architecture, imageWidth: try section.integer("image_width", in: 16...2048),
      imageHeight: try section.integer("image_height", in: 16...2048), colorMode: try section.choice("color_mode"),
      codec: codec, head: try section.optionalChoice("head"), filters: try section.optionalIntegers("filters"),
      dense: try section.optionalIntegers("dense"), recurrent: try section.optionalIntegers("recurrent"),
      convolutionDropout: try section.optionalNumber("convolution_dropout", from: 0, below: 1),
      denseDropout: try section.optionalNumber("dense_dropout", from: 0, below: 1))
    try section.finish()
  }
}

extension LossConfiguration {
  fileprivate init(_ component: LocatedComponent) throws {
    let configuration = component.configuration
    guard Self.names.contains(configuration.name) else {
      let nearest = nearestName(to: configuration.name, in: Self.names)
      throw ConfigurationFileError(
        component.origin,
        "loss: there is no loss \"\(configuration.name)\"; "
          + (nearest.map { "did you mean \"\($0)\"?" }
            ?? "use \(ConfigurationSection.alternatives(Self.names))"))
    }
    self = try component.locating { configuration in
      var arguments = ConfigurationArguments(configuration)
      var loss = LossConfiguration(name: configuration.name)
      switch configuration.name {
      case BinaryFocalCrossEntropy.name, AdaptiveBinaryFocalCrossEntropy.name:
        loss.gamma = try arguments.optionalNumber("gamma", in: 0...100).map { Float($0) }
        loss.alpha = try arguments.optionalNumber("alpha", in: 0...1).map { Float($0) }
        if configuration.name == AdaptiveBinaryFocalCrossEntropy.name {
          loss.hardGamma = try arguments.optionalNumber("hard_gamma", in: 0...100).map { Float($0) }
        }
      case WeightedBinaryCrossEntropy.name:
        loss.positiveWeight = try arguments.optionalNumber("positive_weight", in: 0.001...100_000).map { Float($0) }
      case BinaryCrossEntropy.name, SoftmaxCrossEntropy.name:
        loss.labelSmoothing = try arguments.optionalNumber("label_smoothing", in: 0..<1).map { Float($0) }
      default: break
      }
      try arguments.requireAllRead()
      return loss
    }
  }
}

extension TrainingConfiguration.GenerateConfiguration {
  /// How many of the drawn images are trained on.
  fileprivate func trainingCount(validationFraction: Double) -> Int {
    // Fresh images have others to validate with; those that are drawn once are divided.
    fresh ? count : Dataset.trainingCount(of: count, validationFraction: validationFraction)
  }
}
