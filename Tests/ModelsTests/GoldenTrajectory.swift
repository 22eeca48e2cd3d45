import Data
import Foundation
import Layers
import Models
import Optimizers
import PluginConfiguration
import Tensor

/// A few training steps of a small model that Keras made: `NAME.json` and `NAME.safetensors`.
struct GoldenTrajectory: Decodable {
  struct Model: Decodable {
    let kind: String
    /// The blocks' channels of an enhanced model.
    let filters: [Int]?
    /// The stem's and the stages' channels of a residual one.
    let stem: Int?
    let stages: [Int]?
    let fc: [Int]
    let dropout: Double
  }

  struct Step: Decodable {
    let indices: [Int]
    let lr: Float
    let loss: Double
    let clippedVariables: Int

    private enum CodingKeys: String, CodingKey {
      case indices, lr, loss
      case clippedVariables = "clipped_variables"
    }
  }

  let charset: String
  let maxLength: Int
  let model: Model
  let loss: LossConfiguration
  let optimizer: ComponentConfiguration
  let labels: [String]
  let steps: [Step]

  private enum CodingKeys: String, CodingKey {
    case charset, model, loss, optimizer, labels, steps
    case maxLength = "max_length"
  }

  static let folder: URL = {
    if let folder = ProcessInfo.processInfo.environment["CAPTCHA_GOLDEN_DIR"], !folder.isEmpty {
      return URL(fileURLWithPath: folder, isDirectory: true).appendingPathComponent("trajectories", isDirectory: true)
    }
    return Bundle.module.bundleURL.appendingPathComponent("Fixtures/trajectories", isDirectory: true)
  }()

  /// What Keras in Float64 makes of the trajectories that come with the tests.
  static let float64Folder = Bundle.module.bundleURL.appendingPathComponent(
    "Fixtures/float64", isDirectory: true)

  /// The names of all trajectories in the folder; fails where there is none.
  static func names() throws -> [String] {
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    let names = files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    guard !names.isEmpty else { throw CocoaError(.fileNoSuchFile, userInfo: [NSFilePathErrorKey: folder.path]) }
    return names
  }

  static func read(_ name: String) throws -> (trajectory: GoldenTrajectory, tensors: [String: Tensor]) {
    let file = folder.appendingPathComponent("\(name).json")
    return (
      try JSONDecoder().decode(GoldenTrajectory.self, from: Foundation.Data(contentsOf: file)),
      try Safetensors(contentsOf: folder.appendingPathComponent("\(name).safetensors")).tensors
    )
  }

  /// The model of the zoo with the trajectory's widths.
  func makeModel(images: Shape) throws -> Sequential {
    let filters = model.kind == "resnet" ? [model.stem].compactMap { $0 } + (model.stages ?? []) : model.filters
    // The charset ends with the padding.
    let codec = try LabelCodec(charset: Charset(charset.filter { $0 != " " }), maximumLength: maxLength)
    return try ModelZoo.model(
      ModelConfiguration(
        architecture: model.kind, imageWidth: images[2], imageHeight: images[1],
        colorMode: images[3] == 1 ? .grayscale : .rgb, codec: codec, filters: filters, dense: model.fc,
        convolutionDropout: model.dropout, denseDropout: model.dropout))
  }

  func makeOptimizer(_ model: Sequential) throws -> Optimizer {
    let names = ["lr": "learning_rate", "beta1": "beta_1", "beta2": "beta_2"]
    let arguments = Dictionary(uniqueKeysWithValues: optimizer.arguments.map { (names[$0.key] ?? $0.key, $0.value) })
    return try OptimizerRegistry.standard.makeOptimizer(
      ComponentConfiguration(optimizer.name, arguments),
      parameters: model.namedParameters)
  }

  /// Class indices [N, maxLength] of the labels, padded with the space.
  func classes(_ indices: [Int]) throws -> Tensor {
    let order = Array(charset)
    let classes = try indices.flatMap { index in
      try labels[index].padding(toLength: maxLength, withPad: " ", startingAt: 0).map { character in
        guard let position = order.firstIndex(of: character) else {
          throw CocoaError(.fileReadCorruptFile, userInfo: [NSLocalizedDescriptionKey: "label \(labels[index])"])
        }
        return Int32(position)
      }
    }
    return Tensor(classes, shape: [indices.count, maxLength])
  }

  /// Our path of a variable: Keras's `res1_conv1/kernel` is `res1/conv1/kernel` here.
  static func path(_ name: String) -> String { name.replacing(/^(res\d+)_/) { "\($0.output.1)/" } }

  /// The tensors under a prefix such as `init/`, by our paths.
  static func weights(_ prefix: String, in tensors: [String: Tensor]) -> [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: tensors.filter { $0.key.hasPrefix(prefix) }
        .map { (path(String($0.key.dropFirst(prefix.count))), $0.value) })
  }
}

extension Tensor {
  /// Some of the images [N, ...].
  func images(_ indices: [Int]) -> Tensor {
    let size = shape.count / shape[0]
    let bytes = elements(of: UInt8.self)
    return Tensor(
      indices.flatMap { bytes[$0 * size..<($0 + 1) * size] },
      shape: Shape([indices.count] + shape.dimensions.dropFirst()))
  }
}
