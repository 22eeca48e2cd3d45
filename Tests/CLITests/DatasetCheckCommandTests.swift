import Data
import Foundation
import Tensor
import Testing

@testable import CLI

/// `dataset check` as a user runs it.
@Suite struct DatasetCheckCommandTests {
  let runner: CommandRunner

  init() throws { runner = try CommandRunner() }

  private func write(_ image: Image, _ name: String) throws {
    let url = URL(fileURLWithPath: runner.path(name))
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try PNG.write(image, to: url.path)
  }

  private func write(_ text: String, _ name: String) throws {
    try Foundation.Data(text.utf8).write(to: URL(fileURLWithPath: runner.path(name)))
  }

  /// A picture that differs from those of other numbers; dark if its number is even.
  private func picture(_ number: Int) -> Image {
    var random = RandomStream(seed: 9).stream("picture", number)
    return Image(width: 48, height: 16, channels: 1) { pixels in
      for index in pixels.indices { pixels[index] = UInt8((number % 2 == 0 ? 20 : 180) + random.integer(in: 0...50)) }
    }
  }

  @Test func cleanFoldersPass() throws {
    try runner.run("generate", "--output", "images", "--count", "200", "--types", "digit", "--seed", "4")
    try runner.run("generate", "--output", "others", "--count", "50", "--types", "digit", "--seed", "5")
    let check = try runner.run("dataset", "check", "images", "--validation", "others", "--strict")
    #expect(check.code == 0, "\(check.output) \(check.errors)")
    #expect(check.output == "200 images can be used, 0 cannot; 0 errors, 0 warnings\n")
    // The other characters are in no label, which counts where they were asked for.
    let charset = try runner.run("dataset", "check", "images", "--charset", "0123456789abc", "--strict", "--json")
    #expect(charset.code == 1)
    #expect(charset.errors.contains("error: images: 1 warning, and --strict is given"))
    let json = try charset.json()
    #expect(json["counts"] as? [String: Int] == ["absent_characters": 1])
    #expect(json["errors"] as? Int == 0 && json["warnings"] as? Int == 1)
  }

