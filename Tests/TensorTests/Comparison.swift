import Tensor
import Testing

/// Checks that every element is within `tolerance` × the largest expected magnitude (+ `absolute`) of its expected value;
/// NaN and infinities must be met exactly.
func expectClose(
  _ actual: [Float], _ expected: [Double], tolerance: Double = 1e-5, absolute: Double = 1e-30,
  _ what: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.count == expected.count else {
    Issue.record(
      "\(what()): \(actual.count) elements, expected \(expected.count)", sourceLocation: sourceLocation)
    return
  }
  let scale = expected.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
  let allowed = tolerance * scale + absolute
  var wrong = 0
  var example = ""
  for (index, (a, e)) in zip(actual, expected).enumerated() {
    let isRight =
      e.isNaN ? a.isNaN : Double(a) == e || (a.isFinite && e.isFinite && abs(Double(a) - e) <= allowed)
    if isRight { continue }
    if wrong == 0 { example = "first at \(index): \(a), expected \(e)" }
    wrong += 1
  }
  if wrong > 0 {
    Issue.record(
      "\(what()): \(wrong) of \(expected.count) wrong by more than \(allowed), \(example)",
      sourceLocation: sourceLocation)
  }
}

/// As for elements, with the shape compared too.
func expectClose(
  _ actual: Tensor?, _ expected: [Double], shape: Shape? = nil, tolerance: Double = 1e-5, absolute: Double = 1e-30,
  _ what: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard let actual else {
    Issue.record("\(what()): there is none", sourceLocation: sourceLocation)
    return
  }
  if let shape, actual.shape != shape {
    Issue.record("\(what()): the shape is \(actual.shape), expected \(shape)", sourceLocation: sourceLocation)
  }
  expectClose(
    actual.elements(), expected, tolerance: tolerance, absolute: absolute, what(), sourceLocation: sourceLocation)
}

/// Numbers for tests, drawn by name, so that every test has its own.
struct Numbers {
  private var stream: RandomStream

  init(_ name: String, _ index: Int = 0) { stream = RandomStream(seed: 1).stream(name, index) }

  /// Whole numbers in ±`limit`: sums of a few thousand of their products are exact in float32, in whatever order.
  mutating func whole(_ shape: Shape, limit: Int = 8) -> Tensor {
    Tensor((0..<shape.count).map { _ in Float(stream.integer(in: -limit...limit)) }, shape: shape)
  }

  /// Normal numbers.
  mutating func normal(_ shape: Shape) -> Tensor {
    Tensor((0..<shape.count).map { _ in Float(stream.normal()) }, shape: shape)
  }

  /// Numbers of which no two are nearer than `gap`, in random order around 0.
  mutating func distinct(_ shape: Shape, gap: Float = 0.1) -> Tensor {
    let half = Float(shape.count) / 2 - 0.25
    return Tensor(stream.permutation(shape.count).map { (Float($0) - half) * gap }, shape: shape)
  }

  /// Numbers away from 0, where ReLU has its kink.
  mutating func awayFromZero(_ shape: Shape, gap: Float = 0.1) -> Tensor {
    Tensor(normal(shape).elements().map { $0 + ($0 < 0 ? -gap : gap) }, shape: shape)
  }

  mutating func classes(_ count: Int, of classes: Int) -> Tensor {
    Tensor((0..<count).map { _ in Int32(stream.integer(in: 0..<classes)) }, shape: [count])
  }

  mutating func element<Value>(_ values: [Value]) -> Value { values[stream.integer(in: 0..<values.count)] }

  mutating func integer(in range: ClosedRange<Int>) -> Int { stream.integer(in: range) }
}

extension Tensor {
  /// The elements in double, for references.
  var doubles: [Double] { elements().map(Double.init) }
}
