import Data
import Foundation
import Layers
import Models
import Tensor
import Testing

@testable import CLI

/// Trainings that start from another model, with a part of it frozen.
@Suite struct TransferCommandTests {
  private let runner: CommandRunner
  private let freeze = ["--set", #"transfer.freeze=["conv1", "bn1"]"#]

  /// Trains a model of four digits for an epoch.
  init() throws {
    runner = try CommandRunner()
    try runner.run("generate", "--output", "images", "--count", "60", "--types", "digit", "--length", "4")
    try runner.run(
      "generate", "--output", "more", "--count", "60", "--types", "digit", "--length", "4...5", "--seed", "2")
    let result = try train("--data", "images", "--epochs", "1", "--run", "first")
    #expect(result.code == 0, "\(result.errors)")
  }

  private let source = "first/checkpoints/final.safetensors"

  private func train(_ arguments: String...) throws -> CommandResult {
    try runner.run(
      ["train"] + TrainingCommandTests.tiny + ["--set", "callbacks=[]"] + arguments)
  }

  /// A training of up to five digits and letters from the first model.
  private func transfer(_ arguments: String...) throws -> CommandResult {
    try runner.run(
      ["train"] + TrainingCommandTests.tiny + [
        "--set", "callbacks=[]", "--data", "more", "--set", "model.charset=\"ab0123456789\"", "--set",
        "model.maximum_length=5", "--initialize-from", source,
      ] + freeze + arguments)
  }

  private func tensors(_ file: String) throws -> [String: [UInt32]] {
    try Safetensors(contentsOf: URL(fileURLWithPath: runner.path(file))).tensors.mapValues { tensor in
      tensor.elements().map(\.bitPattern)
    }
  }

  @Test func frozenWeightsStayAndTheReportIsLogged() throws {
    let result = try transfer("--epochs", "2", "--run", "r")
    #expect(result.code == 0, "\(result.errors)")
    let (before, after) = (try tensors(source), try tensors("r/checkpoints/final.safetensors"))
    let frozen: Set = ["conv1/kernel", "bn1/gamma", "bn1/beta", "bn1/moving_mean", "bn1/moving_variance"]
    for (name, values) in after { #expect((values == before[name]) == frozen.contains(name), "\(name)") }
    // The first output of the bias is new ("a"); it was drawn as zero, and trained.
    #expect(after["output/bias"]?.count == 5 * 13)

    let lines = [
      "weights from \(source): taken 10, partly taken 2, drawn anew 0, not used 0",
      "  taken         conv1/kernel [5, 5, 1, 4]",
      "  partly taken  output/bias [65]: taken \"0123456789\" and the padding at positions 1 to 4; drawn anew \"ab\" and "
        + "position 5",
      "frozen: 108 weights in conv1/kernel, bn1/gamma, bn1/beta",
    ]
    let log = try runner.text("r/training.log").split(separator: "\n")
    for line in lines {
      #expect(result.errors.contains(line), "\(result.errors)")
      #expect(log.contains { $0.hasSuffix("  \(line)") }, "\(log)")
    }
    let written = try TrainingConfiguration(file: runner.path("r/config.yaml"))
    #expect(
      written.transfer == TrainingConfiguration.TransferConfiguration(initializeFrom: source, freeze: ["conv1", "bn1"]))
    // The model file says nothing of where it came from.
    let metadata = try Safetensors(contentsOf: URL(fileURLWithPath: runner.path("r/checkpoints/final.safetensors")))
      .metadata
    #expect(metadata.values.allSatisfy { !$0.contains("first") && !$0.contains("freeze") })
    #expect(try runner.run("evaluate", "r/checkpoints/final.safetensors", "--data", "more").code == 0)
  }

  /// Without a step, all of the first model is there.
  @Test func theTrainingStartsFromTheFile() throws {
    let transfer = try #require(
      try TrainingConfiguration(
        recipe: .quickstart,
        overrides: [
          "model.filters=[4, 8]", "model.image_width=48", "model.image_height=16",
          "transfer.initialize_from='\(runner.path(source))'",
        ]
      ).weightTransfer(isResuming: false))
    #expect(transfer.report.entries.allSatisfy { $0.fate == .taken })
    // At a rate too small to change a number, all that is trained stays what it was.
    let started = try train(
      "--data", "images", "--epochs", "1", "--run", "started", "--initialize-from", source, "--set",
      "optimizer.learning_rate=1e-30")
    #expect(started.code == 0, "\(started.errors)")
    let (before, after) = (try tensors(source), try tensors("started/checkpoints/final.safetensors"))
    for (name, values) in after { #expect((values == before[name]) == !name.contains("/moving_"), "\(name)") }
  }

  /// A run that is resumed has its weights and its freezing, and needs the other model no more.
  @Test func aResumedRunIsTheUninterruptedOne() throws {
    #expect(try transfer("--epochs", "2", "--run", "whole").code == 0)
    #expect(try transfer("--epochs", "1", "--run", "r").code == 0)
    try runner.run("train", "--resume", "--run", "r", "--epochs", "2", "--set", "transfer.freeze=[]")
      .expectError(1, "transfer.freeze: conv1, bn1, now none")
    try runner.run("train", "--resume", "--run", "r", "--epochs", "2", "--initialize-from", "other.safetensors")
      .expectError(1, "transfer.initialize_from: \(source), now other.safetensors")
    try FileManager.default.removeItem(atPath: runner.path(source))
    let resumed = try runner.run("train", "--resume", "--run", "r", "--epochs", "2")
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(resumed.errors.contains("frozen: ") && !resumed.errors.contains("weights from"))
    #expect(
      FileManager.default.contentsEqual(
        atPath: runner.path("whole/checkpoints/final.safetensors"),
        andPath: runner.path("r/checkpoints/final.safetensors"))
    )
    #expect(try runner.text("whole/metrics.csv") == runner.text("r/metrics.csv"))
  }

