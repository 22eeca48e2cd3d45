import Data
import Foundation
import Testing

@testable import CLI

/// What is drawn, as the command line and a configuration say it.
@Suite struct GenerateOptionsTests {
  let runner: CommandRunner

  init() throws { runner = try CommandRunner() }

  private func problem(_ yaml: String, set overrides: String...) -> String {
    do {
      _ = try TrainingConfiguration(yaml: yaml, named: "train.yaml", overrides: overrides)
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  private func manifest(_ folder: String) throws -> [[String: String]] {
    try runner.text("\(folder)/manifest.jsonl").split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: String])
    }
  }

  // MARK: The command

  @Test func theUsualSettingsMayBeSaid() throws {
    try runner.run("generate", "--output", "a", "--count", "8")
    let said = try runner.run(
      "generate", "--output", "b", "--count", "8", "--width", "200", "--height", "60", "--lines", "1", "--noise", "1",
      "--overlap", "0", "--blur", "1", "--confusables", "--types", "digit=2,alpha=2,mixed=2,math=2", "--charset",
      GeneratorConfiguration.defaultCharset, "--fonts", "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf")
    #expect(said.code == 0, "\(said.errors)")
    #expect(try runner.text("a/manifest.jsonl") == runner.text("b/manifest.jsonl"))
  }

  @Test func optionsReachTheImages() throws {
    let result = try runner.run(
      "generate", "--output", "a", "--count", "40", "--types", "alpha=3,digit", "--fold-case", "--no-confusables",
      "--charset", "0123abcI", "--width", "120", "--height", "40", "--lines", "0", "--noise", "0", "--blur", "0",
      "--overlap", "-0.25")
    #expect(result.code == 0, "\(result.errors)")
    let lines = try manifest("a")
    #expect(lines.count == 40)
    #expect(lines.count { $0["type"] == "alpha" } == 30 && lines.count { $0["type"] == "digit" } == 10)
    for line in lines {
      let (text, label) = (try #require(line["text"]), try #require(line["label"]))
      #expect(label == text.lowercased())
      #expect(text.allSatisfy { (line["type"] == "digit" ? "123" : "abcABCi").contains($0) })
      let image = try ImageFile.read(runner.path("a/\(try #require(line["file"]))"), as: .rgb)
      #expect(image.width == 120 && image.height == 40)
      // Nothing but text: most of the image is its background.
      let background = image.pixels[0..<3]
      let plain = (0..<4800).count { image.pixels[(3 * $0)..<(3 * $0 + 3)] == background }
      #expect(plain > 2400)
    }
  }

  @Test(arguments: [
    (["--lines", "-1"], ["--lines is -1.0", "0.0 to 10.0"]), (["--noise", "nan"], ["--noise is nan"]),
    (["--blur", "inf"], ["--blur is inf"]), (["--overlap", "0.76"], ["--overlap is 0.76", "-0.5 to 0.75"]),
    (["--overlap", "-0.6"], ["--overlap is -0.6"]), (["--width", "59"], ["--width is 59", "60 to 2048"]),
    (["--width", "-3"], ["--width is -3"]), (["--height", "2049"], ["--height is 2049", "20 to 2048"]),
    (["--types", "digt=2"], ["\"digt\"", "did you mean \"digit\"?"]),
    (["--types", "digit,words"], ["\"words\"", "use digit, alpha, mixed or math"]),
    (["--types", "digit=0"], ["\"0\"", "1 to 1000"]), (["--types", "digit=1001"], ["\"1001\""]),
    (["--types", "digit=1.5"], ["\"1.5\""]), (["--types", "digit,alpha,digit=2"], ["digit is in it twice"]),
    (["--types", ""], ["--types"]), (["--fonts", "a.ttf,,b.ttf"], ["--fonts", "a path in it is empty"]),
    (["--fonts", "a.ttf,a.ttf"], ["--fonts", "a.ttf is in it twice"]),
    (["--charset", "abca"], ["--charset is abca", "'a' is in it twice"]),
    (["--charset", "a b"], ["--charset is a b", "take out ' '"]),
    (["--charset", "abc"], ["--charset is 'abc'", "the type digit"]),
    (["--charset", "0aO", "--no-confusables"], ["--confusables is false", "the type digit"]),
    (["--length", "4...33"], ["--length is 4...33", "1 to 32"]),
  ])
  func badValuesAreRefused(_ arguments: [String], _ parts: [String]) throws {
    let result = try runner.run(["generate", "--output", "x", "--count", "1"] + arguments)
    let message = String(result.errors.split(separator: "\n").first ?? "")
    #expect(result.code == 64 && message.hasPrefix("error: "))
    for part in parts { #expect(message.contains(part), "\(message)") }
    #expect(!runner.exists("x"))
  }

  @Test func fontsThatCannotBeUsedAreNamed() throws {
    try Data("no font".utf8).write(to: URL(fileURLWithPath: runner.path("broken.ttf")))
    for path in ["nowhere.ttf", "broken.ttf"] {
      try runner.run("generate", "--output", "x", "--count", "1", "--fonts", path).expectError(1, path)
    }
    try runner.run("generate", "--output", "x", "--count", "1", "--types", "mixed", "--charset", "\u{10FFFD}")
      .expectError(1, "DejaVuSans-Bold.ttf", "no glyph")
  }

  // MARK: The configuration

  @Test func generatorSettingsReadBackEqual() throws {
    let configuration = try TrainingConfiguration(
      yaml: """
        model: {charset: "0123456789abcdefghijklmnopqrstuvwxyz#'é"}
        data:
          generate:
            types: {math: 1, digit: 30, mixed: 4}
            charset: "#'0aÉ12"
            fold_case: true
            confusables: false
            fonts: [/a b.ttf, "null", fonts/]
            width: 400
            height: 120
            difficulty: {lines: 0.5, noise: 2, overlap: -0.25, blur: 0}
        """, named: "train.yaml")
    let generate = configuration.data.generate
    #expect(generate.types == [.math, .digit, .mixed] && generate.typeWeights == [.math: 1, .digit: 30, .mixed: 4])
    #expect(generate.charset == "#'0aÉ12" && generate.foldCase && !generate.confusables)
    #expect(generate.fonts == ["/a b.ttf", "null", "fonts/"] && generate.width == 400 && generate.height == 120)
    #expect(try generate.difficulty == GeneratorDifficulty(lines: 0.5, noise: 2, overlap: -0.25, blur: 0))
    #expect(try TrainingConfiguration(yaml: configuration.yaml(), named: "copy") == configuration)
    // Equal weights are a list, of which nothing is said.
    let list = try TrainingConfiguration(yaml: "data: {generate: {types: [alpha, digit]}}", named: "a")
    let weights = try TrainingConfiguration(yaml: "data: {generate: {types: {alpha: 1, digit: 1}}}", named: "b")
    #expect(list == weights)
    #expect(try list.yaml().contains("types: [alpha, digit]"))
    // One difficulty leaves the others.
    let changed = try TrainingConfiguration(recipe: .seed, overrides: ["data.generate.difficulty.blur=0"])
    #expect(try changed.data.generate.difficulty == GeneratorDifficulty(blur: 0))
  }

  @Test func wrongGeneratorSettingsNameKeyValueAndWhatIsAllowed() {
    func problem(_ line: String) -> String { self.problem("data:\n  generate:\n    \(line)\n") }
    #expect(problem("types: [digit, alhpa]") == "train.yaml:3: data.generate.types is alhpa; did you mean \"alpha\"?")
    #expect(problem("types: {digt: 2}") == "train.yaml:3: data.generate.types is digt; did you mean \"digit\"?")
    #expect(problem("types: {words: 2}").contains("give a list of digit, alpha, mixed or math, or a section"))
    #expect(problem("types: {digit: 0}").contains("data.generate.types.digit is 0; give a whole number, 1 to 1000"))
    #expect(problem("types: {digit: 1.5}").contains("data.generate.types.digit is 1.5"))
    #expect(problem("types: {digit: '3'}").contains("data.generate.types.digit is 3"))
    #expect(problem("types: {digit: 1001}").contains("data.generate.types.digit is 1001"))
    #expect(problem("types: {}").contains("data.generate.types is a section"))
    #expect(problem("types: digit").contains("data.generate.types is digit; give a list"))
    #expect(problem("types: [digit, digit]").contains("data.generate.types is digit; give each type once"))
    #expect(problem("types: null").contains("data.generate.types is missing"))
    #expect(problem("fonts: []").contains("data.generate.fonts is a list; give a list of font files"))
    #expect(problem("fonts: a.ttf").contains("data.generate.fonts is a.ttf"))
    #expect(problem("fonts: [a.ttf, a.ttf]").contains("data.generate.fonts is a.ttf; give each once"))
    #expect(problem("width: 59").contains("data.generate.width is 59; give a whole number, 60 to 2048"))
    #expect(problem("height: 1e9").contains("data.generate.height is"))
    #expect(problem("difficulty: {lines: -1}").contains("data.generate.difficulty.lines is -1; give a number from 0.0"))
    #expect(problem("difficulty: {noise: .nan}").contains("data.generate.difficulty.noise is .nan"))
    #expect(problem("difficulty: {overlap: 0.8}").contains("data.generate.difficulty.overlap is 0.8"))
    #expect(problem("difficulty: {blurr: 1}").contains("did you mean \"blur\"?"))
    #expect(problem("difficulty: hard").contains("data.generate.difficulty is hard; give a section"))
    #expect(problem("fold_case: yes please").contains("data.generate.fold_case is yes please"))
    #expect(problem("charset: abcdeé").contains("no character for the type digit"))
    #expect(problem("charset: 0123abé").contains("labels hold é, which model.charset lacks"))
    #expect(problem("charset: ''").contains("data.generate.charset is an empty text"))
    #expect(
      self.problem("data: {generate: {types: [digit], charset: '0', confusables: false}}")
        .contains("confusables cannot be false"))
    // What is labelled in lower case must be read in lower case.
    let upper = "model: {charset: '0123456789ABC'}\ndata: {generate: {types: [mixed], fold_case: true}}"
    #expect(self.problem(upper).contains("labels hold abc, which model.charset lacks"))
    let lower = "model: {charset: '0123456789abc'}\ndata: {generate: {types: [mixed], charset: 12ABC, fold_case: true}}"
    #expect(self.problem(lower) == "no error")
  }

  @Test func syntheticDataIsFreshImagesWithoutAFolder() throws {
    var expected = try TrainingConfiguration(recipe: .seed)
    expected.data.generate.fresh = true
    #expect(try TrainingConfiguration(yaml: "data: synthetic", named: "a") == expected)
    #expect(try TrainingConfiguration(recipe: .seed, overrides: ["data=synthetic"]) == expected)
    #expect(
      try TrainingConfiguration(yaml: "data: {path: images}", named: "a", overrides: ["data=synthetic"]) == expected)
    #expect(try TrainingConfiguration(yaml: expected.yaml(), named: "a") == expected)
    #expect(try expected.yaml().contains("fresh: true"))
    expected.data.generate.count = 500
    #expect(
      try TrainingConfiguration(yaml: "data: synthetic", named: "a", overrides: ["data.generate.count=500"]) == expected
    )
    #expect(try TrainingConfiguration(yaml: "data: {path: synthetic}", named: "a").data.path == "synthetic")
    #expect(problem("data: syntetic") == "train.yaml:1: data is syntetic; did you mean synthetic?")
    #expect(problem("\ndata: images").hasPrefix("train.yaml:2: data is images; give a section with keys"))
    #expect(problem("", set: "data=images").hasPrefix("--set data=images: data is images; give a section"))
    #expect(problem("data: synthetic", set: "data.validation_path=there").contains("data.path is missing"))
  }

  private static let small = [
    "--recipe", "quickstart", "--set", "data.generate.count=64", "--set", "callbacks=[]", "--set",
    "model.filters=[4, 8]", "--set", "model.image_width=48", "--set", "model.image_height=16", "--set",
    "data.generate.types={digit: 3, math: 1}",
    "--set", "data.generate.width=100", "--set", "data.generate.height=30", "--set",
    "data.generate.difficulty={lines: 0.5, noise: 0, overlap: 0.1, blur: 0}",
  ]

  /// A run that was ended after an epoch goes on as one that was not, and only with the same images.
  @Test func aSyntheticRunGoesOnWithTheSameImagesOnly() throws {
    let whole = try runner.run(["train", "--data", "synthetic", "--epochs", "2", "--run", "whole"] + Self.small)
    #expect(whole.code == 0, "\(whole.errors)")
    #expect(try runner.text("whole/config.yaml").contains("fresh: true"))
    #expect(try runner.text("whole/config.yaml").contains("types: {digit: 3, math: 1}"))
    let cut = try runner.run(["train", "--data", "synthetic", "--epochs", "1", "--run", "cut"] + Self.small)
    #expect(cut.code == 0, "\(cut.errors)")
    for other in [
      "data.generate.difficulty.overlap=0.2", "data.generate.types=[digit, math]", "data.generate.width=110",
      "data.generate.confusables=false",
    ] {
      try runner.run("train", "--resume", "--run", "cut", "--epochs", "2", "--set", other)
        .expectError(1, "training images")
    }
    let resumed = try runner.run("train", "--resume", "--run", "cut", "--epochs", "2")
    #expect(resumed.code == 0, "\(resumed.errors)")
    for file in ["checkpoints/final.safetensors"] {
      #expect(
        FileManager.default.contentsEqual(atPath: runner.path("whole/\(file)"), andPath: runner.path("cut/\(file)")))
    }
  }

  @Test func aFolderMayBeCalledSynthetic() throws {
    try runner.run("train", "--data", "./synthetic").expectError(1, "./synthetic: no such folder")
    let help = try runner.run("train", "--help").output
    #expect(help.contains("./synthetic") && Recipe.seed.yaml.contains("data: synthetic"))
  }
}
