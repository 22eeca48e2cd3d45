import Data
import Foundation
import Testing

@testable import CLI

/// `dataset preview` and training with augmentations, as a user runs them.
@Suite struct DatasetPreviewCommandTests {
  let runner: CommandRunner

  init() throws { runner = try CommandRunner() }

  private let small = ["--set", "model.image_width=80", "--set", "model.image_height=24"]

  @Test func showsImagesAsTheyAreAndAsTheyAreTrainedOn() throws {
    try runner.run("generate", "--output", "images", "--count", "20", "--types", "digit", "--seed", "4")
    let preview = try runner.run(
      ["dataset", "preview", "--data", "images", "--output", "preview.png", "--count", "3", "--epochs", "2"] + small
        + ["--set", "data.augmentations=[{name: random_brightness, factor: 0.5}]"])
    #expect(preview.code == 0, "\(preview.errors)")
    let sheet = try ImageFile.read(runner.path("preview.png"))
    // Rows and columns of pictures with 4 pixels between them and about them.
    #expect(sheet.width == 3 * 84 + 4 && sheet.height == 3 * 28 + 4)
    let names = try FileManager.default.contentsOfDirectory(atPath: runner.path("images"))
    let lines = preview.output.split(separator: "\n")
    #expect(lines.count == 4)
    for (row, line) in lines.prefix(3).enumerated() {
      let name = String(line.split(separator: " ").last ?? "")
      #expect(names.contains(name) && line.hasPrefix("row \(row + 1): \(name.prefix(while: { $0 != "-" }))"))
      // The first column is the file's image in the model's size; the others are lighter or darker, not all equally.
      let image = try ImageFile.read(runner.path("images/\(name)"), as: .rgb).resized(width: 80, height: 24)
      func pixel(_ column: Int, _ x: Int, _ y: Int) -> Int {
        Int(sheet.pixels[((4 + row * 28 + y) * sheet.width + 4 + column * 84 + x) * 3])
      }
      for (x, y) in [(0, 0), (40, 12), (79, 23)] { #expect(pixel(0, x, y) == Int(image.pixels[(y * 80 + x) * 3])) }
      #expect(Set((0..<3).map { pixel($0, 79, 0) }).count > 1)
    }
  }

  @Test func wrongUseIsRefused() throws {
    #expect(try runner.run("dataset", "preview", "--output", "a.png", "--count", "1").code == 0)
    try runner.run("dataset", "preview", "--output", "a.png").expectError(1, "a.png", "exists already")
    try runner.run("dataset", "preview", "--output", "no/a.png").expectError(1, "no/a.png", "no folder")
    try runner.run("dataset", "preview", "--output", "b.png", "--count", "0").expectError(64, "--count is 0")
    try runner.run("dataset", "preview", "--output", "b.png", "--data", "nowhere").expectError(1, "nowhere")
    try runner.run("dataset", "preview", "--output", "b.png", "--set", "data.augmentations=[cut_out]")
      .expectError(1, "did you mean \"cutout\"?")
    #expect(!runner.exists("b.png"))
  }

  @Test func augmentedTrainingIsResumedAsIfItHadNotStopped() throws {
    let options =
      ["--recipe", "quickstart", "--set", "data.generate.count=256", "--set", "data.generate.lengths=1"]
      + ["--set", "model.maximum_length=1", "--set", "callbacks=[]", "--set", "model.filters=[8, 8]"]
      + ["--set", "data.augmentations=[{name: random_affine, probability: 0.5}, gaussian_noise, cutout]"] + small
    for fresh in ["true", "false"] {
      let data = ["--set", "data.generate.fresh=\(fresh)"]
      let whole = try runner.run(["train", "--run", "whole-\(fresh)", "--epochs", "2"] + options + data)
      #expect(whole.code == 0, "\(whole.errors)")
      #expect(try runner.run(["train", "--run", "cut-\(fresh)", "--epochs", "1"] + options + data).code == 0)
      #expect(try runner.run("train", "--resume", "--run", "cut-\(fresh)", "--epochs", "2").code == 0)
      func weights(_ run: String) throws -> Foundation.Data {
        try Foundation.Data(contentsOf: URL(fileURLWithPath: runner.path("\(run)/checkpoints/final.safetensors")))
      }
      #expect(try weights("whole-\(fresh)") == weights("cut-\(fresh)"))
      let other = try runner.run(
        "train", "--resume", "--run", "cut-\(fresh)", "--epochs", "3", "--set",
        "data.augmentations.gaussian_noise.stddev=0.2")
      #expect(other.code == 1 && other.errors.contains("changed by"), "\(other.errors)")
    }
  }
}
