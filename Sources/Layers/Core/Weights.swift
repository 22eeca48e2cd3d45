import Foundation
import Tensor

/// Why weights do not fit a model, in one line.
public struct WeightsError: Error, CustomStringConvertible, LocalizedError {
  public let description: String
  public var errorDescription: String? { description }
}

/// The values of all parameters of a model by path: what checkpoints and model files hold.
public struct Weights: Sendable {
  public var tensors: [String: Tensor]

  public init(_ tensors: [String: Tensor]) { self.tensors = tensors }
}

extension Layer {
  /// The values of all parameters, running statistics included. Costs no copy: memory is shared until training changes it.
  public var weights: Weights {
    Weights(Dictionary(uniqueKeysWithValues: namedParameters.map { ($0.name, $0.parameter.value) }))
  }

  /// Replaces all parameters' values; refuses weights that lack one, have one too many or of another shape, and changes
  /// nothing then.
  public func load(_ weights: Weights) throws {
    let parameters = namedParameters
    let expected = Set(parameters.map(\.name))
    let missing = expected.subtracting(weights.tensors.keys).sorted()
    let unknown = Set(weights.tensors.keys).subtracting(expected).sorted()
    guard missing.isEmpty, unknown.isEmpty else {
      let lists = [("missing", missing), ("unknown", unknown)].filter { !$0.1.isEmpty }
      throw WeightsError(
        description: "the weights are those of another model: "
          + lists.map { "\($0.0) \($0.1.prefix(3).joined(separator: ", "))\($0.1.count > 3 ? ", …" : "")" }
          .joined(separator: "; ") + "; use the configuration that they were trained with")
    }
    let pairs = parameters.compactMap { item in weights.tensors[item.name].map { (item, $0) } }
    for (item, tensor) in pairs where tensor.shape != item.parameter.shape || tensor.dtype != .float32 {
      throw WeightsError(
        description: "\(item.name) is \(tensor.dtype.rawValue) \(tensor.shape) in the weights and float32 "
          + "\(item.parameter.shape) in the model; use the configuration that they were trained with")
    }
    for (item, tensor) in pairs { item.parameter.value = tensor }
  }
}
