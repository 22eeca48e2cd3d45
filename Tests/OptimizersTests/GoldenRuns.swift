import Foundation
import PluginConfiguration
import Testing

/// A number that JSON may hold as the text "nan", "inf" or "-inf".
struct GoldenNumber: Decodable {
  let value: Float

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let text = try? container.decode(String.self) {
      guard let number = Float(text) else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(text)\" is not a number")
      }
      value = number
    } else {
      value = Float(try container.decode(Double.self))
    }
  }
}

/// One run of a Keras optimizer: what it was given and what came out.
struct GoldenRun: Decodable, CustomTestStringConvertible, Sendable {
  struct Expected: Decodable {
    /// By step and variable.
    let parameters: [[[GoldenNumber]]]
    /// By slot and variable, after the last step.
    let slots: [String: [[GoldenNumber]]]
    let iterations: Int
  }

  let id: String
  let optimizer: String
  let config: [String: ConfigurationValue]
  let shapes: [[Int]]
  let initial: [[GoldenNumber]]
  let learningRates: [Float]
  let gradients: [[[GoldenNumber]]]
  let expected: Expected

  enum CodingKeys: String, CodingKey {
    case id, optimizer, config, shapes, initial, gradients, expected
    case learningRates = "learning_rates"
  }

  var testDescription: String { id }

  /// All runs of `optimizers/trajectories.json` in the golden folder: `CAPTCHA_GOLDEN_DIR` or the tests' own copy.
  static func load() throws -> [GoldenRun] {
    struct File: Decodable { let traces: [GoldenRun] }
    let folder =
      ProcessInfo.processInfo.environment["CAPTCHA_GOLDEN_DIR"].map { URL(fileURLWithPath: $0) }
      ?? Bundle.module.resourceURL!.appendingPathComponent("Fixtures")
    let url = folder.appendingPathComponent("optimizers/trajectories.json")
    return try JSONDecoder().decode(File.self, from: Data(contentsOf: url)).traces
  }
}
