import Tensor

/// Moves parameters along their gradients by an update rule, and keeps the moments that the rule needs.
///
/// A step is: mean over accumulated gradients → clipping → decoupled weight decay `w ← w − w·decay·rate` → rule (Keras 3).
/// Each parameter takes one pass over memory, divided among the threads.
/// ```swift
/// let optimizer = Optimizer(Adam(amsgrad: true), parameters: model.namedParameters, clipping: .byNorm(1))
/// optimizer.apply(loss.backward())
/// ```
public final class Optimizer {
  public let rule: any UpdateRule
  public let clipping: GradientClipping?
  /// The decoupled weight decay; it works on every trainable parameter, biases included, as in Keras.
  public let weightDecay: Float
  /// How many gradients make up one update.
  public let accumulationSteps: Int
  /// The rate of the next update.
  public var learningRate: Float
  /// How many times gradients were applied, accumulating ones included.
  public internal(set) var iterations = 0

  let parameters: [NamedParameter]
  /// By parameter name: the rule's slots one after the other, shape [slots, elements].
  var moments: [String: Tensor] = [:]
  /// By parameter name: the sum of the gradients since the last update.
  var accumulated: [String: Tensor] = [:]

  /// - Parameters:
  ///   - parameters: names must be unique; those that are not trainable stay as they are.
  ///   - learningRate: nil for the rule's own default.
  ///   - weightDecay: nil for the rule's own default.
  public init(
    _ rule: any UpdateRule, parameters: [NamedParameter], learningRate: Float? = nil,
    clipping: GradientClipping? = nil, weightDecay: Float? = nil, accumulationSteps: Int = 1
  ) {
    precondition(accumulationSteps > 0, "Optimizer: accumulationSteps is \(accumulationSteps), not positive")
    precondition(
      Set(parameters.map(\.name)).count == parameters.count, "Optimizer: two parameters have the same name")
    if let clipping { precondition(clipping.limit > 0, "Optimizer: the clipping limit \(clipping) is not positive") }
    self.rule = rule
    self.parameters = parameters
    self.learningRate = learningRate ?? rule.defaultLearningRate
    self.clipping = clipping
    self.weightDecay = weightDecay ?? rule.defaultWeightDecay
    self.accumulationSteps = accumulationSteps
  }

  /// Moves the trainable parameters by their gradients; one without a gradient stays as it is.
  @discardableResult
  public func apply(_ gradients: Gradients) -> UpdateSummary {
    iterations += 1
    var summary = UpdateSummary()
    guard let current = accumulate(gradients) else { return summary }
    summary.isUpdate = true
    let mean = 1 / Float(accumulationSteps)
    let norms = norms(of: current.map(\.gradient), scale: mean)
    summary.largestGradientNorm = norms?.reduce(0) { $0 > $1 || $0.isNaN ? $0 : $1 }
    var preparation = GradientPreparation(scale: mean)
    switch clipping {
    case .byGlobalNorm(let limit):
      let norm = Self.globalNorm(norms ?? [])
      if !(norm <= limit) {
        preparation.scale *= norm.isFinite ? limit / norm : .nan
        summary.clippedParameters = current.count
      }
    case .byValue(let limit): preparation.limit = limit
    case .byNorm, nil: break
    }
    for (index, entry) in current.enumerated() {
      var own = preparation
      // The comparison is false for NaN, which then spreads over the whole gradient.
      if case .byNorm(let limit) = clipping, let norm = norms?[index], !(norm <= limit) {
        own.scale *= limit / norm
        summary.clippedParameters += 1
      }
      update(entry.name, entry.parameter, entry.gradient, own)
    }
    return summary
  }

  private typealias Entry = (name: String, parameter: Parameter, gradient: Tensor)

  /// The gradients to update with, by parameter; nil while they are being summed up.
  private func accumulate(_ gradients: Gradients) -> [Entry]? {
    let present: [Entry] = parameters.compactMap { named in
      let (name, parameter) = (named.name, named.parameter)
      guard parameter.isTrainable, let gradient = gradients[parameter] else { return nil }
      precondition(
        gradient.shape == parameter.shape,
        "Optimizer: the gradient of \(name) has the shape \(gradient.shape), the parameter \(parameter.shape)")
      return (name, parameter, gradient)
    }
    guard accumulationSteps > 1 else { return present }
    for (name, _, gradient) in present {
      accumulated[name] = accumulated[name].map { $0 + gradient } ?? gradient.detached
    }
    guard iterations % accumulationSteps == 0 else { return nil }
    defer { accumulated = [:] }
    return parameters.compactMap { named in accumulated[named.name].map { (named.name, named.parameter, $0) } }
  }

  /// The norms of the gradients times `scale`; nil where the clipping does not need them.
  private func norms(of gradients: [Tensor], scale: Float) -> [Float]? {
    switch clipping {
    case .byNorm, .byGlobalNorm: gradients.map { $0.squaredNorm.squareRoot() * scale }
    case .byValue, nil: nil
    }
  }

  private static func globalNorm(_ norms: [Float]) -> Float {
    norms.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  private func update(_ name: String, _ parameter: Parameter, _ gradient: Tensor, _ preparation: GradientPreparation) {
    let count = parameter.shape.count
    let (rule, rate) = (rule, learningRate)
    let retention = Float(1 - Double(weightDecay) * Double(rate))
    let updateNumber = iterations / accumulationSteps
    parameter.value.withMutableElements(of: Float.self) { weights in
      moments[name, default: emptyMoments(parameter)].withMutableElements(of: Float.self) { slots in
        gradient.withElements(of: Float.self) { gradient in
          guard let weights = weights.baseAddress, let slots = slots.baseAddress, let gradient = gradient.baseAddress
          else { return }
          let whole = ParameterPart(
            weights: weights, gradient: gradient, slots: slots, slotStride: count, slotCount: rule.slots.count,
            count: count,
            preparation: preparation, retention: retention)
          Threads.forEachPart(of: count, minimum: 16_384) { elements, _ in
            rule.update(whole.part(elements), rate: rate, updateNumber: updateNumber)
          }
        }
      }
    }
  }

  func emptyMoments(_ parameter: Parameter) -> Tensor {
    Tensor(zeros: [rule.slots.count, parameter.shape.count])
  }
}

extension ParameterPart {
  /// The elements `elements` of this part.
  fileprivate func part(_ elements: Range<Int>) -> ParameterPart {
    ParameterPart(
      weights: weights + elements.lowerBound, gradient: gradient + elements.lowerBound,
      slots: slots + elements.lowerBound, slotStride: slotStride, slotCount: slotCount, count: elements.count,
      preparation: preparation,
      retention: retention)
  }
}