  @Test func wrongFilesAndPatternsAreRefusedBeforeAnythingIsDone() throws {
    try train("--data", "images", "--initialize-from", "none.safetensors", "--run", "x")
      .expectError(1, "none.safetensors: no such file")
    try train("--data", "images", "--run", "x", "--set", "transfer.freeze=[konv1]")
      .expectError(1, "transfer.freeze: \"konv1\" matches no parameter", "did you mean \"conv1\"?")
    try train("--data", "images", "--run", "x", "--set", "transfer.freeze=[dense_layers]")
      .expectError(1, "its layers are conv1, bn1, conv2, bn2, output")
    try train("--data", "images", "--run", "x", "--set", "transfer.freeze=['*']").expectError(
      1, "nothing is left to train")
    try train("--data", "images", "--run", "x", "--set", "transfer.freeze=['*/moving_mean']")
      .expectError(1, "running statistics only", "gamma")
    try train("--data", "images", "--run", "x", "--set", "transfer.freeze=3").expectError(1, "transfer.freeze is 3")
    try train("--data", "images", "--run", "x", "--set", "transfer.frieze=[a]").expectError(
      1, "did you mean \"freeze\"?")
    try train(
      "--data", "images", "--run", "x", "--initialize-from", source, "--set", "model.filters=[5, 9]", "--set",
      "model.architecture=resnet", "--set", "model.image_width=64", "--set", "model.image_height=32", "--set",
      "model.charset=xyz", "--set", "model.head=positions", "--set", "data.generate.types=[digit]", "--set",
      "model.maximum_length=9"
    ).expectError(1, "none of its weights fit the model")
    #expect(!runner.exists("x"))
  }

  @Test func theConfigurationReadsBackEqual() throws {
    let configuration = try TrainingConfiguration(
      recipe: .seed, overrides: ["transfer.initialize_from='a \"b\".safetensors'", "transfer.freeze=['conv*', bn1]"])
    #expect(try TrainingConfiguration(yaml: configuration.yaml(), named: "copy") == configuration)
    #expect(try TrainingConfiguration(yaml: "transfer: {freeze: null}", named: "t").transfer.freeze.isEmpty)
  }
}
