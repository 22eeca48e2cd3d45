import Data
import Foundation
import Models

/// What `captcha-cli models classic` says of the model that comes with the program; all of it from the model's file.
struct ClassicModelReport: Encodable {
  let name = ModelFile.classicName
  /// The size of the file, and the MD5 digest of its content.
  let bytes: Int
  let md5: String
  let charset: String
  let maximumLength: Int
  let colorMode: ColorMode
  /// Of the images that it was trained on; nil where the file does not say.
  let types: [String]?
  let sizes: [String]
  let loss: String
  let decoding: DecodingOptions
  /// Of its architecture, with the layers.
  let model: ModelReport
  /// Where the file was written.
  let output: String?

  init(output: String? = nil) throws {
    let recognizer = try Recognizer.classic()
    bytes = ModelFile.classic.count
    md5 = MD5.hexDigest([UInt8](ModelFile.classic))
    charset = recognizer.codec.charset.text
    maximumLength = recognizer.codec.maximumLength
    colorMode = recognizer.configuration.colorMode
    types = recognizer.trainedTypes
    sizes = recognizer.knownSizes
    loss = recognizer.description.loss.name
    decoding = recognizer.options
    model = ModelReport(try ModelSummary(recognizer.configuration), withLayers: true)
    self.output = output
  }

  private enum CodingKeys: String, CodingKey {
    case name, bytes, md5, charset, types, sizes, loss, decoding, model, output
    case maximumLength = "maximum_length"
    case colorMode = "color_mode"
  }

  /// The line about it below the list of the architectures.
  static let mention =
    "Trained, with the program: \(ModelFile.classicName); captcha-cli models \(ModelFile.classicName) shows it"

  /// For people to read.
  var lines: [String] {
    if let output {
      return [
        "file     \(output.visible), \(bytes.grouped) bytes",
        "Next: captcha-cli evaluate \(output.shellWord.visible) --data IMAGES",
      ]
    }
    return [
      "\(name): the trained model that reads where predict, evaluate or calibrate are given none",
      "file      \(bytes.grouped) bytes, MD5 \(md5)",
      "images    \(sizes.joined(separator: ", ")), \(colorMode.rawValue)",
      "types     \(types?.joined(separator: ", ") ?? "unknown")",
      "reads     up to \(maximumLength) of \"\(charset)\"",
      "decoding  grammar \(decoding.grammar.rawValue), beam width \(decoding.beamWidth), temperature "
        + decoding.temperature.fixed(4),
      "",
    ] + model.lines
  }
}
