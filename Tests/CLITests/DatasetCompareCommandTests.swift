import Data
import Foundation
import Testing

@testable import CLI

/// `dataset compare` as a user runs it.
@Suite struct DatasetCompareCommandTests {
  let runner: CommandRunner

  init() throws {
    runner = try CommandRunner()
    for (name, seed) in [("one", "1"), ("two", "2")] {
      try runner.run("generate", "--output", name, "--count", "60", "--types", "digit,math", "--seed", seed)
    }
  }

  @Test func tableAndPicture() throws {
    let arguments = ["dataset", "compare", "one", "two", "--output", "sheet.png", "--count", "3"]
    let result = try runner.run(arguments)
    #expect(result.code == 0, "\(result.errors)")
    for part in [
      "all images: 60 and 60", "type digit: 30 and 30", "type math: 30 and 30", "dark_ink", "0 of 54 differ",
    ] {
      #expect(result.output.contains(part), "\(part)")
    }
    #expect(result.output.contains("picture: sheet.png, from the top 3 of digit, 3 of math; left one, right two"))
    // Three rows of 60 pixels for each type, two columns of 200.
    let sheet = try ImageFile.read(runner.path("sheet.png"))
    #expect(sheet.width == 416 && sheet.height == 6 * 64 + 4 + 8)
    func cell(_ column: Int, _ row: Int) -> Image {
      Image(width: 200, height: 60, channels: 3) { pixels in
        for y in 0..<60 {
          for x in 0..<600 { pixels[y * 600 + x] = sheet.pixels[((row + y) * 416 + column) * 3 + x] }
        }
      }
    }
    for (column, folder) in [(4, "one"), (212, "two")] {
      for (row, type) in [(4, "digit"), (68, "digit"), (132, "digit"), (204, "math"), (268, "math"), (332, "math")] {
        let names = try runner.text("\(folder)/manifest.jsonl").split(separator: "\n").compactMap { line in
          try JSONSerialization.jsonObject(with: Foundation.Data(line.utf8)) as? [String: String]
        }.filter { $0["type"] == type }.compactMap { $0["file"] }
        let image = cell(column, row)
        #expect(try names.filter { try ImageFile.read(runner.path("\(folder)/\($0)")) == image }.count == 1)
      }
    }
    // What is there is left alone.
    try runner.run(arguments).expectError(1, "sheet.png", "exists already")
    // One seed, one picture.
    try runner.run("dataset", "compare", "one", "two", "--output", "again.png", "--count", "3")
    try runner.run("dataset", "compare", "one", "two", "--output", "other.png", "--count", "3", "--seed", "8")
    #expect(try ImageFile.read(runner.path("again.png")) == sheet)
    #expect(try ImageFile.read(runner.path("other.png")) != sheet)
  }

  @Test func fieldsOfJSON() throws {
    let result = try runner.run("dataset", "compare", "one", "two", "--json", "--output", "sheet.png")
    let json = try result.json()
    #expect((json["first"] as? [String: Any])?["count"] as? Int == 60)
    #expect((json["second"] as? [String: Any])?["path"] as? String == "two")
    let groups = try #require(json["groups"] as? [[String: Any]])
    #expect(groups.compactMap { $0["type"] as? String } == ["all", "digit", "math"])
    let measures = try #require(groups[1]["measures"] as? [[String: Any]])
    #expect(measures.compactMap { $0["name"] as? String } == ImageStatistics.Measure.allCases.map(\.rawValue))
    let ink = measures[0]
    #expect((ink["first"] as? [String: Any])?["standard_error"] is Double)
    #expect(ink["difference"] is Double && ink["distance"] is Double && ink["significant"] as? Bool == false)
    #expect(
      (groups[1]["colors"] as? [[String: Any]])?.compactMap { $0["channel"] as? String } == ["red", "green", "blue"])
    #expect(result.errors.contains("picture: sheet.png"))
  }

  @Test func imagesOfOtherSizesAndWithoutTypes() throws {
    for number in 0..<3 {
      for (folder, width) in [("small", 30), ("large", 700)] {
        let url = URL(fileURLWithPath: runner.path(folder))
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        try PNG.write(
          Image(width: width, height: 20 + number, color: [UInt8(50 * number)]),
          to: url.appendingPathComponent("\(number).png").path)
      }
    }
    try Foundation.Data("0.png\ta\n1.png\tb\n2.png\tc\n4.png\td\n".utf8)
      .write(to: URL(fileURLWithPath: runner.path("small/labels.txt")))
    try Foundation.Data("0.png\ta\n1.png\tb\n".utf8)
      .write(to: URL(fileURLWithPath: runner.path("large/labels.txt")))
    let result = try runner.run("dataset", "compare", "small", "large", "--output", "sheet.png", "--count", "50")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("small: 1 left out; `captcha-cli dataset check small`"))
    #expect(result.output.contains("image_width") && result.output.contains("3 of any type"))
    // The wide ones are scaled down to 600.
    #expect(try ImageFile.read(runner.path("sheet.png")).width == 30 + 600 + 16)
  }

  @Test func wrongUsage() throws {
    for arguments in [["one"], ["one", "two", "--count", "0"], ["one", "two", "--bogus"]] {
      let result = try runner.run(["dataset", "compare"] + arguments)
      #expect(result.code == 64 && result.errors.hasPrefix("error: "), "\(arguments)")
    }
    try runner.run("dataset", "compare", "one", "nowhere").expectError(1, "nowhere: no such folder")
    try runner.run("dataset", "compare", "one", "two", "--output", "no/where.png", "--json").expectError()
  }
}
