import Foundation
import Testing

/// Training and evaluating with the pixels in a cache file.
@Suite struct CacheCommandTests {
  let runner: CommandRunner

  init() throws {
    runner = try CommandRunner()
    let drawn = try runner.run(
      "generate", "--output", "images", "--count", "120", "--types", "digit", "--length", "4", "--seed", "1")
    #expect(drawn.code == 0, "\(drawn.errors)")
  }

  private func train(_ arguments: String...) throws -> CommandResult {
    try runner.run(["train"] + TrainingCommandTests.tiny + ["--data", "images", "--set", "callbacks=[]"] + arguments)
  }

  private var cacheFile: String {
    get throws {
      let files = try FileManager.default.contentsOfDirectory(atPath: runner.path("caches"))
      #expect(files.count == 1 && files[0].hasPrefix("images-48x16-grayscale-") && files[0].hasSuffix(".cache"))
      return "caches/" + (files.first ?? "")
    }
  }

  private func expectSameRun(_ one: String, _ other: String, location: SourceLocation = #_sourceLocation) throws {
    #expect(
      FileManager.default.contentsEqual(
        atPath: runner.path("\(one)/checkpoints/final.safetensors"),
        andPath: runner.path("\(other)/checkpoints/final.safetensors")), sourceLocation: location)
    #expect(
      try runner.text("\(one)/metrics.csv") == runner.text("\(other)/metrics.csv"), sourceLocation: location)
  }

  @Test func aTrainingIsTheSameWithACache() throws {
    for arguments in [
      ["--run", "memory"], ["--run", "made", "--cache", "caches"], ["--run", "read", "--cache", "caches"],
    ] {
      let result = try runner.run(
        ["train"] + TrainingCommandTests.tiny + ["--data", "images", "--set", "callbacks=[]", "--epochs", "2"]
          + arguments)
      #expect(result.code == 0, "\(result.errors)")
      #expect(!result.errors.contains("made anew"))
      #expect(result.errors.contains("reading images: 120 in "))
    }
    #expect(try runner.exists(cacheFile))
    try expectSameRun("made", "memory")
    try expectSameRun("read", "memory")
    #expect(try runner.text("read/config.yaml").contains("cache: \"caches\""))
    #expect(try runner.text("read/training.log").contains("waiting for data "))

    let model = "memory/checkpoints/final.safetensors"
    let measured = try ["--json", "--cache=caches"].indices.map { count in
      var json = try runner.run(
        ["evaluate", model, "--data", "images", "--json"] + (count == 0 ? [] : ["--cache", "caches"])
      ).json()
      json["images_per_second"] = nil
      return try JSONSerialization.data(withJSONObject: json, options: .sortedKeys)
    }
    #expect(measured[0] == measured[1])
  }

  @Test func aStaleCacheSaysWhyAndADamagedOneEndsTheTraining() throws {
    #expect(try train("--run", "whole", "--epochs", "2").code == 0)
    #expect(try train("--run", "r", "--epochs", "1", "--cache", "caches").code == 0)
    let file = try cacheFile
    // All pixels, but not the index: it shows when they are read.
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: runner.path(file)))
    try handle.seek(toOffset: 4096)
    try handle.write(contentsOf: Data(repeating: 0x55, count: 120 * 48 * 16))
    try handle.close()
    let damaged = try runner.run("train", "--resume", "--run", "r", "--epochs", "2")
    damaged.expectError(1, file, "are not what was written", "remove this file")
    try FileManager.default.removeItem(atPath: runner.path(file))
    let resumed = try runner.run("train", "--resume", "--run", "r", "--epochs", "2")
    #expect(resumed.code == 0, "\(resumed.errors)")
    try expectSameRun("r", "whole")

    try FileManager.default.copyItem(
      atPath: runner.path(
        "images/\(FileManager.default.contentsOfDirectory(atPath: runner.path("images")).first { $0.hasSuffix(".png") } ?? "")"
      ),
      toPath: runner.path("images/0000-more.png"))
    try FileManager.default.removeItem(atPath: runner.path("images/manifest.jsonl"))
    let stale = try train("--run", "s", "--epochs", "1", "--cache", "caches")
    #expect(stale.code == 0)
    let notice = "\(file): the cache is made anew, since the folder had 120 images then and has 121 now"
    #expect(stale.errors.split(separator: "\n").filter { $0.hasSuffix(notice) }.count == 1, "\(stale.errors)")
  }

  @Test func whatCannotBeIsRefused() throws {
    try runner.run("train", "--cache", "caches").expectError(1, "data.cache is caches", "data.path is missing")
    #expect(try train("--run", "r", "--epochs", "1", "--cache", "caches").code == 0)
    let file = try cacheFile
    try Data("somebody's own file".utf8).write(to: URL(fileURLWithPath: runner.path(file)))
    try train("--run", "s", "--epochs", "1", "--cache", "caches").expectError(1, file, "no cache of images")
    #expect(try runner.text(file) == "somebody's own file")
  }

  /// A limit on the size of files stands for a full disk.
  @Test func aFullDiskLeavesNoFile() throws {
    let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appendingPathComponent("captcha-cli").path
    let words = ["train"] + TrainingCommandTests.tiny + ["--data", "images", "--cache", "caches", "--run", "r"]
    let line = words.map { "'\($0)'" }.joined(separator: " ")
    // 51,200 bytes; 120 images need 92,160.
    let result = try RunningCommand(
      URL(fileURLWithPath: "/bin/sh"), ["-c", "trap '' XFSZ; ulimit -f 100; exec '\(program)' \(line)"],
      folder: runner.folder, input: nil
    ).wait()
    result.expectError(1, "caches/images-48x16-grayscale-", "can't be written", "it needs 98176 bytes", "free some")
    #expect(try FileManager.default.contentsOfDirectory(atPath: runner.path("caches")).isEmpty)
  }
}
