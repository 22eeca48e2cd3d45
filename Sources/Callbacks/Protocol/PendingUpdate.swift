import Tensor

/// What a batch came to, before the optimizer changes the weights with it.
public struct PendingUpdate {
  /// The batch's loss.
  public let loss: Double
  /// Why the update is to be left out; nil where it is not. The batch then counts in no metric, and the running
  /// statistics of the layers are those from before it.
  public private(set) var skipReason: String?

  private let parameters: [NamedParameter]
  private let gradients: Gradients

  public init(loss: Double, parameters: [NamedParameter], gradients: Gradients) {
    self.loss = loss
    self.parameters = parameters
    self.gradients = gradients
  }

  /// The gradients by parameter name, in the model's order; parameters without one are left out.
  public var namedGradients: [(name: String, gradient: Tensor)] {
    parameters.compactMap { named in gradients[named.parameter].map { (named.name, $0) } }
  }

  /// The names of the trainable parameters that the loss does not depend on, in the model's order.
  public var namesWithoutGradient: [String] {
    parameters.filter { $0.parameter.isTrainable && gradients[$0.parameter] == nil }.map(\.name)
  }

  /// Leaves the update out; the first reason counts.
  public mutating func skip(because reason: String) { skipReason = skipReason ?? reason }
}
