import Foundation
import Testing

@testable import CLI

/// The commands that do not train, run as a user runs them.
@Suite struct CommandTests {
  let runner: CommandRunner

  init() throws { runner = try CommandRunner() }

  @Test(arguments: [
    [], ["generate"], ["dataset"], ["dataset", "stats"], ["dataset", "check"],
    ["dataset", "compare"], ["train"], ["evaluate"], ["results"], ["predict"], ["calibrate"],
    ["models"], ["config"], ["config", "show"], ["config", "check"], ["doctor"], ["quickstart"], ["bench"],
    ["bench", "train"],
    ["bench", "infer"], ["bench", "latency"], ["bench", "decode"], ["bench", "generate"], ["bench", "profile"],
  ])
  func helpHasAnExample(_ command: [String]) throws {
    let result = try runner.run(command + ["--help"])
    #expect(result.code == 0)
    #expect(result.output.contains("Example"))
    #expect(result.output.contains("  captcha-cli " + command.joined(separator: " ")))
    #expect(result.errors.isEmpty)
  }

  @Test(arguments: [
    ["trian"], ["train", "--bogus"], ["generate", "--output", "x"], ["generate", "--output", "x", "--count", "many"],
    ["generate", "--output", "x", "--count", "0"],
    ["generate", "--output", "x", "--count", "1", "--types", "digit,word"],
    ["generate", "--output", "x", "--count", "1", "--length", "8...4"], ["evaluate", "m.safetensors"],
    ["evaluate", "m.safetensors", "--data", "x", "--batch-size", "0"], ["predict"],
    ["config", "show", "--recipe", "x"],
    ["train", "--language", "fr"], ["evaluate", "m", "--data", "x", "--maximum-rejected-share", "2"],
  ])
  func wrongUsageIs64(_ arguments: [String]) throws {
    let result = try runner.run(arguments)
    #expect(result.code == 64)
    #expect(result.errors.hasPrefix("error: "))
    #expect(result.output.isEmpty)
  }

  @Test func generateWritesTheSameBytesForTheSameSeed() throws {
    let first = try runner.run("generate", "--output", "a", "--count", "40", "--seed", "7", "--json")
    #expect(first.code == 0)
    let json = try first.json()
    #expect(json["count"] as? Int == 40)
    #expect(json["seconds"] is Double)
    #expect(json["images_per_second"] is Double)
    try runner.run("generate", "--output", "b", "--count", "40", "--seed", "7")
    try runner.run("generate", "--output", "c", "--count", "40", "--seed", "8")
    let files = FileManager.default
    #expect(try files.contentsOfDirectory(atPath: runner.path("a")).count == 41)
    for name in try files.contentsOfDirectory(atPath: runner.path("a")) {
      #expect(files.contentsEqual(atPath: runner.path("a/\(name)"), andPath: runner.path("b/\(name)")))
    }
    #expect(try runner.text("a/manifest.jsonl") != runner.text("c/manifest.jsonl"))
    let types = try runner.text("a/manifest.jsonl").split(separator: "\n").map { line in
      (try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])?["type"] ?? ""
    }
    #expect(Set(types) == ["digit", "alpha", "mixed", "math"])
    for type in Set(types) { #expect(types.filter { $0 == type }.count == 10) }
    // A folder that is in use is left alone.
    try runner.run("generate", "--output", "a", "--count", "1").expectError(1, "a", "not empty")
  }

  @Test func datasetCountsAndChecks() throws {
    try runner.run("generate", "--output", "images", "--count", "12", "--types", "digit", "--length", "4...5")
    let stats = try runner.run("dataset", "stats", "images", "--json").json()
    #expect(stats["count"] as? Int == 12)
    #expect((stats["rejected"] as? [Any])?.isEmpty == true)
    #expect((stats["types"] as? [String: Int]) == ["digit": 12])
    let lengths = try #require(stats["lengths"] as? [String: Int])
    #expect(Set(lengths.keys).isSubset(of: ["4", "5"]) && lengths.values.reduce(0, +) == 12)
    let characters = try #require(stats["characters"] as? [String: Int])
    #expect(characters.keys.allSatisfy { "0123456789".contains($0) })
    #expect(
      characters.values.reduce(0, +) == lengths.reduce(0) { $0 + (Int($1.key) ?? 0) * $1.value })
    #expect(try runner.run("dataset", "check", "images").code == 0)

