import Callbacks
import Data
import Foundation
import Layers
import Models
import Tensor
import Testing

@testable import CLI

/// Calibrated model files, and what the commands make of them.
@Suite struct CalibrateCommandTests {
  private let runner: CommandRunner

  /// Draws images, and labels seven of ten with what an untrained model reads and the rest with something else.
  init() throws {
    runner = try CommandRunner()
    let configuration = ModelConfiguration(
      architecture: "compact", imageWidth: 64, imageHeight: 32, colorMode: .grayscale,
      codec: try LabelCodec(charset: .digits, maximumLength: 2), filters: [4, 8])
    let model = try ModelZoo.model(configuration)
    model.initialize(seed: 1)
    let description = ModelDescription(configuration: configuration, loss: LossConfiguration(name: "softmax"))
    try Safetensors(tensors: model.weights.tensors, metadata: description.metadata())
      .write(to: URL(fileURLWithPath: runner.path("m.safetensors")))
    try runner.run(
      "generate", "--output", "images", "--count", "40", "--types", "digit", "--length", "1...2", "--width", "64",
      "--height", "32")
    try FileManager.default.removeItem(atPath: runner.path("images/manifest.jsonl"))
    let read = try lines("predict", "m.safetensors", "images", "--json")
    let labels = try read.enumerated().map { index, line in
      let file = URL(fileURLWithPath: try #require(line["file"] as? String)).lastPathComponent
      let text = try #require(line["text"] as? String)
      return "\(file)\t\(index % 10 < 7 && !text.isEmpty ? text : text == "12" ? "21" : "12")\n"
    }
    try Data(labels.joined().utf8).write(to: URL(fileURLWithPath: runner.path("images/labels.txt")))
  }

  private func lines(_ arguments: String...) throws -> [[String: Any]] {
    let result = try runner.run(arguments)
    #expect(result.code == 0, "\(result.errors)")
    return try result.output.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  @Test func aNewFileKeepsWhatWasFound() throws {
    let before = try Data(contentsOf: URL(fileURLWithPath: runner.path("m.safetensors")))
    let json = try runner.run(
      "calibrate", "m.safetensors", "--data", "images", "--output", "c.safetensors", "--accuracy", "0.6", "--json"
    ).json()
    let temperature = try #require(json["temperature"] as? Double)
    let limit = try #require(json["minimum_confidence"] as? Double)
    #expect(json["count"] as? Int == 40 && temperature != 1 && json["output"] as? String == "c.safetensors")
    #expect(try #require(json["log_loss"] as? Double) <= #require(json["log_loss_before"] as? Double))
    #expect(try Data(contentsOf: URL(fileURLWithPath: runner.path("m.safetensors"))) == before)

    let (old, new) = (
      try Recognizer(contentsOf: URL(fileURLWithPath: runner.path("m.safetensors"))),
      try Recognizer(contentsOf: URL(fileURLWithPath: runner.path("c.safetensors")))
    )
    #expect(old.description.decoding == nil)
    // Two readers of JSON may differ in the last bit of a number.
    let options = try #require(new.description.decoding)
    let written = try #require(options.minimumConfidence)
    #expect(abs(options.temperature - temperature) < 1e-12 && abs(written - limit) < 1e-12)
    #expect(options == DecodingOptions(temperature: options.temperature, minimumConfidence: written))
    #expect(
      new.model.weights.tensors.mapValues { $0.elements() } == old.model.weights.tensors.mapValues { $0.elements() })

    // The same texts with other confidences, of which those below the limit are rejected.
    let (plain, scaled) = (
      try lines("predict", "m.safetensors", "images", "--json"),
      try lines("predict", "c.safetensors", "images", "--json")
    )
    #expect(plain.allSatisfy { $0["rejected"] == nil })
    for (one, other) in zip(plain, scaled) {
      #expect(one["text"] as? String == other["text"] as? String)
      let confidence = try #require(other["confidence"] as? Double)
      #expect(other["rejected"] as? Bool == (confidence < limit))
    }
    // How many that is, how many of them are right and how sure that is.
    let kept = try #require(json["kept"] as? [String: Any])
    let count = try #require(kept["count"] as? Int)
    let share = try #require(kept["accuracy"] as? Double)
    #expect(count == scaled.count { $0["rejected"] as? Bool == false } && share >= 0.6)
    let interval = wilsonInterval(right: Int((share * Double(count)).rounded()), of: count)
    let shown = try #require(kept["accuracy_ci95"] as? [Double])
    #expect(abs(shown[0] - interval.lowerBound) < 1e-12 && abs(shown[1] - interval.upperBound) < 1e-12)
    let text = try runner.run("calibrate", "m.safetensors", "--data", "images", "--accuracy", "0.6")
    #expect(text.output.contains("of the \(count) images that are kept "))
    // Four in ten may be wrong; told of is what may be half as many again.
    #expect(text.errors.contains("the limit rests on the \(count) images") == (interval.lowerBound < 0.4))
    // Of forty images nobody can be sure of 19 in 20.
    let sure = try runner.run("calibrate", "m.safetensors", "--data", "images", "--accuracy", "0.95")
    #expect(sure.code == 1 || sure.errors.contains("--accuracy: the limit rests on the "), "\(sure.errors)")
    #expect(plain.map { $0["confidence"] as? Double } != scaled.map { $0["confidence"] as? Double })
    // What the evaluation of the new file finds is what calibrating it has found.
    let report = try runner.run("evaluate", "c.safetensors", "--data", "images", "--json").json()
    let found = try #require(report["confidence"] as? NSDictionary)
    #expect(try found.isEqual(to: #require(json["after"] as? [String: Any])))
  }

  /// Of so many images, one in a hundred of them wrong; the intervals are Wilson's.
  @Test(
    arguments: [
      (100, 0.99, "94.55 % to 99.82 %"), (1000, 0.99, "98.17 % to 99.46 %"), (10_000, 0.99, nil), (900_000, 0.99, nil),
      (100, 0.9, nil),
    ] as [(Int, Double, String?)])
  func fewImagesAreToldOf(count: Int, accuracy: Double, interval: String?) {
    let kept = ConfidenceReport.coverage(from: 0.5, (0..<count).map { (confidence: 0.75, isRight: $0 % 100 > 0) })
    let note = Calibrate.noteOfFewImages(kept, accuracy: accuracy)
    #expect((note == nil) == (interval == nil), "\(note ?? "")")
    if let interval {
      #expect(
        note?.contains("99.00 % are right (95 %: \(interval)); more images make it surer") == true, "\(note ?? "")")
    }
  }

