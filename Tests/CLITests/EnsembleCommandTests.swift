import Data
import Foundation
import Layers
import Models
import Tensor
import Testing

/// Ensembles as a user makes and uses them.
@Suite struct EnsembleCommandTests {
  private let runner: CommandRunner

  /// Writes three untrained models, two of which could be averaged, and images of a size that all know.
  init() throws {
    runner = try CommandRunner()
    for (name, width, length, color) in [
      ("a", 64, 2, ColorMode.grayscale), ("b", 48, 2, .rgb), ("c", 64, 3, .grayscale),
    ] {
      let configuration = ModelConfiguration(
        architecture: "compact", imageWidth: width, imageHeight: 32, colorMode: color,
        codec: try LabelCodec(charset: .digits, maximumLength: length), filters: [4, 8])
      let model = try ModelZoo.model(configuration)
      model.initialize(seed: UInt64(width + length))
      let description = ModelDescription(
        configuration: configuration, loss: LossConfiguration(name: "softmax"),
        trainedSizes: name == "c" ? ["64×32", "100×50"] : ["64×32"])
      try Safetensors(tensors: model.weights.tensors, metadata: description.metadata())
        .write(to: URL(fileURLWithPath: runner.path("\(name).safetensors")))
    }
    try runner.run(
      "generate", "--output", "images", "--count", "30", "--types", "digit", "--length", "1...2", "--width", "64",
      "--height", "32")
  }

  private func read(_ model: String) throws -> [[String: Any]] {
    let result = try runner.run("predict", model, "images", "--json")
    #expect(result.code == 0, "\(result.errors)")
    return try result.output.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  @Test func aVoteOfThree() throws {
    let made = try runner.run(
      "ensemble", "a.safetensors", "b.safetensors", "c.safetensors", "--output", "e.safetensors")
    #expect(made.code == 0 && made.output.contains("method   vote") && made.output.contains("b.safetensors: compact"))
    let alone = try ["a", "b", "c"].map { try read("\($0).safetensors") }
    let together = try read("e.safetensors")
    #expect(together.count == 30)
    var texts: [String: String] = [:]
    for (index, line) in together.enumerated() {
      let votes = try alone.map {
        try (#require($0[index]["text"] as? String), #require($0[index]["confidence"] as? Double))
      }
      .filter { !$0.0.isEmpty }
      func rank(_ text: String) -> (Int, Double) {
        let own = votes.filter { $0.0 == text }
        return (own.count, own.reduce(0) { $0 + $1.1 })
      }
      let best = try #require(votes.map(\.0).max { rank($0) < rank($1) })
      #expect(line["text"] as? String == best)
      #expect(abs(try #require(line["confidence"] as? Double) - rank(best).1 / 3) < 1e-6)
      texts[URL(fileURLWithPath: try #require(line["file"] as? String)).lastPathComponent] = best
    }

    // The evaluation says what the readings say.
    let report = try runner.run("evaluate", "e.safetensors", "--data", "images", "--json")
    #expect(report.code == 0, "\(report.errors)")
    let json = try report.json()
    var right = 0
    for line in try runner.text("images/manifest.jsonl").split(separator: "\n") {
      let entry = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
      right += texts[entry["file"] ?? ""] == entry["label"] ? 1 : 0
    }
    #expect(json["count"] as? Int == 30 && json["loss"] is NSNull)
    #expect(json["exact_match"] as? Double == Double(right) / 30)
    #expect((json["per_position"] as? [Double])?.count == 3)
    let text = try runner.run("evaluate", "e.safetensors", "--data", "images")
    #expect(text.output.contains("loss                 none: the models have none in common"))
    #expect(try runner.run("dataset", "check", "images", "--model", "e.safetensors", "--confidence", "1").code == 0)
  }

  @Test func aMeanHasALossAndCanBeCalibrated() throws {
    let made = try runner.run(
      "ensemble", "a.safetensors", "b.safetensors", "--method", "mean", "--output", "e.safetensors", "--json")
    let json = try made.json()
    #expect(json["method"] as? String == "mean" && json["bytes"] is Int)
    #expect((json["members"] as? [[String: Any]])?.map { $0["file"] as? String } == ["a.safetensors", "b.safetensors"])
    let report = try runner.run("evaluate", "e.safetensors", "--data", "images", "--json").json()
    #expect(report["loss"] is Double)
    // Readings of which some are right, so that there is something to fit.
    try FileManager.default.removeItem(atPath: runner.path("images/manifest.jsonl"))
    let labels = try read("e.safetensors").enumerated().map { index, line in
      let file = URL(fileURLWithPath: try #require(line["file"] as? String)).lastPathComponent
      let text = try #require(line["text"] as? String)
      return "\(file)\t\(index % 3 < 2 && !text.isEmpty ? text : text == "12" ? "21" : "12")\n"
    }
    try Data(labels.joined().utf8).write(to: URL(fileURLWithPath: runner.path("images/labels.txt")))
    let calibrated = try runner.run(
      "calibrate", "e.safetensors", "--data", "images", "--output", "f.safetensors", "--accuracy", "0.5", "--json")
    #expect(calibrated.code == 0, "\(calibrated.errors)")
    let found = try calibrated.json()
    let after = try #require(
      try runner.run("evaluate", "f.safetensors", "--data", "images", "--json").json()["confidence"] as? NSDictionary)
    #expect(try after.isEqual(to: #require(found["after"] as? [String: Any])))
    #expect(found["temperature"] as? Double != 1)
    #expect(try read("f.safetensors").allSatisfy { $0["rejected"] is Bool })
  }

  @Test func whatCannotBeIsRefused() throws {
    try runner.run("ensemble", "a.safetensors", "--output", "e.safetensors")
      .expectError(64, "a.safetensors: an ensemble needs at least two models")
    try runner.run("ensemble", "a.safetensors", "c.safetensors", "--method", "mean", "--output", "e.safetensors")
      .expectError(1, "c.safetensors: model.maximum_length is 3, and 2 in a.safetensors", "vote")
    try runner.run("ensemble", "a.safetensors", "none.safetensors", "--output", "e.safetensors")
      .expectError(1, "none.safetensors: no such file")
    try runner.run("ensemble", "a.safetensors", "b.safetensors", "--output", "b.safetensors")
      .expectError(1, "b.safetensors is there already")
    try runner.run("ensemble", "a.safetensors", "b.safetensors", "--method", "sum", "--output", "e.safetensors")
      .expectError(64, "--method")
    #expect(!runner.exists("e.safetensors"))
    #expect(try runner.run("ensemble", "a.safetensors", "c.safetensors", "--output", "e.safetensors").code == 0)
    try runner.run("ensemble", "e.safetensors", "b.safetensors", "--output", "f.safetensors")
      .expectError(1, "e.safetensors: an ensemble, where one model is needed")
    try runner.run("train", "--initialize-from", "e.safetensors").expectError(1, "e.safetensors: an ensemble")
    // A size that only one of them knows.
    try PNG.write(Image(width: 100, height: 50, color: [9, 9, 9]), to: runner.path("x.png"))
    #expect(try runner.run("predict", "c.safetensors", "x.png").code == 0)
    try runner.run("predict", "e.safetensors", "x.png").expectError(1, "x.png: the image is 100×50", "64×32")
    #expect(try runner.run("predict", "e.safetensors", "x.png", "--resize").code == 0)
  }
}