  @Test func findingsInTextAndJSON() throws {
    for number in 0..<30 { try write(picture(number), "images/a\(number)-1.png") }
    for number in 0..<12 { try write(picture(number), "images/a\(number)-2.png") }
    try write(picture(20), "images/b20-1.png")
    let check = try runner.run("dataset", "check", "images")
    #expect(check.code == 1)
    #expect(check.errors.contains("error: images: 1 error; correct or remove these images"))
    let lines = check.output.split(separator: "\n").map(String.init)
    #expect(lines[0].hasPrefix("error contradictory_label: 1; "))
    #expect(lines[1] == "  a20-1.png, b20-1.png: the same picture with the labels \"a20\", \"b20\"")
    #expect(lines[2].hasPrefix("warning duplicate_file: 12; "))
    #expect(lines[3] == "  a0-1.png, a0-2.png: the same bytes, label \"a0\"")
    #expect(lines[13] == "  and 2 more; give --all to list them")
    #expect(lines.last == "43 images can be used, 0 cannot; 1 error, 13 warnings")
    let all = try runner.run("dataset", "check", "images", "--all")
    #expect(all.output.contains("  a9-1.png, a9-2.png: ") && !all.output.contains("more"))

    let json = try runner.run("dataset", "check", "images", "--json").json()
    for field in ["count", "rejected", "lengths", "characters", "types", "sizes", "unlisted"] {
      #expect(json[field] != nil, "\(field)")
    }
    #expect(json["count"] as? Int == 43)
    #expect(
      json["counts"] as? [String: Int] == ["contradictory_label": 1, "duplicate_file": 12, "absent_characters": 1])
    let findings = try #require(json["findings"] as? [[String: Any]])
    #expect(findings.count == 14)
    #expect(findings[0]["kind"] as? String == "contradictory_label" && findings[0]["severity"] as? String == "error")
    #expect(findings[0]["files"] as? [String] == ["a20-1.png", "b20-1.png"])
    #expect(findings[0]["detail"] is String)
    // The same every time.
    let again = try runner.run("dataset", "check", "images")
    #expect(again.output == check.output)
  }

  @Test func warningsAloneFailOnlyWhenStrict() throws {
    for name in ["images/a-1.png", "images/a-2.png"] { try write(picture(1), name) }
    #expect(try runner.run("dataset", "check", "images").code == 0)
    let strict = try runner.run("dataset", "check", "images", "--strict")
    #expect(strict.code == 1 && strict.errors.contains("error: images: 2 warnings, and --strict is given"))
  }

  @Test func picturesThatAreInBothFolders() throws {
    for number in 0..<4 { try write(picture(number), "images/a\(number)-1.png") }
    try write(picture(2), "others/a2-7.png")
    try write(picture(9), "others/a3-1.png")
    let check = try runner.run("dataset", "check", "images", "--validation", "others/", "--json")
    #expect(check.code == 1)
    let findings = try #require(try check.json()["findings"] as? [[String: Any]])
    #expect(findings[0]["kind"] as? String == "leaked_picture")
    #expect(findings[0]["files"] as? [String] == ["a2-1.png", "others/a2-7.png"])
    #expect(findings[1]["kind"] as? String == "leaked_name")
    #expect(findings[1]["files"] as? [String] == ["a3-1.png", "others/a3-1.png"])
  }

  @Test func controlCharactersAreShownAsEscapes() throws {
    try write(picture(1), "images/a\u{1B}[31m-1.png")
    try write(picture(2), "images/b\u{202E}\n-1.png")
    let check = try runner.run("dataset", "check", "images")
    #expect(check.code == 1)
    #expect(check.output.contains("a\\u{1B}[31m-1.png: the file name has a control character"))
    #expect(check.output.contains("b\\u{202E}\\n-1.png"))
    #expect(!check.output.unicodeScalars.contains("\u{1B}") && !check.output.unicodeScalars.contains("\u{202E}"))
    #expect("a\tb\r\n\u{7F}\u{2028}é验証\u{200B}".visible == "a\\tb\\r\\n\\u{7F}\\u{2028}é验証\\u{200B}")
  }

  @Test func aModelFindsWrongLabels() throws {
    for number in 0..<160 { try write(picture(number), "easy/\(number % 2)-\(number).png") }
    let trained = try runner.run(
      ["train"] + TrainingCommandTests.tiny + [
        "--data", "easy", "--epochs", "6", "--run", "run", "--set", "model.charset=01", "--set",
        "model.maximum_length=1",
      ])
    #expect(trained.code == 0, "\(trained.errors)")
    for number in 200..<230 {
      try write(
        picture(number), "images/\([207, 212, 225].contains(number) ? (number + 1) % 2 : number % 2)-\(number).png")
    }
    // What the model cannot say, and a size that it does not know.
    try write(picture(300), "images/x-300.png")
    try write(picture(302).resized(width: 50, height: 20), "images/1-302.png")
    let model = "run/checkpoints/final.safetensors"
    let audit = ["dataset", "check", "images", "--model", model]
    let check = try runner.run(audit + ["--json"])
    #expect(check.code == 0, "\(check.errors)")
    let findings = try #require(try check.json()["findings"] as? [[String: Any]])
      .filter { $0["kind"] as? String == "likely_wrong_label" }
    #expect(
      Set(findings.compactMap { ($0["files"] as? [String])?.first }) == ["0-207.png", "1-212.png", "0-225.png"])
    let confidences = findings.compactMap { $0["confidence"] as? Double }
    #expect(confidences.count == 3 && confidences == confidences.sorted(by: >) && confidences.allSatisfy { $0 >= 0.9 })
    for finding in findings {
      let label = try #require(finding["label"] as? String)
      #expect(finding["read"] as? String == (label == "0" ? "1" : "0"))
    }
    #expect(check.errors.contains("1 of 32 images have sizes that the model was not trained on"))
    #expect(check.errors.contains("which it has not judged: 1\n"))
    let text = try runner.run(audit + ["--resize", "--strict"])
    #expect(text.code == 1 && text.output.contains("warning likely_wrong_label: 4; "))
    #expect(text.output.contains("0-207.png: label \"0\", the model reads \"1\", confidence "))
    #expect(!text.errors.contains("sizes that the model"))
    // Nobody is as sure as that.
    #expect(try !runner.run(audit + ["--confidence", "1"]).output.contains("0-207.png") || confidences[0] == 1)
  }

  @Test func wrongUsage() throws {
    try write(picture(1), "images/a-1.png")
    for options in [
      ["--confidence", "0.5"], ["--resize"], ["--model", "m", "--confidence", "1.5"], ["--validation", "./images"],
      ["--bogus"], ["--maximum-length", "0"],
    ] {
      let result = try runner.run(["dataset", "check", "images"] + options)
      #expect(result.code == 64, "\(options) \(result.errors)")
      #expect(result.errors.hasPrefix("error: ") && result.output.isEmpty)
    }
    try runner.run("dataset", "check", "nowhere").expectError(1, "nowhere: no such folder")
    try runner.run("dataset", "check", "images", "--validation", "nowhere").expectError(1, "nowhere: no such folder")
    try runner.run("dataset", "check", "images", "--model", "nothing").expectError(1, "nothing: no such file")
  }
}
