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

  /// Loads a model file; nothing else is needed.
  public convenience init(contentsOf url: URL) throws {
    let file = try Safetensors(contentsOf: url)
    let description = try ModelDescription(metadata: file.metadata, file: url.path)
    do {
      let model = try ModelZoo.model(description.configuration)
      try model.load(Weights(file.tensors))
      if let broken = file.tensors.filter({ !$0.value.norm.isFinite }).keys.min() {
        throw ModelError("\(broken) holds NaN or infinite weights, since its training diverged; use another checkpoint")
      }
      try self.init(description: description, model: model)
    } catch {
      throw ModelError("\(url.path): \(error)")
    }
  }

  /// Up to so many images are read fastest with float16 weights.
  public static let few = 4
  /// The most images that pass through the model together; more would only cost memory.
  private static let batchSize = 64

  /// Reads images of any size and colour; they are brought to the model's.
  ///
  /// For up to four images the large dense weights are read as float16, which makes a single reading faster; confidences may
  /// then differ in the fourth digit from those of the same image among more.
  ///
  /// - Parameter areFew: whether these images are all that will be read, so that speed with one of them counts; nil where
  ///   there are at most four.
  public func read(_ images: [Image], areFew: Bool? = nil) -> [Reading] {
    let areFew = areFew ?? (images.count <= Self.few)
    return stride(from: 0, to: images.count, by: Self.batchSize).flatMap {
      readBatch(images[$0..<min($0 + Self.batchSize, images.count)], float16Weights: areFew)
    }
  }

  private func readBatch(_ batch: ArraySlice<Image>, float16Weights: Bool) -> [Reading] {
    let images = Array(batch)
    let (width, height, mode) = (configuration.imageWidth, configuration.imageHeight, configuration.colorMode)
    let pixels = Threads.map(count: images.count) {
      images[$0].converted(to: mode).resized(width: width, height: height).pixels
    }
    let bytes = Tensor(pixels.flatMap { $0 }, shape: [images.count, height, width, mode.channels])
    let logits = model(bytes.floats(dividedBy: 255), .inference(float16Weights: float16Weights))
    return decoder.readings(logits: logits) { loss.outputActivation.probabilities($0, classes: codec.classCount) }
  }

  /// Reads one image file.
  ///
  /// - Throws: `ImageError` that names the file.
  public func read(path: String) throws -> Reading {
    read([try ImageFile.read(path, as: configuration.colorMode)])[0]
  }
}
