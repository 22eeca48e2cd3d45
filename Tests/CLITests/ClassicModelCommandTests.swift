import Data
import Foundation
import Models
import Tensor
import Testing

/// The model that comes with the program, where a command is given none.
@Suite struct ClassicModelCommandTests {
  private let runner: CommandRunner

  /// Draws images as the model knows them, and writes its file.
  init() throws {
    runner = try CommandRunner()
    let drawn = try runner.run("generate", "--output", "images", "--count", "8", "--seed", "3")
    #expect(drawn.code == 0, "\(drawn.errors)")
    let exported = try runner.run("models", "classic", "--output", "classic.safetensors")
    #expect(exported.code == 0, "\(exported.errors)")
  }

  private func imageNames() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: runner.path("images")).sorted().filter {
      $0.hasSuffix(".png")
    }
  }

  private let announcement = "model: classic, shipped with captcha-cli 0.6.0; --help tells how to name another"

  @Test func theFileIsTheModelByteForByte() throws {
    let written = try Data(contentsOf: URL(fileURLWithPath: runner.path("classic.safetensors")))
    #expect(written == ModelFile.classic)
    try runner.run("models", "classic", "--output", "classic.safetensors")
      .expectError(1, "--output: classic.safetensors is there already")
    try runner.run("models", "classic", "--output", "nowhere/classic.safetensors")
      .expectError(1, "--output: nowhere/classic.safetensors can't be written")
    let json = try runner.run("models", "classic", "--output", "other.safetensors", "--json").json()
    #expect(json["output"] as? String == "other.safetensors" && json["bytes"] as? Int == written.count)
    // A training can start from it; where no weight fits, the sizes are told.
    let transfer = try runner.run(
      "train", "--recipe", "best", "--initialize-from", "classic.safetensors", "--epochs", "1", "--set",
      "data.generate.count=8", "--set", "data.validation_fraction=0.5", "--set", "training.batch_size=4")
    #expect(transfer.code == 0 && transfer.errors.contains("weights from classic.safetensors"), "\(transfer.errors)")
    let filters = try #require(try Recognizer.classic().configuration.filters)
    try runner.run("train", "--recipe", "fast", "--initialize-from", "classic.safetensors", "--epochs", "1")
      .expectError(1, "none of its weights fit the model (crnn with filters \(filters), ", "crnn here")
  }

  @Test func readsImagesWithoutAModel() throws {
    let named = try runner.run("predict", "classic.safetensors", "images")
    #expect(named.code == 0 && named.errors.isEmpty, "\(named.errors)")
    #expect(named.output.split(separator: "\n").count == 8)
    let unnamed = try runner.run("predict", "images")
    #expect(unnamed.code == 0 && unnamed.output == named.output)
    #expect(unnamed.errors == announcement + "\n")

    let names = try imageNames().map { "images/\($0)" }
    let json = try runner.run(["predict", "--json"] + names)
    #expect(json.code == 0 && json.errors.isEmpty, "\(json.errors)")
    #expect(try json.output == runner.run(["predict", "classic.safetensors", "--json"] + names).output)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: runner.path(names[0])))
    // A name with a tab and a newline makes neither another field nor another line.
    try FileManager.default.copyItem(atPath: runner.path(names[0]), toPath: runner.path("a\tb\nc.png"))
    let odd = try runner.run("predict", "a\tb\nc.png").output
    #expect(odd.hasPrefix("a\\tb\\nc.png\t") && odd.split(separator: "\n").count == 1, "\(odd)")
    #expect(try runner.run("predict", "a\tb\nc.png", "--json").json()["file"] as? String == "a\tb\nc.png")
    let piped = try runner.run("predict", "-", "--json", input: bytes).json()
    let alone = try runner.run("predict", names[0], "--json").json()
    #expect(piped["file"] as? String == "-" && piped["confidence"] as? Double == alone["confidence"] as? Double)
    // The library reads the same.
    let reading = try Recognizer.classic().read(path: runner.path(names[0]))
    #expect(alone["text"] as? String == reading.text)
    // Reading a number from JSON may move its last bit.
    #expect(abs(try #require(alone["confidence"] as? Double) - reading.confidence) < 1e-12)
  }

  @Test func evaluatesAndCalibratesWithoutAModel() throws {
    func numbers(_ arguments: String...) throws -> NSDictionary {
      var json = try runner.run(arguments + ["--data", "images", "--json"]).json()
      json["images_per_second"] = nil
      return json as NSDictionary
    }
    #expect(try numbers("evaluate") == numbers("evaluate", "classic.safetensors"))
    let text = try runner.run("evaluate", "--data", "images")
    #expect(text.code == 0 && text.errors.contains(announcement), "\(text.errors)")
    let recorded = try runner.run("evaluate", "--data", "images", "--record", "record.json")
    #expect(recorded.code == 0, "\(recorded.errors)")
    let record = try #require(
      try JSONSerialization.jsonObject(with: Data(runner.text("record.json").utf8)) as? [String: Any])
    #expect(record["model"] as? String == "classic")
    #expect(record["model_md5"] as? String == MD5.hexDigest([UInt8](ModelFile.classic)))
    #expect(try numbers("calibrate") == numbers("calibrate", "classic.safetensors"))
    let calibrated = try runner.run("calibrate", "--data", "images", "--output", "c.safetensors")
    #expect(calibrated.code == 0 && calibrated.errors.contains(announcement), "\(calibrated.errors)")
    let written = try Safetensors(contentsOf: URL(fileURLWithPath: runner.path("c.safetensors")))
    let shipped = try ModelFile.classicContent()
    #expect(
      written.tensors.mapValues { $0.elements().map(\.bitPattern) }
        == shipped.tensors.mapValues { $0.elements().map(\.bitPattern) })
    #expect(written.metadata["captcha.model"] == shipped.metadata["captcha.model"])
  }

  @Test func otherSizesNeedToBeAskedFor() throws {
    try PNG.write(Image(width: 31, height: 90, color: [200, 10, 10]), to: runner.path("other.png"))
    let refused = try runner.run("predict", "other.png")
    refused.expectError(1, "other.png: the image is 31×90 and the model was trained on 200×60; give --resize")
    #expect(refused.errors.split(separator: "\n").count == 1)
    #expect(try runner.run("predict", "other.png", "--resize").code == 0)
  }

  /// Whatever the words may have meant, nothing is read with a model that was not meant.
  @Test func confusingWords() throws {
    let image = "images/\(try imageNames()[0])"
    try FileManager.default.createDirectory(atPath: runner.path("x.safetensors"), withIntermediateDirectories: false)
    try FileManager.default.copyItem(atPath: runner.path(image), toPath: runner.path("x.safetensors/a.png"))
    try FileManager.default.copyItem(atPath: runner.path("classic.safetensors"), toPath: runner.path("model.bin"))
    try Data("neither image nor model".utf8).write(to: URL(fileURLWithPath: runner.path("text.bin")))
    for folder in ["run/checkpoints", "models", "both", "resumable"] {
      try FileManager.default.createDirectory(atPath: runner.path(folder), withIntermediateDirectories: true)
    }
    for name in [
      "run/checkpoints/final.safetensors", "models/a.safetensors", "models/best-exact-match.safetensors",
      "both/a.safetensors", "resumable/resume.safetensors",
    ] { try FileManager.default.copyItem(atPath: runner.path("classic.safetensors"), toPath: runner.path(name)) }
    // As quickstart leaves one.
    try Data("seed: 1\n".utf8).write(to: URL(fileURLWithPath: runner.path("run/config.yaml")))
    for name in ["run/samples.png", "both/a.png"] {
      try FileManager.default.copyItem(atPath: runner.path(image), toPath: runner.path(name))
    }
    let cases: [(words: [String], code: Int32, message: String)] = [
      ([], 64, "no images are named; give image files, folders of them, or - for standard input"),
      (
        ["missing.safetensors"], 64,
        "missing.safetensors: names a model (and there is no such file), but no images follow"
      ),
      (["classic.safetensors"], 64, "classic.safetensors: names a model, but no images follow; give image files"),
      (["missing.safetensors", image], 1, "missing.safetensors: no such file"),
      (["missing.png"], 1, "missing.png: can't be read: No such file or directory"),
      (["missing", image], 1, "missing: no such file; check the path (the name of a model ends with .safetensors)"),
      (["model.bin", image], 1, "model.bin: holds a model, whose name must end with .safetensors so that it reads"),
      (["model.bin"], 1, "model.bin: holds a model"),
      (["text.bin"], 1, "text.bin: not a PNG, JPEG, GIF or BMP image"),
      (
        [image, "classic.safetensors"], 64,
        "classic.safetensors: the name of a model, which must come before all images"
      ),
      (["-", "-"], 64, "- is given more than once"),
      (["-", "classic.safetensors"], 64, "classic.safetensors: the name of a model, which must come before"),
      (["classic.safetensors", "c.safetensors", image], 64, "c.safetensors: a second model, where one reads"),
      (["x.safetensors"], 1, "x.safetensors: a folder, where the name says that it is a model file"),
      (["x.safetensors", image], 1, "to read the images in it write x.safetensors/"),
      (["-"], 1, "-: the file is empty"),
      (
        ["run", image], 1,
        "run: the folder of a run; name a model itself, such as run/checkpoints/final.safetensors, or image files"
      ),
      (["run/"], 1, "run/: the folder of a run; name a model itself, such as run/checkpoints/final.safetensors"),
      (
        ["models", image], 1,
        "models: holds models and no images; name a model itself, such as models/best-exact-match.safetensors"
      ),
      (["run/checkpoints", "images"], 1, "such as run/checkpoints/final.safetensors"),
      (["resumable", image], 1, "resumable: holds models and no images; name a model itself, or image files"),
    ]
    for (words, code, message) in cases {
      let result = try runner.run(["predict"] + words)
      result.expectError(code, message)
      // Wrong usage shows the usage too, below the message.
      if code == 1 { #expect(result.errors.split(separator: "\n").count == 1, "\(words): \(result.errors)") }
    }
    #expect(try runner.run("predict", "x.safetensors/").output.hasPrefix("x.safetensors/a.png\t"))
    #expect(try runner.run("predict", "both").output.hasPrefix("both/a.png\t"))
    #expect(try runner.run("predict", image, "x.safetensors").output.split(separator: "\n").count == 2)
    #expect(try runner.run("predict", "classic.safetensors", "x.safetensors").code == 0)
    // The others are still read, and the message names the one that is no image.
    let some = try runner.run("predict", "text.bin", image)
    #expect(some.code == 1 && some.output.hasPrefix("\(image)\t"))
    #expect(some.errors.hasPrefix("error: text.bin: not a PNG, JPEG, GIF or BMP image"))

    // What evaluate is given is a model whatever its name.
    try runner.run("evaluate", "images", "--data", "images").expectError(1, "images: is a folder")
    #expect(try runner.run("evaluate", "model.bin", "--data", "images").code == 0)
    try runner.run("evaluate").expectError(64, "--data")
  }

  @Test func modelsShowsIt() throws {
    let recognizer = try Recognizer.classic()
    let json = try runner.run("models", "classic", "--json").json()
    #expect(json["name"] as? String == "classic" && json["bytes"] as? Int == ModelFile.classic.count)
    #expect(json["charset"] as? String == recognizer.codec.charset.text)
    #expect(json["types"] as? [String] == recognizer.trainedTypes && json["sizes"] as? [String] == ["200×60"])
    let model = try #require(json["model"] as? [String: Any])
    #expect(model["parameters"] as? Int == recognizer.model.parameterCount)
    let text = try runner.run("models", "classic").output
    #expect(text.hasPrefix("classic: the trained model") && text.contains("images    200×60, rgb\n"))
    #expect(text.contains("\n\(recognizer.configuration.architecture): "))
    // Its sizes, where they are not the architecture's own.
    let filters = recognizer.configuration.filters
    #expect(text.contains("; here with filters \(filters ?? []), ") == (filters != nil), "\(text)")
    #expect(try runner.run("models").output.hasSuffix("captcha-cli models classic shows it\n"))
  }

  @Test(arguments: [
    (["classic", "--width", "100"], "--width is for a model that is still to be trained"),
    (["crnn", "--markdown"], "leave crnn out"), (["classic", "--run", "x"], "add --markdown"),
    (["--markdown", "--run", "x"], "--run is for the page about classic"),
    (["classic", "--markdown", "--output", "x"], "give one of them"),
    (["crnn", "--output", "x"], "models classic --output FILE"),
    (["--output", "x"], "models classic --output FILE"), (["clasic"], "did you mean \"classic\"?"),
  ])
  func wrongUsageIs64(_ arguments: [String], _ message: String) throws {
    try runner.run(["models"] + arguments).expectError(64, message)
  }
}