  /// Nobody can be sure that all are right; four thousand are said to be enough.
  @Test func anAccuracyOfOneNeedsAnEndOfImagesToo() {
    func note(_ count: Int) -> String? {
      Calibrate.noteOfFewImages(
        ConfidenceReport.coverage(from: 0.5, Array(repeating: (confidence: 0.75, isRight: true), count: count)),
        accuracy: 1)
    }
    #expect(note(3000)?.contains("the 3,000 images") == true && note(4000) == nil)
  }

  @Test func nothingIsOverwritten() throws {
    let content = try runner.run("calibrate", "m.safetensors", "--data", "images", "--output", "images/labels.txt")
    content.expectError(1, "images/labels.txt is there already")
    try runner.run("calibrate", "m.safetensors", "--data", "images", "--accuracy", "2").expectError(
      64, "--accuracy is 2")
    let text = try runner.run("calibrate", "m.safetensors", "--data", "images")
    #expect(text.code == 0 && text.output.contains("\ntemperature ") && text.output.contains("\nby confidence\n"))
  }

  @Test func rejectedReadingsHaveNoText() throws {
    let result = try runner.run("predict", "m.safetensors", "images", "--minimum-confidence", "1")
    #expect(result.code == 0)
    for line in result.output.split(separator: "\n") {
      let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
      #expect(columns.count == 4 && columns[1].isEmpty && columns[3] == "rejected")
    }
    let accepted = try runner.run("predict", "m.safetensors", "images", "--minimum-confidence", "0")
    #expect(accepted.output == (try runner.run("predict", "m.safetensors", "images").output))
    try runner.run("predict", "m.safetensors", "images", "--minimum-confidence", "1.5")
      .expectError(64, "--minimum-confidence is 1.5; give 0 to 1")
  }

  @Test func masksAreKept() throws {
    for line in try lines("predict", "m.safetensors", "images", "--json", "--characters", "37", "--lengths", "2") {
      let text = try #require(line["text"] as? String)
      #expect(text.count == 2 && text.allSatisfy { "37".contains($0) })
    }
    try runner.run("predict", "m.safetensors", "images", "--characters", "3x")
      .expectError(64, "--characters is \"3x\"", "the model cannot read \"x\"")
    try runner.run("evaluate", "m.safetensors", "--data", "images", "--lengths", "1...3")
      .expectError(64, "--lengths is 1...3; give lengths within 1...2")
    try runner.run("predict", "m.safetensors", "images", "--beam-width", "0").expectError(64, "--beam-width is 0")
    try runner.run("predict", "m.safetensors", "images", "--grammar", "x").expectError(64, "--grammar")
  }
}
