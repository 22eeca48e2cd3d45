import Data
import Foundation
import Models
import Tensor
import Testing

@testable import CLI

/// What trainings and evaluations write down for `captcha-cli results`.
@Suite struct RunRecordCommandTests {
  let runner: CommandRunner

  init() throws { runner = try CommandRunner() }

  private func object(_ text: some StringProtocol) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private func train(_ arguments: String...) throws {
    let result = try runner.run(
      ["train"] + TrainingCommandTests.tiny + ["--data", "images", "--set", "callbacks=[]"] + arguments)
    #expect(result.code == 0, "\(result.errors)")
  }

  private func digits() throws {
    try runner.run("generate", "--output", "images", "--count", "40", "--types", "digit", "--length", "4")
  }

  @Test func theVersion() throws {
    let result = try runner.run("--version")
    #expect(result.code == 0 && result.output == "0.6.0\n" && result.errors.isEmpty)
  }

  @Test func everyStartHasALine() throws {
    try digits()
    try train("--epochs", "1", "--run", "a run", "--seed", "7")
    // A crash has cut off a line: it is not shown, and does not spoil the next one.
    let starts = try runner.text("a run/starts.jsonl") + #"{"architecture":"comp"#
    try Data(starts.utf8).write(to: URL(fileURLWithPath: runner.path("a run/starts.jsonl")))
    let results = try runner.run("results", "a run")
    #expect(results.code == 0 && results.output.contains("| new | "), "\(results.errors)")
    let resumed = try runner.run("train", "--resume", "--run", "a run", "--epochs", "2")
    #expect(resumed.code == 0, "\(resumed.errors)")
    // What is refused is no start.
    try runner.run("train", "--resume", "--run", "a run", "--epochs", "3", "--seed", "8").expectError(1, "seed")
    let lines = try runner.text("a run/starts.jsonl").split(separator: "\n").map(object)
    #expect(lines.count == 2)
    let first = try #require(lines.first)
    #expect(first["resumed"] as? Bool == false && lines.last?["resumed"] as? Bool == true)
    #expect(lines.map { $0["epoch"] as? Int } == [0, 1])
    #expect(
      first["command_line"] as? [String] == ["captcha-cli", "train"] + TrainingCommandTests.tiny + [
        "--data", "images", "--set", "callbacks=[]", "--epochs", "1", "--run", "a run", "--seed", "7",
      ])
    #expect(
      lines.last?["command_line"] as? [String] == [
        "captcha-cli", "train", "--resume", "--run", "a run", "--epochs", "2",
      ])
    for line in lines {
      #expect(line["program_version"] as? String == "0.6.0" && line["precision"] as? String == "float32")
      #expect(line["seed"] as? Int == 7 && line["architecture"] as? String == "compact")
      #expect(line["images"] as? Int == 36 && line["validation_images"] as? Int == 4)
      #expect((line["parameters"] as? Int ?? 0) > 0 && line["batch_size"] as? Int == 16)
      let machine = try #require(line["machine"] as? [String: Any])
      #expect(machine["cpu"] is String && (machine["threads"] as? Int ?? 0) > 0)
    }
    #expect(first["recipe"] as? String == "quickstart" && lines.last?["recipe"] == nil)
    let rows = try runner.text("a run/timeline.csv").split(separator: "\r\n").map { $0.split(separator: ",") }
    #expect(rows.count == 3)
    #expect(rows.dropFirst().map { $0.prefix(3).joined(separator: ",") } == ["0,3,36", "1,6,72"])
  }

  @Test func anEvaluationIsRecorded() throws {
    try digits()
    try train("--epochs", "1", "--run", "r")
    try runner.run("generate", "--output", "others", "--count", "20", "--types", "digit,alpha", "--seed", "3")
    let model = "r/checkpoints/final.safetensors"
    let command = ["evaluate", model, "--data", "others", "--record", "r/evaluations/others.json", "--json"]
    let result = try runner.run(command)
    #expect(result.code == 0, "\(result.errors)")
    let (shown, recorded) = (try result.json(), try object(runner.text("r/evaluations/others.json")))
    for (key, value) in shown {
      let texts = try [value, try #require(recorded[key], "\(key)")].map {
        try JSONSerialization.data(withJSONObject: [key: $0], options: .sortedKeys)
      }
      #expect(texts[0] == texts[1], "\(key)")
    }
    #expect(recorded["model"] as? String == model)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: runner.path(model))))
    #expect(recorded["model_md5"] as? String == MD5.hexDigest(bytes))
    let data = try #require(recorded["data"] as? [String: Any])
    #expect(data["folder"] as? String == "others" && data["count"] as? Int == 20)
    #expect(data["types"] as? [String: Int] == ["digit": 10, "alpha": 10])
    #expect(data["styles"] as? [String: Int] == ["classic": 20])
    #expect(recorded["program_version"] as? String == "0.6.0")
    #expect(recorded["command_line"] as? [String] == ["captcha-cli"] + command)
    #expect((recorded["machine"] as? [String: Any])?["cpu"] is String)
    // Every image that is read wrong has a number of wrong characters, and all together have all of them.
    let wrong = try #require(recorded["errors_by_wrong_characters"] as? [String: Int])
    let exactMatch = try #require(recorded["exact_match"] as? Double)
    #expect(wrong.values.reduce(0, +) == 20 - Int((exactMatch * 20).rounded()))
    #expect(
      recorded["wrong_characters"] as? Int == wrong.reduce(0) { $0 + (Int($1.key) ?? 0) * $1.value })
    // A model that is in no run.
    try FileManager.default.copyItem(atPath: runner.path(model), toPath: runner.path("alone.safetensors"))
    // Nothing is overwritten, and no folder is made up.
    try runner.run(command).expectError(1, "--record: r/evaluations/others.json is there already")
    try runner.run("evaluate", model, "--data", "others", "--record", "nowhere/evaluations/a.json")
      .expectError(1, "--record: the folder of nowhere/evaluations/a.json can't be made")
    #expect(!runner.exists("nowhere"))
    try runner.run("evaluate", model, "--data", "others", "--record", "alone.safetensors/a.json")
      .expectError(1, "--record: the folder of alone.safetensors/a.json is a file")
    // A record that can't be written, here for its long name, takes no figures with it.
    let long = String(repeating: "a", count: 300) + ".json"
    let unwritten = try runner.run("evaluate", model, "--data", "others", "--record", long, "--json")
    #expect(unwritten.code == 1 && unwritten.errors.contains("error: --record: \(long) can't be written"))
    #expect(try unwritten.json()["exact_match"] as? Double == exactMatch)
    let alone = try runner.run("evaluate", "alone.safetensors", "--data", "others", "--record", "alone.json")
    #expect(alone.code == 0, "\(alone.errors)")
    #expect(try object(runner.text("alone.json"))["exact_match"] as? Double == exactMatch)
  }

  /// As when two evaluations that began with nothing there end one after the other.
  @Test func aFileThatHasComeToBeThereIsLeftAlone() throws {
    let file = try #require(NewFile(argument: runner.path("a.json")))
    try file.requireAbsent(option: "--record")
    try file.write(Data("first".utf8), option: "--record")
    #expect {
      try file.write(Data("second".utf8), option: "--record")
    } throws: { error in
      "\(error)" == "--record: \(file.path) is there already; give another name or remove it"
    }
    #expect(try runner.text("a.json") == "first")
    // A link to nothing is something too.
    let nowhere = runner.path("c.json")
    try FileManager.default.createSymbolicLink(atPath: runner.path("b.json"), withDestinationPath: nowhere)
    let link = try #require(NewFile(argument: runner.path("b.json")))
    #expect(throws: ModelError.self) { try link.write(Data("third".utf8)) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: runner.path("")).sorted() == ["a.json", "b.json"])
  }

  /// A training that goes on replaces its models, also while one of them is measured.
  @Test func bytesOfAModelStayWhatTheyAre() throws {
    let url = URL(fileURLWithPath: runner.path("best-exact-match.safetensors"))
    try ModelFile.classic.write(to: url)
    let choice = ModelChoice(url.path)
    let bytes = try choice.bytes()
    try AtomicFile.write(to: url) { try $0.write(contentsOf: Data("another".utf8)) }
    #expect(MD5.hexDigest([UInt8](bytes)) == MD5.hexDigest([UInt8](ModelFile.classic)))
    let (read, classic) = (try choice.content(bytes), try ModelFile.classicContent())
    #expect(read.metadata == classic.metadata && read.tensors.keys == classic.tensors.keys)
    #expect(try choice.recognizer(read).codec == Recognizer.classic().codec)
  }
}
