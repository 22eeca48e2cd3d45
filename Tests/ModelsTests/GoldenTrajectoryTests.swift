import Foundation
import Layers
import Models
import Tensor
import Testing

/// Small models against the training steps that Keras 3.15.1 made, with the tolerances that come with them.
///
/// The environment variable `CAPTCHA_GOLDEN_DIR` names another folder with `trajectories/*.json`; all of them are run.
@Suite struct GoldenTrajectoryTests {
  @Test(arguments: try GoldenTrajectory.names())
  func predictionsOfTheInitialModel(_ name: String) throws {
    let (golden, tensors) = try GoldenTrajectory.read(name)
    let images = try #require(tensors["images"])
    let model = try golden.makeModel(images: images.shape)
    try model.load(Weights(GoldenTrajectory.weights("init/", in: tensors)))
    let probabilities = try probe(model, golden, images)
    let expected = try #require(tensors["probe_before"])
    expectClose(probabilities, expected, "probe_before", limit: 1e-4 * (1 + expected.largestMagnitude))
  }

  @Test(arguments: try GoldenTrajectory.names())
  func gradientsOfTheFirstStep(_ name: String) throws {
    let (golden, tensors) = try GoldenTrajectory.read(name)
    let images = try #require(tensors["images"])
    let model = try golden.makeModel(images: images.shape)
    try model.load(Weights(GoldenTrajectory.weights("init/", in: tensors)))
    let loss = try #require(golden.loss.make())
    let step = try #require(golden.steps.first)
    let logits = model(
      images.images(step.indices).floats(dividedBy: 255), .training(stream: RandomStream(seed: 0)))
    let gradients = loss(logits, labels: try golden.classes(step.indices)).backward()

    var expected = GoldenTrajectory.weights("grad0/", in: tensors)
    for (name, parameter) in model.namedParameters.map({ ($0.name, $0.parameter) }) where parameter.isTrainable {
      let removed = expected.removeValue(forKey: name)
      let reference = try #require(removed, "no reference for \(name)")
      let gradient = try #require(gradients[parameter], "no gradient of \(name)")
      expectClose(gradient, reference, name, limit: 1e-4 * (1 + reference.largestMagnitude))
      // Gradients are small, so that the tolerance above would let a wrong one pass. What is smaller than a millionth is
      // rounding: a bias before a normalisation has no effect.
      let distance = (gradient - reference).norm
      #expect(distance <= 0.01 * reference.norm + 1e-6, "\(name): \(distance) from a gradient of \(reference.norm)")
    }
    #expect(expected.isEmpty, "no parameters for \(expected.keys.sorted())")
  }

  /// What a model says of the first eight images, [8, outputs].
  private func probe(_ model: Sequential, _ golden: GoldenTrajectory, _ images: Tensor) throws -> Tensor {
    let loss = try #require(golden.loss.make())
    let logits = model(images.images(Array(0..<8)).floats(dividedBy: 255), .inference)
    return loss.outputActivation.probabilities(logits, classes: golden.charset.count).reshaped(to: logits.shape)
  }
}

extension Tensor {
  var largestMagnitude: Float { elements().map(abs).max() ?? 0 }
}

/// Expects equal shapes and all elements within `limit`.
func expectClose(
  _ actual: Tensor, _ expected: Tensor, _ what: String, limit: Float,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(actual.shape == expected.shape, "\(what): shape", sourceLocation: sourceLocation)
  // A NaN is no distance, so it is looked for by "not within the limit".
  let wrong = zip(actual.elements(), expected.elements()).enumerated().filter {
    !(abs($0.element.0 - $0.element.1) <= limit)
  }
  #expect(
    wrong.isEmpty,
    "\(what): \(wrong.count) of \(expected.shape.count) differ by more than \(limit), first \(wrong.prefix(3))",
    sourceLocation: sourceLocation)
}
