import Data
import Foundation
import Models
import Tensor
import Testing

@testable import CLI

/// The page about the model that comes with the program.
@Suite struct ModelCardTests {
  private let runner: CommandRunner
  private let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  init() throws { runner = try CommandRunner() }

  private func page(_ folder: String) throws -> String {
    let result = try runner.run("models", "classic", "--markdown", "--run", folder)
    #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    return result.output
  }

  private func write(_ text: String, to name: String) throws {
    let url = URL(fileURLWithPath: runner.path(name))
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  /// The configuration of a training whose model would be the shipped one, whose own description it takes.
  private func configuration() throws -> TrainingConfiguration {
    let shipped = try Recognizer.classic()
    var configuration = try TrainingConfiguration(recipe: .fast, overrides: ["seed=1234", "training.epochs=3"])
    configuration.model = shipped.configuration
    configuration.loss = shipped.description.loss
    return configuration
  }

  /// The page in the repository is what the command writes; after another model write it by `scripts/ship-model`, after a
  /// change of its text by `captcha-cli models classic --markdown --run docs/model-card > docs/model-card.md`.
  @Test func theRepositorysPageIsThatOfTheCommand() throws {
    let written = try self.page(repository.appendingPathComponent("docs/model-card").path)
    let page = try String(contentsOf: repository.appendingPathComponent("docs/model-card.md"), encoding: .utf8)
    #expect(page == written)
  }

  /// The figures are those of the file in the repository, as its tensors and its metadata say.
  @Test func theRepositorysPageIsAboutTheFile() throws {
    let page = try String(contentsOf: repository.appendingPathComponent("docs/model-card.md"), encoding: .utf8)
    let file = repository.appendingPathComponent("Sources/CClassicModel/classic.safetensors")
    let bytes = try Data(contentsOf: file)
    let size = bytes.count.formatted(.number.locale(Locale(identifier: "en_US")))
    #expect(
      page.contains(
        "`Sources/CClassicModel/classic.safetensors`, \(size) bytes, MD5 `\(MD5.hexDigest([UInt8](bytes)))`"))
    let content = try Safetensors(contentsOf: file)
    let parameters = content.tensors.values.reduce(0) { $0 + $1.shape.count }
    #expect(
      page.contains("| parameters | \(parameters.formatted(.number.locale(Locale(identifier: "en_US")))), of which"))
    let text = try #require(content.metadata["captcha.model"])
    let model = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let codec = try #require(model["codec"] as? [String: Any])
    #expect(page.contains("up to \(codec["maximum_length"] as? Int ?? 0) of `\(codec["charset"] as? String ?? "")`"))
    #expect(page.contains("| architecture | `\(model["architecture"] as? String ?? "")`: "))
    for heading in ["What it is", "Data", "Training", "Evaluation", "Limits", "Training it again"] {
      #expect(page.contains("\n## \(heading)\n"))
    }
  }

  @Test func thePageTellsWhatIsRecorded() throws {
    let nothing = try runner.run("models", "classic", "--markdown").output
    #expect(nothing.contains("No evaluation of this file is recorded.") && nothing.contains("is not recorded."))

    let configuration = try self.configuration()
    try write(configuration.yaml(), to: "card/config.yaml")
    var start = RunStart(configuration, recipe: "fast", parameters: 1)
    start.commandLine = ["captcha-cli", "train", "--recipe", "fast", "--run", "runs/a b"]
    try write(StandardStreams.jsonText(start) + "\n", to: "card/starts.jsonl")
    try runner.run("generate", "--output", "images", "--count", "12", "--seed", "9")
    let evaluated = try runner.run("evaluate", "--data", "images", "--record", "card/evaluations/drawn.json")
    #expect(evaluated.code == 0, "\(evaluated.errors)")
    let record = try #require(
      try JSONSerialization.jsonObject(with: Data(runner.text("card/evaluations/drawn.json").utf8)) as? [String: Any])

    let page = try self.page("card")
    #expect(page.contains("| recipe | `fast` |\n| seed | 1234 |\n| epochs | 3, batches of 32 |"))
    #expect(page.contains("Every epoch has 20,000 new ones, which makes 60,000 in 3 epochs."))
    #expect(page.contains("```sh\ncaptcha-cli train --recipe fast --run 'runs/a b'\n```"))
    #expect(page.contains("\n### drawn\n\n12 images: alpha 3, digit 3, math 3, mixed 3; style classic. Measured on "))
    let share = try #require(record["exact_match"] as? Double) * 100
    #expect(page.contains("| exact match | \(String(format: "%.2f", share)) % (95 %: "))
    #expect(page.contains("\n| math | 3 | ") && page.contains("By position: "))
    #expect(page.contains("captcha-cli evaluate --data images --record card/evaluations/drawn.json"))

    // Confidences that can't be.
    let text = try runner.text("card/evaluations/drawn.json")
    for (key, pattern, value) in [
      ("expected_calibration_error", #/"expected_calibration_error" : [0-9.e-]+/#, "1.5"),
      ("coverage", #/"accuracy" : [0-9.e-]+/#, "7"),
    ] {
      let name = key == "coverage" ? "accuracy" : key
      try write(text.replacing(pattern, with: "\"\(name)\" : \(value)"), to: "card/evaluations/drawn.json")
      try runner.run("models", "classic", "--markdown", "--run", "card")
        .expectError(1, "card/evaluations/drawn.json:", "confidence.\(key) has a value that it can't have")
    }
    try write(text, to: "card/evaluations/drawn.json")
    // What records hold breaks neither lines nor the table.
    start.commandLine = ["captcha-cli", "train", "--run", "a\u{1B}b\nc"]
    start.programVersion = "<0.6>"
    let line = try StandardStreams.jsonText(start)
      .replacing("\"cpu\":\"\(start.machine.cpu)\"", with: "\"cpu\":\"A | B *C*\"")
    try write(line + "\n", to: "card/starts.jsonl")
    let escaped = try self.page("card")
    #expect(escaped.contains(#"captcha-cli train --run 'a\u{1B}b\nc'"#), "\(escaped)")
    #expect(escaped.contains(#"| program | captcha-cli \<0.6\> |"#))
    #expect(escaped.contains(#"| machine | A \| B \*C\*, "#))
  }

  /// What `train` itself writes: its configuration and its start, beside files that the page does not need.
  @Test func aTrainingsFolderIsRead() throws {
    try write(configuration().yaml(), to: "classic.yaml")
    let trained = try runner.run(
      "train", "--config", "classic.yaml", "--epochs", "1", "--run", "run", "--set", "data.generate.count=8", "--set",
      "data.validation_fraction=0.5", "--set", "training.batch_size=4")
    #expect(trained.code == 0, "\(trained.errors)")
    // The files of other programs, such as those that macOS puts beside any file.
    try write("{", to: "run/evaluations/._a.json")
    let page = try self.page("run")
    #expect(page.contains("| recipe | a configuration file |\n| seed | 1234 |\n| epochs | 1, batches of 4 |"))
    #expect(page.contains("Every epoch has 8 new ones, which makes 8 in 1 epochs."))
    #expect(page.contains("```sh\ncaptcha-cli train --config classic.yaml --epochs 1 --run run --set "))
    #expect(page.contains("No evaluation of this file is recorded."))
  }

  // A pipe that is waited for would never end; the limit says where.
  @Test(.timeLimit(.minutes(2))) func recordsThatDoNotFitAreRefused() throws {
    let command = ["models", "classic", "--markdown", "--run", "card"]
    try runner.run(command).expectError(1, "--run: card: no such folder")
    var configuration = try self.configuration()
    try write("\n{\n", to: "card/starts.jsonl")
    try runner.run(command).expectError(1, "card/starts.jsonl:2: not JSON")
    try FileManager.default.removeItem(atPath: runner.path("card/starts.jsonl"))

    configuration.model.codec = try LabelCodec(charset: configuration.model.codec.charset, maximumLength: 9)
    try write(configuration.yaml(), to: "card/config.yaml")
    try runner.run(command).expectError(1, "card/config.yaml: describes another model than classic")
    configuration = try self.configuration()
    configuration.data.generate.style = .library
    try write(configuration.yaml(), to: "card/config.yaml")
    try runner.run(command).expectError(1, "card/config.yaml: data.generate.style is library", "holds for classic")
    try FileManager.default.removeItem(atPath: runner.path("card/config.yaml"))
    try FileManager.default.createSymbolicLink(atPath: runner.path("card/config.yaml"), withDestinationPath: "gone")
    try runner.run(command).expectError(1, "card/config.yaml: can't be read as text (No such file or directory)")
    try FileManager.default.removeItem(atPath: runner.path("card/config.yaml"))
    try #require(mkfifo(runner.path("card/config.yaml"), 0o600) == 0)
    try runner.run(command).expectError(1, "card/config.yaml: can't be read as text (not a regular file)")
    try FileManager.default.removeItem(atPath: runner.path("card/config.yaml"))
    try write("\n", to: "card/config.yaml")
    try runner.run(command).expectError(1, "card/config.yaml: is empty")
    try write("seed: x\n", to: "card/config.yaml")
    try runner.run(command).expectError(1, "card/config.yaml:1")
    try FileManager.default.removeItem(atPath: runner.path("card/config.yaml"))

    try write("{}", to: "card/evaluations/a.json")
    try runner.run(command).expectError(1, "card/evaluations/a.json:1: there is no \"")
    try FileManager.default.removeItem(atPath: runner.path("card/evaluations/a.json"))
    try runner.run("generate", "--output", "images", "--count", "4")
    try runner.run("models", "classic", "--output", "classic.safetensors")
    var other = try ModelFile.classicContent()
    other.metadata["epoch"] = "another"
    try other.write(to: URL(fileURLWithPath: runner.path("other.safetensors")))
    try runner.run("evaluate", "other.safetensors", "--data", "images", "--record", "card/evaluations/b.json")
    try runner.run(command).expectError(1, "card/evaluations/b.json: measured a model of MD5", "record it anew")
  }
}
