import Foundation
import Tensor

/// All that an optimizer must remember to go on later as if nothing had happened.
public struct OptimizerState: Sendable {
  /// The part that is not tensors.
  public struct Counters: Codable, Equatable, Sendable {
    /// How many times gradients were applied.
    public var iterations: Int
    public var learningRate: Float

    public init(iterations: Int, learningRate: Float) {
      self.iterations = iterations
      self.learningRate = learningRate
    }
  }

  public var counters: Counters
  /// By `SLOT/PARAMETER` the moments, such as `m/conv1/kernel`; while gradients are being accumulated also their sums, as
  /// `accumulated/PARAMETER`.
  public var tensors: [String: Tensor]

  public init(counters: Counters, tensors: [String: Tensor]) {
    self.counters = counters
    self.tensors = tensors
  }
}

/// Why a saved state does not fit an optimizer, in one line that names the tensor and the remedy.
public enum OptimizerStateError: Error, Equatable, CustomStringConvertible, LocalizedError {
  case missing(String)
  case unexpected(String)
  case wrongShape(String, saved: Shape, expected: Shape)

  public var description: String {
    switch self {
    case .missing(let name):
      "the saved optimizer state lacks \(name); resume with the same model and optimizer or start anew"
    case .unexpected(let name):
      "the saved optimizer state has \(name), which this optimizer does not use; resume with the same model and "
        + "optimizer or start anew"
    case .wrongShape(let name, let saved, let expected):
      "the saved optimizer state has \(name) of shape \(saved), and the model needs \(expected); resume with the same "
        + "model or start anew"
    }
  }

  public var errorDescription: String? { description }
}

extension Optimizer {
  private static let accumulatedPrefix = "accumulated/"

  /// The present state: a copy that later updates do not change.
  public func state() -> OptimizerState {
    var tensors: [String: Tensor] = [:]
    for named in parameters where named.parameter.isTrainable {
      let (name, parameter) = (named.name, named.parameter)
      let moments = moments[name] ?? emptyMoments(parameter)
      let count = parameter.shape.count
      moments.withElements(of: Float.self) { elements in
        for (index, slot) in rule.slots.enumerated() {
          var copy = Tensor(uninitialized: parameter.shape)
          copy.withMutableElements(of: Float.self) {
            _ = $0.update(fromContentsOf: UnsafeBufferPointer(rebasing: elements[index * count..<(index + 1) * count]))
          }
          tensors["\(slot)/\(name)"] = copy
        }
      }
    }
    for (name, sum) in accumulated { tensors[Self.accumulatedPrefix + name] = sum }
    return OptimizerState(
      counters: OptimizerState.Counters(iterations: iterations, learningRate: learningRate), tensors: tensors)
  }

  /// Takes over a state that `state()` of an optimizer with the same rule and parameter names returned.
  ///
  /// Nothing changes where it throws.
  /// - Throws: `OptimizerStateError` for a tensor that is missing, unexpected or of another shape.
  public func restore(_ state: OptimizerState) throws {
    var rest = state.tensors
    func take(_ name: String, _ shape: Shape) throws -> Tensor? {
      guard let tensor = rest.removeValue(forKey: name) else { return nil }
      guard tensor.shape == shape, tensor.dtype == .float32 else {
        throw OptimizerStateError.wrongShape(name, saved: tensor.shape, expected: shape)
      }
      return tensor
    }
    var newMoments: [String: Tensor] = [:]
    var newAccumulated: [String: Tensor] = [:]
    for named in parameters where named.parameter.isTrainable {
      let (name, parameter) = (named.name, named.parameter)
      let count = parameter.shape.count
      var all = emptyMoments(parameter)
      for (index, slot) in rule.slots.enumerated() {
        let key = "\(slot)/\(name)"
        guard let saved = try take(key, parameter.shape) else { throw OptimizerStateError.missing(key) }
        all.withMutableElements(of: Float.self) { to in
          saved.withElements(of: Float.self) { from in
            _ = UnsafeMutableBufferPointer(rebasing: to[index * count..<(index + 1) * count])
              .update(fromContentsOf: from)
          }
        }
      }
      newMoments[name] = all
      newAccumulated[name] = try take(Self.accumulatedPrefix + name, parameter.shape)
    }
    if let extra = rest.keys.min() { throw OptimizerStateError.unexpected(extra) }
    moments = newMoments
    accumulated = newAccumulated
    iterations = state.counters.iterations
    learningRate = state.counters.learningRate
  }
}
