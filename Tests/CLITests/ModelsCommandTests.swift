import Foundation
import Models
import Testing

/// `captcha-cli models`, run as a user runs it.
@Suite struct ModelsCommandTests {
  let runner: CommandRunner

  init() throws { runner = try CommandRunner() }

  @Test func listsAllModels() throws {
    let lines = try runner.run("models").output.split(separator: "\n").map(String.init)
    // A heading before them and the trained model after them.
    #expect(lines.count == 1 + ModelZoo.names.count + 1)
    for (line, name) in zip(lines.dropFirst(), ModelZoo.names) {
      let summary = try #require(ModelZoo.summary(of: name))
      #expect(line.hasPrefix(name + " ") && line.hasSuffix(summary))
    }
    let line = try #require(lines.first { $0.hasPrefix("enhanced ") })
    #expect(line.contains(" 22,041,912 ") && line.contains(" 22,034,552 "))
    let attention = try #require(lines.first { $0.hasPrefix("attention ") })
    #expect(attention.contains("50 columns"))

    let json = try #require(try runner.run("models", "--json").json()["models"] as? [[String: Any]])
    #expect(json.map { $0["name"] as? String } == ModelZoo.names)
    let enhanced = try #require(json.first { $0["name"] as? String == "enhanced" })
    #expect(enhanced["parameters"] as? Int == 22_041_912)
    #expect(enhanced["trainable_parameters"] as? Int == 22_034_552)
    #expect(enhanced["head"] as? String == "positions" && enhanced["columns"] == nil && enhanced["layers"] == nil)
    // 0.44 GFLOP of convolutions and dense layers, and a little for everything else.
    let megaflop = try #require(enhanced["megaflop"] as? Double)
    #expect(436 < megaflop && megaflop < 450, "\(megaflop)")
  }

  @Test func showsTheLayersOfOne() throws {
    let json = try runner.run(
      "models", "enhanced", "--width", "100", "--height", "32", "--color-mode", "grayscale", "--charset", "0123456789",
      "--maximum-length", "4", "--json"
    ).json()
    let layers = try #require(json["layers"] as? [[String: Any]])
    func layer(_ name: String) throws -> [String: Any] {
      try #require(layers.first { $0["name"] as? String == name })
    }
    #expect(try layer("conv1")["output_shape"] as? [Int] == [32, 100, 32])
    #expect(try layer("conv1")["parameters"] as? Int == 9 * 32 + 32)
    #expect(try layer("conv1")["megaflop"] as? Double == 2 * 9 * 32 * 3200 / 1e6)
    // Four poolings: 2×6.
    #expect(try layer("fc1")["parameters"] as? Int == 2 * 6 * 256 * 2048 + 2048)
    #expect(try layer("bn1")["trainable_parameters"] as? Int == 64)
    #expect(try layer("output")["output_shape"] as? [Int] == [44])
    #expect(json["parameters"] as? Int == layers.reduce(0) { $0 + ($1["parameters"] as? Int ?? 0) })
    #expect(json["classes"] as? Int == 11 && json["image_width"] as? Int == 100 && json["channels"] as? Int == 1)

    let text = try runner.run("models", "attention").output
    #expect(text.contains("head: 50 columns, 63 classes each"))
    #expect(text.contains("encoder2") && text.contains("TransformerEncoder") && text.contains("1,162,271"))
    let positions = try runner.run("models", "attention", "--head", "positions", "--json").json()
    #expect(positions["head"] as? String == "positions" && positions["parameters"] as? Int == 5_989_016)
  }

  @Test func modelsThatCannotHaveTheseSizes() throws {
    let list = try runner.run("models", "--width", "30", "--json")
    #expect(list.code == 0)
    let models = try #require(try list.json()["models"] as? [[String: Any]])
    #expect(models.map { $0["name"] as? String } == ModelZoo.names)
    let attention = try #require(models.first { $0["name"] as? String == "attention" })
    #expect((attention["error"] as? String)?.contains("8 columns") == true && attention["parameters"] == nil)
    #expect(try runner.run("models", "--width", "30").errors.contains("warning: attention: "))
    #expect(models.contains { $0["name"] as? String == "basic" && $0["parameters"] is Int })
    try runner.run("models", "attention", "--width", "30").expectError(1, "8 columns", "need 15")
  }

  @Test(arguments: [
    (["atention"], "did you mean \"attention\"?"), (["xyzzy"], "use one of"), (["--width", "8"], "--width is 8"),
    (["--height", "4000"], "--height is 4000"), (["--maximum-length", "0"], "--maximum-length is 0"),
    (["--charset", "aa"], "--charset"), (["--color-mode", "cmyk"], "cmyk"), (["--head", "rows"], "rows"),
    (["--json", "--markdown"], "give one of them"), (["basic", "--markdown"], "leave basic out"),
  ])
  func wrongUsageIs64(_ arguments: [String], _ message: String) throws {
    let result = try runner.run(["models"] + arguments)
    #expect(result.code == 64)
    #expect(result.errors.hasPrefix("error: ") && result.errors.contains(message), "\(result.errors)")
    #expect(result.output.isEmpty)
  }

  /// The page in the repository is what the command writes; after a change to the models write it anew.
  @Test func theRepositorysPageIsThatOfTheCommand() throws {
    let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("docs/models.md")
    let written = try runner.run("models", "--markdown")
    #expect(written.code == 0)
    #expect(
      try String(contentsOf: page, encoding: .utf8) == written.output,
      "write it with `swift run -c release captcha-cli models --markdown > docs/models.md`")
  }
}
