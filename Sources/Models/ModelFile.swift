import Data
import Foundation
import Layers
import Tensor

/// What a model file says of itself beside the weights: all that is needed to use it.
public struct ModelDescription: Sendable, Hashable {
  public let configuration: ModelConfiguration
  /// What the model was trained to make small, which also decides how its outputs become probabilities.
  public let loss: LossConfiguration
  /// The types of captcha that the model was trained on; nil where that is not known.
  public let trainedTypes: [String]?

  /// The sizes that the images had before they were scaled to the model's, such as `200×60`; nil where that is not known.
  public let trainedSizes: [String]?

  /// How texts are read from the outputs; nil for the best class everywhere.
  public var decoding: DecodingOptions?

  public init(
    configuration: ModelConfiguration, loss: LossConfiguration, trainedTypes: [String]? = nil,
    trainedSizes: [String]? = nil, decoding: DecodingOptions? = nil
  ) {
    self.configuration = configuration
    self.loss = loss
    self.trainedTypes = trainedTypes
    self.trainedSizes = trainedSizes
    self.decoding = decoding
  }

  /// The sizes of the images that the model knows how to read, such as `200×60`: those that it was trained on, or its own.
  public var knownSizes: [String] { trainedSizes ?? ["\(configuration.imageWidth)×\(configuration.imageHeight)"] }

  private static let format = "1"
  static let formatKey = "captcha.format"
  static let modelKey = "captcha.model"
  static let lossKey = "captcha.loss"
  private static let typesKey = "captcha.types"
  private static let sizesKey = "captcha.sizes"
  private static let decodingKey = "captcha.decoding"
  private static let preprocessingKey = "captcha.preprocessing"
  /// The one preprocessing of this format; named in the file so that other programs can follow it.
  private static let preprocessing = "lanczos resize to image_width x image_height, color_mode, bytes / 255, NHWC"

  /// Spells keys as in configuration files.
  private static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return encoder
  }

  /// The description as the metadata of a safetensors file.
  public func metadata() throws -> [String: String] {
    let encoder = Self.encoder
    var metadata = [
      Self.formatKey: Self.format,
      Self.modelKey: String(decoding: try encoder.encode(configuration), as: UTF8.self),
      Self.lossKey: String(decoding: try encoder.encode(loss), as: UTF8.self),
      Self.preprocessingKey: Self.preprocessing,
    ]
    for (key, list) in [(Self.typesKey, trainedTypes), (Self.sizesKey, trainedSizes)] {
      if let list { metadata[key] = String(decoding: try encoder.encode(list), as: UTF8.self) }
    }
    if let decoding { metadata[Self.decodingKey] = String(decoding: try encoder.encode(decoding), as: UTF8.self) }
    return metadata
  }

  /// Why a text could not be decoded, in one line.
  private static func reason(_ error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, _): "\(spelling(key)) is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.dataCorrupted(let context):
      (context.codingPath.map(spelling) + [context.debugDescription]).joined(separator: ": ")
    default: "\(error)"
    }
  }

  /// What the text of a key in the metadata says.
  ///
  /// - Parameter file: named in errors, beside the key.
  static func value<Value: Codable>(
    _ text: String, of key: String, file: String, remedy: String = "train the model again"
  ) throws -> Value {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      let data = Foundation.Data(text.utf8)
      let value = try decoder.decode(Value.self, from: data)
      // A key that is passed over, be it misspelt or of a later version, would make another model of the same weights.
      let options: JSONSerialization.ReadingOptions = .fragmentsAllowed
      if let unknown = unknownKey(
        in: try JSONSerialization.jsonObject(with: data, options: options),
        known: try JSONSerialization.jsonObject(with: encoder.encode(value), options: options))
      {
        throw ModelError("the key \"\(unknown.visible)\" is not known")
      }
      return value
    } catch {
      throw ModelError("\(file): \(key) cannot be understood (\(reason(error))); \(remedy)")
    }
  }

  /// The first key that is not there where what was read is written again, such as `codec.length`.
  private static func unknownKey(in object: Any, known: Any) -> String? {
    guard let object = object as? [String: Any], let known = known as? [String: Any] else { return nil }
    for (key, value) in object.sorted(by: { $0.key < $1.key }) where !(value is NSNull) {
      guard let same = known[key] else { return key }
      if let inner = unknownKey(in: value, known: same) { return "\(key).\(inner)" }
    }
    return nil
  }

  /// A key as it stands in the file: `imageWidth` is `image_width`.
  private static func spelling(_ key: any CodingKey) -> String {
    key.stringValue.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : String($1) }
  }

  /// Reads the metadata of a model file.
  ///
  /// - Parameter file: named in errors.
  init(metadata: [String: String], file: String) throws {
    guard let format = metadata[Self.formatKey], let model = metadata[Self.modelKey], let loss = metadata[Self.lossKey]
    else {
      throw ModelError(
        "\(file): a safetensors file, but not a model of this program; give a file from a run's checkpoints")
    }
    guard format != Ensemble.format else {
      throw ModelError("\(file): an ensemble, where one model is needed; give one of those that it was made of")
    }
    guard format == Self.format else {
      throw ModelError(
        "\(file): the model file's format is \(format), this version reads \(Self.format); update the program")
    }
    func value<Value: Codable>(_ key: String) throws -> Value? {
      try metadata[key].map { try Self.value($0, of: key, file: file) }
    }
    guard metadata[Self.preprocessingKey] == Self.preprocessing else {
      throw ModelError(
        "\(file): \(Self.preprocessingKey) is \(metadata[Self.preprocessingKey].map { "\"\($0.visible)\"" } ?? "missing"), and "
          + "this version prepares images by \"\(Self.preprocessing)\"; update the program, or train the model again")
    }
    self.init(
      configuration: try Self.value(model, of: Self.modelKey, file: file),
      loss: try Self.value(loss, of: Self.lossKey, file: file), trainedTypes: try value(Self.typesKey),
      trainedSizes: try value(Self.sizesKey), decoding: try value(Self.decodingKey))
  }
}