    let folder = runner.path("images")
    let victim = try #require(
      FileManager.default.contentsOfDirectory(atPath: folder).sorted().first { $0.hasSuffix(".png") })
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(victim)"))
    let check = try runner.run("dataset", "check", "images", "--json")
    #expect(check.code == 1)
    #expect(check.errors.contains("error: images: 1 of 12 images cannot be used"))
    let rejected = try #require(try check.json()["rejected"] as? [[String: String]])
    #expect(rejected.count == 1)
    #expect(rejected[0]["file"] == victim)
    #expect(rejected[0]["reason"]?.contains("not a PNG, JPEG, GIF or BMP image") == true)
  }

  @Test func listsThatAreNotUsedAreNamed() throws {
    try runner.run("generate", "--output", "images", "--count", "3")
    try Data("file,label\n".utf8).write(to: URL(fileURLWithPath: runner.path("images/labels.csv")))
    let check = try runner.run("dataset", "check", "images")
    #expect(check.code == 0)
    #expect(check.output.contains("warning unused_list: 1; remove the list, or the one that is used\n"))
    #expect(check.output.contains("  labels.csv: the labels come from manifest.jsonl\n"))
  }

  @Test func foldersThatAreNotThereOrEmpty() throws {
    try runner.run("dataset", "stats", "nowhere").expectError(1, "nowhere: no such folder")
    try FileManager.default.createDirectory(atPath: runner.path("empty"), withIntermediateDirectories: true)
    try runner.run("dataset", "check", "empty").expectError(1, "empty: the folder holds no images")
    try runner.run("train", "--data", "empty").expectError(1, "empty: the folder holds no images")
    try runner.run("train", "--data", "nowhere").expectError(1, "nowhere: no such folder")
    // Nothing was trained, so nothing is left.
    #expect(!runner.exists("runs"))
  }

  @Test(arguments: Recipe.allCases)
  func shownConfigurationIsAccepted(_ recipe: Recipe) throws {
    let shown = try runner.run("config", "show", "--recipe", recipe.rawValue)
    #expect(shown.code == 0)
    try Data(shown.output.utf8).write(to: URL(fileURLWithPath: runner.path("shown.yaml")))
    let check = try runner.run("config", "check", "shown.yaml", "--json")
    #expect(check.code == 0, "\(check.errors)")
    #expect(try check.json()["ok"] as? Bool == true)
    #expect(
      try TrainingConfiguration(file: runner.path("shown.yaml")) == TrainingConfiguration(recipe: recipe))
    #expect(try runner.run("config", "show", "--recipe", recipe.rawValue, "--json").json()["configuration"] != nil)
  }

  @Test func configCheckRefuses() throws {
    try Data("training:\n  epoch: 3\n".utf8).write(to: URL(fileURLWithPath: runner.path("wrong.yaml")))
    try runner.run("config", "check", "wrong.yaml")
      .expectError(1, "wrong.yaml:2: unknown key \"epoch\" in training; did you mean \"epochs\"?")
    try runner.run("train", "--config", "wrong.yaml").expectError(1, "wrong.yaml:2")
    try runner.run("config", "check", "nowhere.yaml").expectError(1, "nowhere.yaml: no such file")
    try runner.run("train", "--set", "training.epoch=3").expectError(1, "--set training.epoch=3")
  }

  @Test func doctorFindsThisMachineFit() throws {
    let result = try runner.run("doctor", "--json")
    #expect(result.code == 0, "\(result.output)")
    let checks = try #require(try result.json()["checks"] as? [[String: Any]])
    let names = checks.compactMap { $0["name"] as? String }
    #expect(
      Set(names).isSuperset(of: ["cpu", "threads", "blas", "gpu", "memory", "disk", "images", "fonts", "charset"]))
    #expect(checks.allSatisfy { $0["ok"] as? Bool == true && $0["detail"] is String })
    let failed = try runner.run("doctor", "--json", "--data", "nowhere")
    #expect(failed.code == 1)
    let data = try #require((try failed.json()["checks"] as? [[String: Any]])?.last)
    #expect(data["name"] as? String == "data")
    #expect(data["ok"] as? Bool == false)
  }

  @Test func unreadableModels() throws {
    try runner.run("generate", "--output", "images", "--count", "2", "--types", "digit")
    let model = "model.safetensors"
    for command in [["predict", model, "images"], ["evaluate", model, "--data", "images"]] {
      let file = URL(fileURLWithPath: runner.path(model))
      try? FileManager.default.removeItem(at: file)
      try runner.run(command).expectError(1, "model.safetensors: no such file")
      try Data().write(to: file)
      try runner.run(command).expectError(1, model)
      try Data("this is no model at all, but it is longer than a header".utf8).write(to: file)
      try runner.run(command).expectError(1, model)
    }
  }
}
