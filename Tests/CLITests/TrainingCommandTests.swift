import Data
import Foundation
import Models
import Testing

@testable import CLI

/// Training, evaluating and reading as a user does it, with a model so small that it takes a moment.
@Suite struct TrainingCommandTests {
  let runner: CommandRunner

  /// Settings that make a recipe's model tiny.
  static let tiny = [
    "--recipe", "quickstart", "--set", "model.filters=[4, 8]", "--set", "model.image_width=48", "--set",
    "model.image_height=16", "--set", "training.batch_size=16", "--set", "data.validation_fraction=0.1",
  ]

  init() throws { runner = try CommandRunner() }

  private func digits(_ folder: String, _ count: Int, seed: Int = 1) throws {
    let result = try runner.run(
      "generate", "--output", folder, "--count", "\(count)", "--types", "digit", "--length", "4", "--seed", "\(seed)")
    #expect(result.code == 0, "\(result.errors)")
  }

  private func train(_ arguments: String...) throws -> CommandResult {
    try runner.run(["train"] + Self.tiny + arguments)
  }

  @Test func theWholeWay() throws {
    try digits("images", 120)
    let trained = try train("--data", "images", "--epochs", "2", "--json")
    #expect(trained.code == 0, "\(trained.errors)")
    let json = try trained.json()
    let fields = ["best_val_loss", "best_exact_match", "epochs_run", "seconds", "stopped_because", "run"]
    for field in fields { #expect(json[field] != nil, "\(field)") }
    #expect(json["epochs_run"] as? Int == 2)
    #expect(json["run"] as? String == "runs/1")
    #expect(json["best_val_loss"] is Double && json["weights_are_finite"] as? Bool == true)
    // The events of the training as lines of JSON on standard error.
    let events = trained.errors.split(separator: "\n").filter { $0.hasPrefix("{") }.compactMap {
      try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
    #expect(events.first?["event"] as? String == "train_began" && events.last?["event"] as? String == "train_ended")
    #expect(events.filter { $0["event"] as? String == "epoch_ended" }.count == 2)

    for file in [
      "config.yaml", "training.log", "metrics.csv", "summary.json", "checkpoints/best-val-loss.safetensors",
      "checkpoints/final.safetensors", "checkpoints/resume.safetensors", "report.html",
    ] {
      #expect(runner.exists("runs/1/\(file)"), "\(file)")
    }
    #expect(try runner.text("runs/1/metrics.csv").split(whereSeparator: \.isNewline).count == 3)
    let written = try TrainingConfiguration(file: runner.path("runs/1/config.yaml"))
    #expect(written.data.path == "images")
    #expect(written.model.filters == [4, 8])
    #expect(
      written.training
        == TrainingConfiguration.LoopConfiguration(epochs: 2, batchSize: 16, precision: .float32, prefetch: 2))
    let summary = try #require(
      try JSONSerialization.jsonObject(with: Data(runner.text("runs/1/summary.json").utf8)) as? [String: Any])
    for field in fields { #expect(summary[field] != nil, "\(field)") }
    #expect((summary["evaluation"] as? [String: Any])?["count"] as? Int == 12)

    // On the same seed the same weights.
    #expect(try train("--data", "images", "--epochs", "2", "--run", "again").code == 0)
    #expect(
      FileManager.default.contentsEqual(
        atPath: runner.path("runs/1/checkpoints/final.safetensors"),
        andPath: runner.path("again/checkpoints/final.safetensors")))
    #expect(try runner.text("again/metrics.csv") == runner.text("runs/1/metrics.csv"))
    // A run is not overwritten.
    try runner.run(["train"] + Self.tiny + ["--data", "images", "--run", "again"]).expectError(1, "again", "--resume")
    // The next free number.
    #expect(try train("--data", "images", "--epochs", "1", "--json").json()["run"] as? String == "runs/2")

    try evaluationAgreesWithPrediction(model: "runs/1/checkpoints/final.safetensors")
  }

