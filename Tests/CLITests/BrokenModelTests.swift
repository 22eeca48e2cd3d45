import Data
import Foundation
import Models
import Tensor
import Testing

@testable import CLI

/// A model whose weights are numbers and whose outputs are none.
@Suite struct BrokenModelTests {
  private let runner: CommandRunner

  init() throws {
    runner = try CommandRunner()
    try runner.run("generate", "--output", "images", "--count", "40", "--types", "digit", "--length", "4")
    let configuration = try TrainingConfiguration(
      recipe: .quickstart,
      overrides: ["model.filters=[4, 8]", "model.image_width=48", "model.image_height=16"])
    let model = try ModelZoo.model(configuration.model)
    model.initialize(seed: 1)
    // Their product is more than a float can hold.
    var weights = model.weights.tensors
    for name in ["bn2/gamma", "output/kernel"] {
      weights[name] = Tensor(repeating: 1e25, shape: try #require(weights[name]).shape)
    }
    let description = ModelDescription(
      configuration: configuration.model, loss: configuration.loss, trainedTypes: ["digit"], trainedSizes: ["200×60"])
    try Safetensors(tensors: weights, metadata: description.metadata())
      .write(to: URL(fileURLWithPath: runner.path("huge.safetensors")))
  }

  @Test(arguments: [
    ["predict", "huge.safetensors", "images"], ["evaluate", "huge.safetensors", "--data", "images"],
    ["calibrate", "huge.safetensors", "--data", "images", "--output", "c.safetensors"],
    ["dataset", "check", "images", "--model", "huge.safetensors"],
  ])
  func nothingIsReadWithIt(_ command: [String]) throws {
    try runner.run(command).expectError(
      1, "huge.safetensors: its outputs are NaN or infinite", "use another checkpoint")
    #expect(!runner.exists("c.safetensors"))
  }

  @Test func aNameOfTwoLinesMakesAnErrorOfOne() throws {
    let huge = try Safetensors(contentsOf: URL(fileURLWithPath: runner.path("huge.safetensors")))
    var metadata = huge.metadata
    let model = try #require(metadata["captcha.model"])
    metadata["captcha.model"] = model.replacing("\"compact\"", with: "\"com\\npact\"")
    try Safetensors(tensors: huge.tensors, metadata: metadata)
      .write(to: URL(fileURLWithPath: runner.path("lines.safetensors")))
    let result = try runner.run("predict", "lines.safetensors", "images")
    result.expectError(1, "lines.safetensors", "com\\npact")
    #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
  }

  @Test func oneOfAnEnsembleIsEnough() throws {
    #expect(
      try runner.run(
        "ensemble", "huge.safetensors", "huge.safetensors", "--output", "both.safetensors", "--method", "vote"
      ).code == 0)
    try runner.run("predict", "both.safetensors", "images")
      .expectError(1, "both.safetensors: huge.safetensors: its outputs are NaN or infinite")
  }

  /// Without a callback that watches, a training that starts from it runs to its end, and says what came of it.
  @Test func aTrainingThatComesToNothingSaysSo() throws {
    let result = try runner.run(
      ["train"] + TrainingCommandTests.tiny + [
        "--data", "images", "--set", "callbacks=[]", "--epochs", "1", "--initialize-from", "huge.safetensors", "--run",
        "r", "--json",
      ])
    #expect(result.code == 0, "\(result.errors)")
    #expect(try result.json()["weights_are_finite"] as? Bool == false)
    #expect(try runner.text("r/training.log").contains("Warning: the weights are NaN or infinite in "))
    let summary = try #require(
      try JSONSerialization.jsonObject(with: Data(runner.text("r/summary.json").utf8)) as? [String: Any])
    #expect(summary["weights_are_finite"] as? Bool == false)
  }
}
