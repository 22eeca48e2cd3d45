import Layers
import Models
import PluginConfiguration
import Tensor

/// Parameters that training leaves as they are, chosen by patterns; see `Layer.parameters(matching:)`.
struct ParameterFreezing {
  /// The trainable parameters that the patterns choose, in the order of the model.
  let parameters: [NamedParameter]

  /// - Throws: `ModelError` for a pattern that chooses nothing, and where nothing would be left to train.
  init(_ patterns: [String], in model: any Layer) throws {
    let trainable = model.namedParameters.filter(\.parameter.isTrainable)
    var chosen: Set<String> = []
    for pattern in patterns {
      let matches = model.parameters(matching: pattern)
      if matches.isEmpty {
        let paths = model.namedParameters.flatMap(\.layerPaths)
        var layers: [String] = []
        for path in model.namedParameters.compactMap(\.layerPaths.first) where path != layers.last {
          layers.append(path)
        }
        let remedy =
          nearestName(to: pattern, in: paths).map { "did you mean \"\($0)\"?" }
          ?? "its layers are \(layers.joined(separator: ", "))"
        throw ModelError("transfer.freeze: \"\(pattern)\" matches no parameter of the model; \(remedy)")
      }
      let names = matches.filter(\.parameter.isTrainable).map(\.name)
      if names.isEmpty {
        throw ModelError(
          "transfer.freeze: \"\(pattern)\" matches running statistics only, which are not trained; they stay as they are "
            + "where the gamma of their layer is frozen")
      }
      chosen.formUnion(names)
    }
    parameters = trainable.filter { chosen.contains($0.name) }
    if !trainable.isEmpty, parameters.count == trainable.count {
      throw ModelError("transfer.freeze: nothing is left to train; leave out a pattern")
    }
  }

  /// Makes the parameters not trainable.
  func apply() {
    for item in parameters { item.parameter.isTrainable = false }
  }

  /// What is frozen, for people to read; nothing where nothing is.
  var lines: [String] {
    guard !parameters.isEmpty else { return [] }
    let count = parameters.reduce(0) { $0 + $1.parameter.shape.count }
    return ["frozen: \(count.grouped) weights in \(parameters.map(\.name).joined(separator: ", "))"]
  }
}
