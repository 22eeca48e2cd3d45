import Foundation
import Tensor
import Testing

/// The files beside the tests, made with Keras by `Fixtures/make_fixtures.py`.
enum FixtureFiles {
  private struct Cases<Case: Decodable>: Decodable { let cases: [Case] }

  /// The cases of a file; one that holds none is an error, since a test without cases passes.
  static func cases<Case: Decodable>(_ name: String, of type: Case.Type = Case.self) throws -> [Case] {
    let url = Bundle.module.bundleURL.appendingPathComponent("Fixtures/\(name)")
    let cases = try JSONDecoder().decode(Cases<Case>.self, from: Data(contentsOf: url)).cases
    guard !cases.isEmpty else { throw CocoaError(.fileReadCorruptFile, userInfo: [NSFilePathErrorKey: url.path]) }
    return cases
  }
}

/// A float32 tensor in a fixture.
struct FixtureTensor: Decodable, Sendable {
  let shape: [Int]
  let values: [Float]

  var tensor: Tensor { Tensor(values, shape: Shape(shape)) }
}

/// Expects equal shapes and elements, within `tolerance` · (1 + the largest reference).
func expectClose(
  _ actual: Tensor, _ expected: FixtureTensor, _ what: String, tolerance: Float = 1e-5,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(actual.shape == Shape(expected.shape), "\(what): shape", sourceLocation: sourceLocation)
  let limit = tolerance * (1 + (expected.values.map(abs).max() ?? 0))
  // A NaN is no distance, so it is looked for by "not within the limit".
  let wrong = zip(actual.elements(), expected.values).enumerated().filter {
    !(abs($0.element.0 - $0.element.1) <= limit)
  }
  #expect(
    wrong.isEmpty,
    "\(what): \(wrong.count) of \(expected.values.count) differ, first \(wrong.prefix(3)), limit \(limit)",
    sourceLocation: sourceLocation)
}

/// Expects all elements within `tolerance`.
func expectClose(
  _ actual: [Double], _ expected: [Double], tolerance: Double = 1e-6, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(
    actual.count == expected.count && zip(actual, expected).allSatisfy { abs($0 - $1) <= tolerance },
    "\(actual) is not \(expected)", sourceLocation: sourceLocation)
}
