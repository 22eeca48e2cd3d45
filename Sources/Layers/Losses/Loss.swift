import Tensor

/// How a model's outputs (logits) become probabilities.
public enum OutputActivation: String, Sendable, Codable, CaseIterable {
  /// Each output by itself: 1 / (1 + e^(−z)).
  case sigmoid
  /// The classes of one position compete: e^z / Σ e^z.
  case softmax

  /// logits [N, rows · classes] or [N, rows, classes] → probabilities [N, rows, classes].
  public func probabilities(_ logits: Tensor, classes: Int) -> Tensor {
    precondition(
      logits.shape.rank == 2 && logits.shape[1] % classes == 0 || logits.shape.rank == 3 && logits.shape[2] == classes,
      "probabilities: logits \(logits.shape) are not rows × \(classes) classes")
    let split =
      logits.shape.rank == 3 ? logits : logits.reshaped(to: [logits.shape[0], logits.shape[1] / classes, classes])
    return self == .sigmoid ? split.sigmoid() : split.softmax()
  }
}

/// What training makes small: a function of a model's outputs and the true labels.
///
/// A new loss is one new file and one line in `LossConfiguration`.
public protocol Loss: Sendable {
  /// The name under which configurations ask for it.
  static var name: String { get }

  /// What turns this loss's logits into probabilities.
  var outputActivation: OutputActivation { get }

  /// What the rows of the logits stand for; `positions` unless the loss says otherwise.
  var alignment: OutputAlignment { get }

  /// The mean loss of a batch, a scalar.
  ///
  /// - Parameters:
  ///   - logits: [N, positions · classes], or [N, columns, classes] where rows are columns.
  ///   - labels: class indices [N, positions], int32.
  func callAsFunction(_ logits: Tensor, labels: Tensor) -> Tensor
}

extension Loss {
  public var alignment: OutputAlignment { .positions }

  /// Class indices [N, positions] as ones among zeros, in the shape of the logits [N, positions · classes].
  ///
  /// - Parameter smoothing: how far the targets are drawn from 0 and 1 towards ½.
  func oneHot(_ labels: Tensor, like logits: Tensor, smoothing: Float = 0) -> Tensor {
    precondition(
      labels.dtype == .int32 && labels.shape.rank == 2 && logits.shape.rank == 2
        && labels.shape[0] == logits.shape[0] && logits.shape.count % max(1, labels.shape.count) == 0,
      "\(Self.name): labels \(labels.dtype) \(labels.shape) do not fit logits \(logits.shape)")
    let classes = logits.shape.count / max(1, labels.shape.count)
    var result = Tensor(repeating: smoothing / 2, shape: logits.shape)
    result.withMutableElements(of: Float.self) { elements in
      for (index, label) in labels.elements(of: Int32.self).enumerated() {
        precondition((0..<classes).contains(Int(label)), "\(Self.name): class \(label) of \(classes)")
        elements[index * classes + Int(label)] = 1 - smoothing / 2
      }
    }
    return result
  }
}
