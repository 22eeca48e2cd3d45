/// How a parameter moves along its gradient: a pure function of the gradient and the moments that the optimizer keeps.
///
/// A new rule is one file with a type like this, and one line in `OptimizerRegistry.standard`:
/// ```swift
/// struct SignDescent: UpdateRule {
///   var slots: [String] { [] }
///   func update(_ part: ParameterPart, rate: Float, updateNumber: Int) {
///     part.forEachBlock { block in
///       let gradient = block.gradient
///       block.weights -= rate * gradient.replacing(with: 1, where: gradient .> 0).replacing(with: -1, where: gradient .< 0)
///     }
///   }
/// }
/// ```
public protocol UpdateRule: Sendable {
  /// The names of the moments that the optimizer keeps for every parameter, each of the parameter's shape and zero at first.
  var slots: [String] { get }
  /// The learning rate where none is asked for.
  var defaultLearningRate: Float { get }
  /// The decoupled weight decay where none is asked for.
  var defaultWeightDecay: Float { get }

  /// Moves a part of a parameter.
  ///
  /// - Parameters:
  ///   - part: the weights, their gradients (clipped) and moments; block by block.
  ///   - rate: the learning rate.
  ///   - updateNumber: which update this is, from 1.
  func update(_ part: ParameterPart, rate: Float, updateNumber: Int)
}

extension UpdateRule {
  public var defaultLearningRate: Float { 0.001 }
  public var defaultWeightDecay: Float { 0 }
}