  /// Counts by hand, from what `predict` reads, what `evaluate` must say, on images with labels that the model cannot say.
  private func evaluationAgreesWithPrediction(model: String) throws {
    try runner.run("generate", "--output", "others", "--count", "60", "--seed", "5")
    let predicted = try runner.run("predict", model, "others", "--json")
    #expect(predicted.code == 0, "\(predicted.errors)")
    var texts: [String: String] = [:]
    for line in predicted.output.split(separator: "\n") {
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let confidence = try #require(object["confidence"] as? Double)
      #expect((0...1).contains(confidence))
      let file = try #require(object["file"] as? String)
      texts[URL(fileURLWithPath: file).lastPathComponent] = try #require(object["text"] as? String)
    }
    #expect(texts.count == 60)
    var right: [String: Int] = [:]
    var all: [String: Int] = [:]
    var unsayable = 0
    for line in try runner.text("others/manifest.jsonl").split(separator: "\n") {
      let entry = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
      let (file, label, type) = (entry["file"] ?? "", entry["label"] ?? "", entry["type"] ?? "")
      all[type, default: 0] += 1
      right[type, default: 0] += texts[file] == label ? 1 : 0
      unsayable += label.count > 4 || !label.allSatisfy { "0123456789".contains($0) } ? 1 : 0
    }

    let result = try runner.run("evaluate", model, "--data", "others", "--json", "--batch-size", "7")
    #expect(result.code == 0, "\(result.errors)")
    let json = try result.json()
    for field in [
      "count", "loss", "exact_match", "exact_match_ci95", "character_accuracy", "binary_accuracy", "precision",
      "recall",
      "by_type", "by_length", "per_position", "confusions", "images_per_second",
    ] {
      #expect(json[field] != nil, "\(field)")
    }
    #expect(json["count"] as? Int == 60)
    #expect(json["inexpressible_labels"] as? Int == unsayable)
    #expect(unsayable > 30)
    #expect((json["exact_match_ci95"] as? [Double])?.count == 2)
    let confusion = try #require((json["confusions"] as? [[String: Any]])?.first)
    #expect(confusion["true"] is String && confusion["predicted"] is String && confusion["count"] is Int)
    let byType = try #require(json["by_type"] as? [String: [String: Double]])
    #expect(Set(byType.keys) == Set(all.keys))
    for (type, count) in all {
      #expect(byType[type]?["count"] == Double(count))
      #expect(byType[type]?["exact_match"] == Double(right[type] ?? 0) / Double(count))
    }
    // The text says which types are new, and how many labels cannot be said.
    let text = try runner.run("evaluate", model, "--data", "others").output
    #expect(text.contains("\(unsayable) of 60 labels the model cannot say"))
    let lines = text.split(separator: "\n")
    #expect(lines.filter { $0.contains("not trained on") }.count == 3)
    #expect(lines.first { $0.hasPrefix("  digit") }?.contains("not trained on") == false)
  }

  @Test func predictReadsFilesOfAnySizeFoldersAndStandardInput() throws {
    try digits("images", 40)
    #expect(try train("--data", "images", "--epochs", "1", "--run", "r").code == 0)
    let model = "r/checkpoints/final.safetensors"
    let image = try #require(
      FileManager.default.contentsOfDirectory(atPath: runner.path("images")).sorted().first { $0.hasSuffix(".png") })
    // The model file alone is enough.
    try FileManager.default.copyItem(atPath: runner.path(model), toPath: runner.path("alone.safetensors"))
    try FileManager.default.removeItem(atPath: runner.path("r"))
    let bytes = try Data(contentsOf: URL(fileURLWithPath: runner.path("images/\(image)")))
    let fromFile = try runner.run("predict", "alone.safetensors", "images/\(image)", "--json").json()
    let fromInput = try runner.run("predict", "alone.safetensors", "-", "--json", input: bytes).json()
    #expect(fromFile["file"] as? String == "images/\(image)")
    #expect(fromInput["file"] as? String == "-")
    #expect(fromFile["text"] as? String == fromInput["text"] as? String)
    #expect(fromFile["confidence"] as? Double == fromInput["confidence"] as? Double)
    let reading = try Recognizer(contentsOf: URL(fileURLWithPath: runner.path("alone.safetensors")))
      .read(path: runner.path("images/\(image)"))
    #expect(fromFile["text"] as? String == reading.text)

