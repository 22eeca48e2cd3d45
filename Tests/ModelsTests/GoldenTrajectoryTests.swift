import Foundation
import Layers
import Models
import Optimizers
import Tensor
import Testing

/// Small models against the training steps that Keras 3.15.1 made, with the tolerances that come with them.
///
/// The environment variable `CAPTCHA_GOLDEN_DIR` names another folder with `trajectories/*.json`; all of them are run.
@Suite struct GoldenTrajectoryTests {
  /// A trajectory with its model, which has the initial weights.
  private struct Run {
    let golden: GoldenTrajectory
    let tensors: [String: Tensor]
    let images: Tensor
    let model: Sequential
    let loss: any Loss

    init(_ name: String) throws {
      (golden, tensors) = try GoldenTrajectory.read(name)
      images = try #require(tensors["images"])
      model = try golden.makeModel(images: images.shape)
      loss = try #require(golden.loss.make())
      try model.load(Weights(GoldenTrajectory.weights("init/", in: tensors)))
    }

    /// The images of a step with values from 0 to 1.
    func pixels(_ indices: [Int]) -> Tensor { images.images(indices).floats(dividedBy: 255) }

    /// What the model says of the first eight images, [8, outputs].
    func probe() -> Tensor {
      let logits = model(pixels(Array(0..<8)), .inference)
      return loss.outputActivation.probabilities(logits, classes: golden.charset.count).reshaped(to: logits.shape)
    }

    var trainable: [NamedParameter] { model.namedParameters.filter(\.parameter.isTrainable) }
  }

  private var context: ForwardContext { .training(stream: RandomStream(seed: 0)) }

  @Test(arguments: try GoldenTrajectory.names())
  func predictionsOfTheInitialModel(_ name: String) throws {
    let run = try Run(name)
    let expected = try #require(run.tensors["probe_before"])
    expectClose(run.probe(), expected, "probe_before", limit: 1e-4 * (1 + expected.largestMagnitude))
  }

  @Test(arguments: try GoldenTrajectory.names())
  func gradientsOfTheFirstStep(_ name: String) throws {
    let run = try Run(name)
    let step = try #require(run.golden.steps.first)
    let logits = FloatStatistics.logits(run.model, run.pixels(step.indices), context)
    let gradients = run.loss(logits, labels: try run.golden.classes(step.indices)).backward()
    try expectEqual(gradients, GoldenTrajectory.weights("grad0/", in: run.tensors), run)
  }

  /// Model and optimizer as they are used, against three steps of Keras in Float64, for the trajectories that come with
  /// the tests.
  @Test(arguments: ["enhanced-mini", "resnet-mini"])
  func firstStepsInDoublePrecision(_ name: String) throws {
    guard try GoldenTrajectory.names().contains(name) else { return }
    let run = try Run(name)
    let file = GoldenTrajectory.float64Folder.appendingPathComponent("\(name).safetensors")
    let reference = try Safetensors(contentsOf: file).tensors
    let losses = try #require(reference["loss"]).elements()
    let norms = try #require(reference["max_grad_norm"]).elements()
    let clipped = try #require(reference["clipped_variables"]).elements()
    let optimizer = try run.golden.makeOptimizer(run.model)
    #expect(losses.count == 3)
    for (index, step) in run.golden.steps.prefix(losses.count).enumerated() {
      let (loss, gradients) = try forwardAndBackward(run, step, run.model(run.pixels(step.indices), context))
      #expect(abs(loss - losses[index]) < 5e-6 * losses[index], "step \(index + 1): \(loss), Keras \(losses[index])")
      if index == 0 { try expectEqual(gradients, GoldenTrajectory.weights("grad0/", in: reference), run) }
      let largest = Float(run.trainable.compactMap { gradients[$0.parameter]?.norm }.max() ?? 0)
      #expect(abs(largest - norms[index]) < 0.02 * norms[index], "step \(index + 1): \(largest), Keras \(norms[index])")
      optimizer.learningRate = step.lr
      #expect(optimizer.apply(gradients).clippedParameters == Int(clipped[index]), "step \(index + 1)")
    }
    let averages = GoldenTrajectory.weights("final/", in: reference)
    let expected = run.model.namedParameters.filter { !$0.parameter.isTrainable }
    #expect(Set(averages.keys) == Set(expected.map(\.name)))
    for item in expected {
      let average = try #require(averages[item.name])
      expectClose(item.parameter.value, average, item.name, limit: 1e-3 * average.largestMagnitude)
    }
  }

  private func forwardAndBackward(
    _ run: Run, _ step: GoldenTrajectory.Step, _ logits: Tensor
  ) throws -> (loss: Float, Gradients) {
    let loss = run.loss(logits, labels: try run.golden.classes(step.indices))
    return (loss.scalar, loss.backward())
  }

  private func expectEqual(_ gradients: Gradients, _ references: [String: Tensor], _ run: Run) throws {
    #expect(Set(references.keys) == Set(run.trainable.map(\.name)))
    for item in run.trainable {
      let reference = try #require(references[item.name], "no reference for \(item.name)")
      let gradient = try #require(gradients[item.parameter], "no gradient of \(item.name)")
      expectClose(gradient, reference, item.name, limit: 1e-4 * (1 + reference.largestMagnitude))
      // Gradients are small, so that the tolerance above would let a wrong one pass. What is smaller than a millionth is
      // rounding: a bias before a normalisation has no effect.
      let distance = (gradient - reference).norm
      #expect(
        distance <= 0.02 * reference.norm + 1e-6, "\(item.name): \(distance) from a gradient of \(reference.norm)")
    }
  }

  @Test(arguments: try GoldenTrajectory.names())
  func lossesAndFinalModel(_ name: String) throws {
    try expectTrajectory(name, logits: FloatStatistics.logits)
  }

  /// The model as it is used keeps to the tolerances as well, for the trajectories that come with the tests.
  @Test(arguments: ["enhanced-mini", "resnet-mini"])
  func lossesAndFinalModelWithExactStatistics(_ name: String) throws {
    guard try GoldenTrajectory.names().contains(name) else { return }
    try expectTrajectory(name) { model, images, context in model(images, context) }
  }

  private func expectTrajectory(
    _ name: String, logits: (Sequential, Tensor, ForwardContext) -> Tensor
  ) throws {
    let run = try Run(name)
    let optimizer = try run.golden.makeOptimizer(run.model)
    #expect(!run.golden.steps.isEmpty)
    for (index, step) in run.golden.steps.enumerated() {
      let (loss, gradients) = try forwardAndBackward(
        run, step, logits(run.model, run.pixels(step.indices), context))
      let difference = abs(Double(loss) - step.loss)
      #expect(
        difference <= (index < 5 ? 2e-4 : 2e-3) * step.loss, "step \(index + 1): loss \(loss), Keras \(step.loss)")
      optimizer.learningRate = step.lr
      let summary = optimizer.apply(gradients)
      // Later steps may clip other variables than the reference, since rounding moves the gradients; see FloatStatistics.
      if index == 0, case .byNorm(let limit) = optimizer.clipping {
        let norms = run.trainable.compactMap { gradients[$0.parameter]?.norm }
        // A norm within two hundredths of the limit may be on either side.
        let (certain, possible) = (norms.count { $0 > 1.02 * Double(limit) }, norms.count { $0 > 0.98 * Double(limit) })
        #expect((certain...possible).contains(step.clippedVariables), "\(norms)")
        #expect((certain...possible).contains(summary.clippedParameters), "\(norms)")
      }
    }
    let expected = try #require(run.tensors["probe_after"])
    expectClose(run.probe(), expected, "probe_after", limit: 2e-2)
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
