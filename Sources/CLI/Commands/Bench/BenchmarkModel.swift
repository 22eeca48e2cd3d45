import ArgumentParser
import Foundation
import Layers
import Models
import PluginConfiguration

/// What `--model` of a measurement names.
enum BenchmarkModel {
  /// An architecture of `ModelZoo`, with drawn weights.
  case architecture(String)
  /// A model file.
  case file(String)

  /// - Throws: `ValidationError` where `text` is neither a known name nor looks like a path.
  init(_ text: String) throws {
    if ModelZoo.names.contains(text) {
      self = .architecture(text)
    } else if text.contains("/") || text.contains(".") || FileManager.default.fileExists(atPath: text) {
      self = .file(text)
    } else {
      let remedy =
        nearestName(to: text, in: ModelZoo.names).map { "did you mean \"\($0)\"?" }
        ?? "use one of \(ModelZoo.names.joined(separator: ", ")), or the path of a model file"
      throw ValidationError("--model is \"\(text)\"; \(remedy)")
    }
  }

  /// The recipe `seed` with this architecture; with a file the recipe's own.
  func configuration() throws -> TrainingConfiguration {
    guard case .architecture(let name) = self else { return try TrainingConfiguration(recipe: .seed) }
    var overrides = ["model.architecture=\(name)"]
    // Outputs by column have a loss of their own; a configuration whose loss does not fit its model is refused.
    if try ModelZoo.head(ModelConfiguration(architecture: name)) == .columns {
      overrides.append("loss.name=\(ConnectionistTemporalClassification.name)")
    }
    return try TrainingConfiguration(recipe: .seed, overrides: overrides)
  }

  /// The model as it reads images; an architecture's weights are drawn, always the same.
  func recognizer() throws -> Recognizer {
    if case .file(let path) = self { return try Recognizer(contentsOf: URL(fileURLWithPath: path)) }
    let configuration = try configuration()
    let model = try ModelZoo.model(configuration.model)
    model.initialize(seed: configuration.seed)
    return try Recognizer(
      description: ModelDescription(configuration: configuration.model, loss: configuration.loss), model: model)
  }

  /// The model's sizes, without its weights where they are not needed.
  func modelConfiguration() throws -> ModelConfiguration {
    if case .file = self { return try recognizer().configuration }
    return try configuration().model
  }
}
