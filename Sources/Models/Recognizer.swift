import Data
import Foundation
import Layers
import Tensor

/// Reads texts from images with a trained model: model file in, text out.
///
/// ```swift
/// let recognizer = try Recognizer(contentsOf: URL(filePath: "runs/1/checkpoints/best-exact-match.safetensors"))
/// let reading = try recognizer.read(path: "captcha.png")
/// print(reading.text, reading.confidence)
/// ```
public final class Recognizer {
  public let description: ModelDescription
  public let model: Sequential
  public let loss: any Loss
  /// What makes texts of the model's outputs.
  public private(set) var decoder: ReadingDecoder
  /// What errors call the model.
  private var name = "the model"
  /// Whether any image's outputs were NaN or infinite.
  private var hasBrokenOutputs = false

  public var configuration: ModelConfiguration { description.configuration }
  public var codec: LabelCodec { configuration.codec }

  /// A recogniser with a model that is in memory.
  public init(description: ModelDescription, model: Sequential) throws {
    guard let loss = description.loss.make() else {
      throw ModelError(
        "loss.name: \"\(description.loss.name)\" is not known; use one of "
          + LossConfiguration.names.joined(separator: ", "))
    }
    try ModelZoo.requireFit(loss, description.configuration)
    self.description = description
    self.model = model
    self.loss = loss
    decoder = try ReadingDecoder(
      codec: description.configuration.codec, readsColumns: loss.alignment == .columns,
      options: description.decoding ?? DecodingOptions())
  }

  /// Reads texts from now on as `options` say, in place of what the model file says.
  ///
  /// - Throws: `DecodingOptionsError` if they ask for what the model can't read.
  public func decode(_ options: DecodingOptions) throws(DecodingOptionsError) {
    decoder = try ReadingDecoder(codec: codec, readsColumns: decoder.readsColumns, options: options)
  }

  public func decode(_ change: (DecodingOptions) -> DecodingOptions) throws(DecodingOptionsError) {
    try decode(change(decoder.options))
  }

  public func calibrate(temperature: Double, minimumConfidence: Double?) throws(DecodingOptionsError) {
    var options = decoder.options
    (options.temperature, options.minimumConfidence) = (temperature, minimumConfidence)
    try decode(options)
  }

  public func metadata() throws -> [String: String] {
    var description = description
    description.decoding = decoder.options
    return try description.metadata()
  }

  /// Loads a model file; nothing else is needed.
  public convenience init(contentsOf url: URL) throws {
    try self.init(Safetensors(contentsOf: url), file: url.path)
  }

  /// - Parameter file: what errors call the model.
  convenience init(_ content: Safetensors, file: String) throws {
    let description = try ModelDescription(metadata: content.metadata, file: file)
    do {
      let model = try ModelZoo.model(description.configuration)
      try model.load(Weights(content.tensors))
      try content.requireFiniteWeights()
      try self.init(description: description, model: model)
    } catch {
      throw ModelError("\(file): \(error)")
    }
    name = file
  }

  /// Up to so many images are read fastest with float16 weights.
  public static let few = 4
}

extension Safetensors {
  /// Refuses the weights of a training that came to nothing.
  func requireFiniteWeights() throws {
    guard let broken = tensors.filter({ $0.value.dtype == .float32 && !$0.value.norm.isFinite }).keys.min() else {
      return
    }
    throw ModelError("\(broken) holds NaN or infinite weights, since its training diverged; use another checkpoint")
  }
}

extension Recognizer: TextRecognizer {
  public var options: DecodingOptions { decoder.options }
  public var knownSizes: [String] { description.knownSizes }
  public var trainedTypes: [String]? { description.trainedTypes }
  public var inputs: [ImageInput] {
    [
      ImageInput(
        width: configuration.imageWidth, height: configuration.imageHeight, colorMode: configuration.colorMode)
    ]
  }

  public func outputs(_ images: [Tensor], float16Weights: Bool) -> [Tensor] {
    let logits = model(images[0], .inference(float16Weights: float16Weights))
    if !logits.norm.isFinite { hasBrokenOutputs = true }
    return [logits]
  }

  public func requireNumbers() throws {
    guard hasBrokenOutputs else { return }
    throw ModelError(
      "\(name): its outputs are NaN or infinite, and what it reads is nothing; its training diverged, use another checkpoint"
    )
  }

  public func readings(_ outputs: [Tensor], temperature: Double) -> [Reading] {
    decoder.scaled(temperature: temperature).readings(logits: outputs[0]) {
      loss.outputActivation.probabilities($0, classes: codec.classCount)
    }
  }

  public func probabilities(_ outputs: [Tensor]) -> Tensor? {
    decoder.readsColumns ? nil : loss.outputActivation.probabilities(outputs[0], classes: codec.classCount)
  }

  public func meanLoss(_ outputs: [Tensor], labels: Tensor) -> Double? {
    Double(loss(outputs[0], labels: labels).scalar)
  }
}
