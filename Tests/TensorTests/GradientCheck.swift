import Tensor
import Testing

/// Checks the gradients that the tape gives for `function` at `inputs` against central differences.
///
/// The results y are reduced to Σ wᵢ·yᵢ with fixed weights w, the sum being taken in double.
/// - Parameters:
///   - step: half the distance of the two points of a difference.
///   - tolerance: the error allowed, relative to the largest gradient of each input.
///   - reference: the same function written in double. With it, the values are compared too, and the differences are
///     those of the reference, which are nearly exact. Without it they are those of `function` itself: float32 then
///     limits them to about three digits.
///   - function: receives the inputs, tracked. Its inputs must keep more than `step` away from kinks.
func gradientCheck(
  _ inputs: [Tensor], step: Double? = nil, tolerance: Double? = nil, reference: (([[Double]]) -> [Double])? = nil,
  sourceLocation: SourceLocation = #_sourceLocation, _ function: ([Tensor]) -> Tensor
) {
  let step = step ?? (reference == nil ? 1e-2 : 1e-5)
  let tolerance = tolerance ?? (reference == nil ? 5e-3 : 2e-5)
  let parameters = inputs.enumerated().map { Parameter("input \($0.offset)", value: $0.element) }
  let y = function(parameters.map { $0.tensor(tracking: true) })
  var numbers = Numbers("weights of a gradient check")
  let weights = y.shape.count == 1 ? Tensor(repeating: 1, shape: y.shape) : numbers.normal(y.shape)
  if let reference {
    expectClose(
      y.elements(), reference(inputs.map(\.doubles)), tolerance: tolerance, "value", sourceLocation: sourceLocation)
  }
  let gradients = (y * weights).sum().backward()

  let w = weights.doubles
  func value(_ points: [[Double]]) -> Double {
    let y =
      reference?(points)
      ?? function(zip(points, inputs).map { Tensor($0.map { Float($0) }, shape: $1.shape) }).doubles
    return zip(w, y).reduce(0) { $0 + $1.0 * $1.1 }
  }
  for (index, input) in inputs.enumerated() {
    var points = inputs.map(\.doubles)
    let differences = (0..<input.shape.count).map { element in
      let center = points[index][element]
      points[index][element] = center + step
      let above = value(points)
      points[index][element] = center - step
      let below = value(points)
      points[index][element] = center
      return (above - below) / (2 * step)
    }
    expectClose(
      gradients[parameters[index]], differences, shape: input.shape, tolerance: tolerance, absolute: tolerance * 1e-2,
      "gradient of input \(index)", sourceLocation: sourceLocation)
  }
}