    try PNG.write(Image(width: 31, height: 90, color: [200, 10, 10]), to: runner.path("other.png"))
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: runner.path("broken.png")))
    let mixed = try runner.run("predict", "alone.safetensors", "broken.png", "other.png", "nowhere.png", "images")
    #expect(mixed.code == 1)
    let lines = mixed.output.split(separator: "\n").map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
    #expect(lines.count == 40)
    #expect(lines.allSatisfy { $0.count == 3 })
    let errors = mixed.errors.split(separator: "\n")
    #expect(errors.count == 3)
    #expect(errors.contains { $0.contains("other.png: the image is 31×90") && $0.contains("--resize") })
    #expect(errors.contains { $0.hasPrefix("error: broken.png: not a PNG, JPEG, GIF or BMP image") })
    #expect(errors.contains { $0.hasPrefix("error: nowhere.png: can't be read") })
    let scaled = try runner.run("predict", "alone.safetensors", "other.png", "--resize")
    #expect(scaled.code == 0 && scaled.output.hasPrefix("other.png\t"), "\(scaled.errors)")
    try FileManager.default.createDirectory(atPath: runner.path("others"), withIntermediateDirectories: true)
    try PNG.write(Image(width: 31, height: 90, color: [200, 10, 10]), to: runner.path("others/12-a.png"))
    try runner.run("evaluate", "alone.safetensors", "--data", "others").expectError(1, "31×90", "200×60", "--resize")
    #expect(try runner.run("evaluate", "alone.safetensors", "--data", "others", "--resize").code == 0)
    try runner.run("predict", "alone.safetensors", "-", input: Data()).expectError(1, "-: the file is empty")
  }

  @Test func evaluateLeavesOutAsManyImagesAsItIsAllowedTo() throws {
    try digits("images", 40)
    #expect(try train("--data", "images", "--epochs", "1", "--run", "r").code == 0)
    try digits("few", 4, seed: 2)
    let names = try FileManager.default.contentsOfDirectory(atPath: runner.path("few")).filter { $0.hasSuffix(".png") }
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: runner.path("few/\(names[0])")))
    let command = ["evaluate", "r/checkpoints/final.safetensors", "--data", "few", "--json"]
    try runner.run(command).expectError(1, "few: 1 of 4 images are rejected", names[0])
    let allowed = try runner.run(command + ["--maximum-rejected-share", "0.25"])
    #expect(allowed.code == 0)
    #expect(try allowed.json()["count"] as? Int == 3)
    #expect(allowed.errors.contains("left out: \(names[0])"))
  }

  @Test func trainDrawsItsOwnImages() throws {
    for fresh in ["false", "true"] {
      let result = try runner.run(
        ["train"] + Self.tiny + [
          "--epochs", "1", "--set", "data.generate.count=80", "--set", "data.generate.fresh=\(fresh)",
          "--set",
          "data.validation_fraction=0.25", "--json", "--run", "run-\(fresh)",
        ])
      #expect(result.code == 0, "\(result.errors)")
      let summary = try #require(
        try JSONSerialization.jsonObject(with: Data(runner.text("run-\(fresh)/summary.json").utf8)) as? [String: Any])
      #expect((summary["evaluation"] as? [String: Any])?["count"] as? Int == 20)
      #expect(try runner.text("run-\(fresh)/training.log").contains("\(fresh == "true" ? 80 : 60) images"))
    }
  }

  @Test func verboseShowsTheRateThatWasSetAndTheOneInUse() throws {
    try digits("images", 40)
    let result = try runner.run(
      ["train"] + Self.tiny + [
        "--data", "images", "--epochs", "2", "--verbose", "--set",
        "callbacks=[{name: warmup_learning_rate, start_lr: 0.0001, target_lr: 0.0009, warmup_epochs: 2}]",
      ])
    #expect(result.code == 0, "\(result.errors)")
    // start + (target − start) · (epoch + 1) / epochs
    let lines = result.errors.split(separator: "\n").filter { $0.contains("warmup_learning_rate") }
    #expect(lines.contains { $0.components(separatedBy: "0.0005").count == 3 }, "\(result.errors)")
    #expect(lines.contains { $0.components(separatedBy: "0.0009").count == 3 }, "\(result.errors)")
    let chinese = try train("--data", "images", "--epochs", "1", "--language", "zh")
    #expect(chinese.errors.contains("轮"))
  }

  @Test func labelsOutsideTheModelAreRefused() throws {
    try runner.run("generate", "--output", "letters", "--count", "20", "--types", "alpha")
    try runner.run(["train"] + Self.tiny + ["--data", "letters"])
      .expectError(1, "letters: 20 of 20 images are rejected", "dataset check")
  }

  @Test func resumeNeedsARun() throws {
    try runner.run("train", "--resume").expectError(1, "there is no run to resume")
    try runner.run("train", "--resume", "--run", "nowhere").expectError(1, "nowhere: no such run")
    try digits("images", 40)
    #expect(try train("--data", "images", "--epochs", "1", "--run", "r").code == 0)
    try runner.run("train", "--resume", "--run", "r").expectError(1, "all 1 epochs are done", "--epochs")
    try runner.run("train", "--resume", "--run", "r", "--epochs", "2", "--seed", "7").expectError(1, "seed: 42, now 7")
    try runner.run("train", "--resume", "--run", "r", "--epochs", "2", "--set", "optimizer.learning_rate=0.1")
      .expectError(1, "(optimizer.learning_rate: 0.001, now 0.1)")
    try runner.run("train", "--resume", "--run", "r", "--epochs", "2", "--set", "callbacks.one_cycle.max_lr=0.1")
      .expectError(1, "(callbacks.one_cycle.max_lr: 0.003, now 0.1)")
    // A cycle of the learning rate cannot be made longer afterwards. What is refused leaves all files as they are.
    let files = ["report.html", "training.log", "metrics.csv", "config.yaml"]
    let before = try files.map { try runner.text("r/\($0)") }
    try runner.run("train", "--resume", "--run", "r", "--epochs", "3").expectError(1, "one_cycle", "same epochs")
    #expect(try files.map { try runner.text("r/\($0)") } == before)
    #expect(try train("--data", "images", "--epochs", "1", "--run", "plain", "--set", "callbacks=[]").code == 0)
    let more = try runner.run("train", "--resume", "--run", "plain", "--epochs", "3", "--json")
    #expect(more.code == 0, "\(more.errors)")
    #expect(try more.json()["epochs_run"] as? Int == 3)
    // The page has the epochs of both runs, and says where it is.
    let page = try runner.text("plain/report.html")
    for epoch in 1...3 { #expect(page.contains("<th scope=\"row\">\(epoch)</th>"), "\(epoch)") }
    #expect(page.contains("Training of plain") && page.contains("architecture: &quot;compact&quot;"))
    #expect(more.errors.contains("report: plain/report.html"))
    #expect(try TrainingConfiguration(file: runner.path("plain/config.yaml")).training.epochs == 3)
  }

  /// Killed between its last epoch and its last files: the end is run again. Ended for good, it is not.
  @Test(arguments: ["[]", "[{name: early_stopping, min_delta: 1000, patience: 1, restore_best_weights: true}]"])
  func aRunThatWasKilledAtItsEndCanBeFinished(callbacks: String) throws {
    try digits("images", 60)
    #expect(
      try train("--data", "images", "--epochs", "2", "--run", "r", "--set", "callbacks=\(callbacks)").code == 0)
    let complaint = try runner.run("train", "--resume", "--run", "r")
    complaint.expectError(
      1, callbacks == "[]" ? "all 2 epochs are done" : "has ended because val_loss has not improved")
    let files = ["checkpoints/final.safetensors", "metrics.csv"]
    let before = try files.map { try Data(contentsOf: URL(fileURLWithPath: runner.path("r/\($0)"))) }
    for lost in ["checkpoints/final.safetensors", "summary.json"] {
      try FileManager.default.removeItem(atPath: runner.path("r/\(lost)"))
      let finished = try runner.run("train", "--resume", "--run", "r", "--json")
      #expect(finished.code == 0, "\(finished.errors)")
      #expect(try finished.json()["epochs_run"] as? Int == 2)
      #expect(runner.exists("r/summary.json"))
      #expect(try files.map { try Data(contentsOf: URL(fileURLWithPath: runner.path("r/\($0)"))) } == before)
    }
    try runner.run("train", "--resume", "--run", "r").expectError(1)
  }

  /// What is printed to be typed next must work as it stands.
  @Test func aFolderWithSpacesAndQuotes() throws {
    try digits("images", 40)
    let trained = try train("--data", "images", "--epochs", "1", "--run", "it's $(a) run", "--set", "callbacks=[]")
    #expect(trained.code == 0, "\(trained.errors)")
    let next = try #require(trained.output.split(separator: "\n").last { $0.contains("--resume") })
    #expect(
      next.trimmingCharacters(in: .whitespaces) == #"captcha-cli train --resume --run 'it'\''s $(a) run' --epochs 2"#)
    try FileManager.default.removeItem(atPath: runner.path("it's $(a) run/config.yaml"))
    try runner.run("train", "--resume", "--run", "it's $(a) run", "--epochs", "2")
      .expectError(1, "config.yaml: the run's configuration is not there", "--config")
  }

  @Test func aTimeThatIsUsedUpCanBeGivenMore() throws {
    try digits("images", 120)
    let budget = "callbacks=[{name: time_budget, seconds: 0.000001}]"
    #expect(try train("--data", "images", "--epochs", "2", "--run", "whole", "--set", "callbacks=[]").code == 0)
    let first = try train("--data", "images", "--epochs", "2", "--run", "r", "--set", budget, "--json")
    let reason = try first.json()["stopped_because"] as? String
    #expect(reason == "the 0.000001 s for the run are used up", "\(first.errors)")
    try runner.run("train", "--resume", "--run", "r").expectError(1, "time_budget", "has used", "give more")
    let more = try runner.run("train", "--resume", "--run", "r", "--set", "callbacks.time_budget.seconds=1000")
    #expect(more.code == 0, "\(more.errors)")
    // The stop came after the first of seven batches, and nothing of the epoch is lost.
    #expect(try runner.text("r/metrics.csv") == runner.text("whole/metrics.csv"))
  }

  /// A resumed training adds a file for TensorBoard. (What the files hold, TensorBoardTests and scripts/tensorboard-check
  /// prove.)
  @Test func everyTrainingWritesForTensorBoard() throws {
    try digits("images", 40)
    #expect(try train("--data", "images", "--epochs", "1", "--run", "r", "--set", "callbacks=[]").code == 0)
    func files(_ folder: String) throws -> [Data] {
      try FileManager.default.contentsOfDirectory(atPath: runner.path(folder)).sorted()
        .filter { $0.hasPrefix("events.out.tfevents.") }
        .map { try Data(contentsOf: URL(fileURLWithPath: runner.path("\(folder)/\($0)"))) }
    }
    let first = try #require(try files("r/tensorboard").first)
    for text in [
      "brain.Event:2", "loss/loss", "loss/val_loss", "exact_match/val_exact_match", "training/learning_rate",
      "weights/conv1/kernel", "misread/readings", "configuration", "architecture: \"compact\"",
    ] {
      #expect(first.range(of: Data(text.utf8)) != nil, "\(text)")
    }
    #expect(try files("r/tensorboard/batches").first?.range(of: Data("batch/loss".utf8)) != nil)
    #expect(try runner.run("train", "--resume", "--run", "r", "--epochs", "2").code == 0)
    #expect(try files("r/tensorboard").count == 2)
    #expect(try files("r/tensorboard").first == first)
    #expect(try files("r/tensorboard/batches").count == 2)
  }

  @Test func quickstartReadsItsPictures() throws {
    let result = try runner.run(
      ["quickstart", "--json", "--run", "q", "--set", "data.generate.count=60"] + Self.tiny.dropFirst(2)
        + ["--set", "training.epochs=1"])
    #expect(result.code == 0, "\(result.errors)")
    let json = try result.json()
    #expect(json["exact_match"] is Double && json["seconds"] is Double)
    #expect(json["count"] as? Int == 1000)
    for file in ["config.yaml", "summary.json", "checkpoints/final.safetensors", "samples.png", "report.html"] {
      #expect(runner.exists("q/\(file)"), "\(file)")
    }
    #expect(result.errors.contains("q/samples.png") && result.errors.contains("report: q/report.html"))
    let samples = try runner.run("predict", "q/checkpoints/final.safetensors", "q/samples", "--json")
    #expect(samples.output.split(separator: "\n").count == 5)
  }
}
