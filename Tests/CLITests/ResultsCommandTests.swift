import Foundation
import Testing

@testable import CLI

/// `captcha-cli results`, run as a user runs it, on records with known numbers.
@Suite struct ResultsCommandTests {
  let runner: CommandRunner

  init() throws { runner = try CommandRunner() }

  /// A run of four epochs, resumed within the third, and one of an older version.
  @discardableResult
  private func runs() throws -> MadeUpRun {
    let fast = try MadeUpRun(runner, "runs/fast")
    try fast.timeline([
      "0,469,60000,600.000,30.000,1.5,1.25,0.5", "1,938,120000,1200.000,60.000,0.75,0.5,0.7719999",
      "2,1000,128000,1300.000,60.000,NA,NA,NA", "2,1407,180000,1800.000,90.000,0.5,nan,0.772",
      "3,1876,240000,2400.000,120.000,0.25,0.125,0.91",
    ])
    try fast.starts()
    try fast.write(MadeUpRun.record, to: "evaluations/library.json")
    let old = try MadeUpRun(runner, "runs/old")
    try old.write("epoch,loss\r\n0,1.5\r\n", to: "metrics.csv")
    try old.write("{\"epochs_run\": 1, \"evaluation\": {\(MadeUpRun.report)}}", to: "summary.json")
    return fast
  }

  /// The lines of the page, or those from a heading to the next.
  private func lines(_ page: String, below heading: String? = nil) throws -> [String] {
    let all = page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard let heading else { return all }
    let start = try #require(all.firstIndex(of: heading), "\(heading) in \(page)")
    return Array(all[(start + 1)...].prefix { !$0.hasPrefix("#") })
  }

  /// The page in the repository is what the command makes of the records beside it, in the page's order.
  @Test func theRepositorysPageIsThatOfTheCommand() throws {
    let docs = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("docs")
    let page = try String(contentsOf: docs.appendingPathComponent("results.md"), encoding: .utf8)
    let picture = try String(contentsOf: docs.appendingPathComponent("results.svg"), encoding: .utf8)
    let names = page.split(separator: "\n").compactMap { $0.wholeMatch(of: /## Run (.+)/).map { String($0.1) } }
    let folder = docs.appendingPathComponent("results")
    #expect(try Set(names) == Set(FileManager.default.contentsOfDirectory(atPath: folder.path)))
    let written = try runner.run(
      ["results"] + names.map { folder.appendingPathComponent($0).path } + ["--output", "results.md"])
    #expect(written.code == 0, "\(written.errors)")
    #expect(
      try runner.text("results.md") == page && runner.text("results.svg") == picture,
      "write it with `captcha-cli results docs/results/… --output docs/results.md`")
  }

  @Test func thePageHasWhatTheFilesSay() throws {
    try runs()
    let result = try runner.run("results", "runs/fast", "runs/old")
    #expect(result.code == 0, "\(result.errors)")
    let page = result.output
    #expect(try lines(page).first?.hasPrefix("<!-- Written by `captcha-cli results`") == true)
    // 240,000 images in 2,400 s; 120 s of validation are none of them.
    let share = "80.00 % (74.50 % to 84.50 %)"
    let overview = try lines(page, below: "# Results")
    #expect(
      overview.contains("| fast | fast, crnn | 1,234,567 | 240,000 | 40.0 | 2.0 | 100.0 | library: \(share) |"),
      "\(page)")
    #expect(overview.contains("| old | – | – | – | – | – | – | end of training: \(share) |"))
    #expect(overview.contains { $0.hasPrefix("- old: no timeline.csv") })
    #expect(overview.contains { $0.hasPrefix("- old: no starts.jsonl") })
    #expect(result.errors.split(separator: "\n").filter { $0.hasPrefix("warning: old: no ") }.count == 2)
    #expect(!overview.contains { $0.contains("![") })
    // What comes from no run is said to.
    let others =
      "55.79 % before its recipe of 2026-01-30, 70.63 % with its recipe of 2026-01-30, 77.2 % at its very best,"
    #expect(overview.contains { $0.contains("Python and Keras") && $0.hasSuffix(others) }, "\(page)")
    #expect(overview.contains { $0.contains("20 % of 60,012 images") && $0.contains("only these three are not from") })

    let passed = try lines(page, below: "## When a run first passed an exact match")
    #expect(passed.contains("| run | 77.2 % | 88 % | 92 % |"))
    #expect(
      passed.contains(
        "| fast | 30.0 min, 180,000 images (epoch 3) | 40.0 min, 240,000 images (epoch 4) | not |"), "\(page)")
    #expect(!passed.contains { $0.hasPrefix("| old") })

    let run = try lines(page, below: "## Run fast")
    #expect(run.contains(#"captcha-cli train --recipe fast --run 'it'\''s'"#))
    #expect(run.contains(#"captcha-cli train --resume --run 'it'\''s'"#))
    let machine = "A fast one, 2 processors, 24.0 GiB, avx512, OpenBLAS kernels SkylakeX, An OS"
    #expect(run.contains("| new | 2026-11-27T10:00:00Z | 1 | 0.6.0 | bfloat16 | 2 | 42 | \(machine) |"), "\(page)")
    #expect(run.contains("| resumed | 2026-11-27T10:02:00Z | 3 | 0.6.0 | bfloat16 | 2 | 42 | \(machine) |"))
    #expect(run.contains("| 2 | 20.0 | 120,000 | 0.75000 | 0.50000 | 77.20 % |"))
    #expect(run.contains("| 3 | 30.0 | 180,000 | 0.50000 | nan | 77.20 % |"))
    // The row of the interruption has measured nothing.
    #expect(!run.contains { $0.contains("128,000") })
    #expect(try lines(page, below: "## Run old").allSatisfy(\.isEmpty))

    let evaluation = try lines(page, below: "### fast: library")
    #expect(
      evaluation.contains {
        $0.contains(
          "`runs/fast/m.safetensors` (MD5 `0123456789abcdef0123456789abcdef`) on the 250 images of `new images`")
          && $0.contains("(types: digit 100, math 150; styles: library 250)") && $0.contains("2 threads")
      }, "\(page)")
    #expect(evaluation.contains("captcha-cli evaluate runs/fast/m.safetensors --data 'new images'"))
    for (name, value) in [
      ("exact match (95 % interval)", share), ("exact match but for case", "84.00 %"),
      ("exact match but for look-alikes", "88.00 %"), ("character accuracy", "96.25 %"),
      ("labels that the model cannot say", "3"), ("exact match by type", "digit 95.00 % of 100, math 70.00 % of 150"),
      ("exact match by length", "4 87.50 % of 200, 10 50.00 % of 50"), ("right by position", "99.00 %, 98.00 %"),
      ("commonest confusions", "`0` as `O` 32, `\\|` as nothing 16, nothing as `` ` `` 8"), ("images/s", "812"),
    ] { #expect(evaluation.contains("| \(name) | \(value) |"), "\(name) in \(page)") }

    let ceiling = try lines(page, below: "## The ceiling")
    // Of 50 errors, 10 and 20.
    #expect(ceiling.contains("| fast | library | 50 | 20.00 % | 40.00 % | 40 | 6 | 0 | 4 |"), "\(page)")
    #expect(
      ceiling.contains(
        "Of all 64 wrong characters of fast, library: `0` as `O` 50.00 %, `|` as nothing 25.00 %, nothing as `` ` `` "
          + "12.50 %."), "\(page)")
  }

  @Test func theSameNumbersAsJSON() throws {
    try runs()
    let json = try runner.run("results", "runs/fast", "runs/old", "--json").json()
    let all = try #require(json["runs"] as? [[String: Any]])
    #expect(all.map { $0["run"] as? String } == ["fast", "old"])
    #expect(all[0]["training_seconds"] as? Double == 2400 && all[0]["images_per_second"] as? Double == 100)
    #expect(all[0]["validation_seconds"] as? Double == 120 && all[0]["images"] as? Int == 240_000)
    let passed = try #require(all[0]["passed"] as? [[String: Any]])
    #expect(passed.map { $0["exact_match"] as? Double } == [0.772, 0.88, 0.92])
    #expect(passed.map { $0["training_seconds"] as? Double } == [1800, 2400, nil])
    #expect((all[1]["evaluations"] as? [[String: Any]])?.first?["exact_match"] as? Double == 0.8)
    #expect((all[1]["missing"] as? [String])?.count == 2)
  }

  @Test func aPageIsWrittenWithItsPicture() throws {
    let run = try runs()
    let first = try runner.run("results", "runs/fast", "runs/old", "--output", "page.md")
    #expect(first.code == 0 && first.output == "2 runs in page.md and page.svg\n", "\(first.errors)")
    #expect(try runner.text("page.md").contains("](page.svg)"))
    let picture = try runner.text("page.svg")
    #expect(picture.contains("<svg ") && picture.contains(">fast</text>") && !picture.contains(">old</text>"))
    for level in [
      "before its recipe of 2026-01-30: 55.79 %", "with its recipe of 2026-01-30: 70.63 %", "at its very best: 77.2 %",
    ] { #expect(picture.contains(">original system \(level)</text>")) }
    // What it has written itself it replaces; the same files give the same bytes.
    let page = try runner.text("page.md")
    #expect(try runner.run("results", "runs/fast", "runs/old", "--output", "page.md").code == 0)
    #expect(try runner.text("page.md") == page && runner.text("page.svg") == picture)
    try run.timeline(["0,469,60000,600.000,30.000,1.5,1.25,0.5"])
    #expect(try runner.run("results", "runs/fast", "--output", "page.md").code == 0)
    #expect(try runner.text("page.md") != page && runner.text("page.svg") != picture)

    for (name, command) in [("page.svg", "page.md"), ("other.md", "other.md")] {
      let file = URL(fileURLWithPath: runner.path(name))
      try Data("mine".utf8).write(to: file)
      try runner.run("results", "runs/fast", "--output", command)
        .expectError(1, "--output: \(name) is there already", "give another name or remove it")
      #expect(try runner.text(name) == "mine")
    }
    let wrong = try runner.run("results", "runs/fast", "--output", "page.svg")
    #expect(wrong.code == 64 && wrong.errors.contains("ends in .md"))
    // A name that Markdown would not take as it is.
    #expect(try runner.run("results", "runs/fast", "--output", "my page (1).md").code == 0)
    #expect(try runner.text("my page (1).md").contains("](my%20page%20%281%29.svg)"))
    #expect(runner.exists("my page (1).svg"))
    // Without times there is no picture.
    let old = try runner.run("results", "runs/old", "--output", "old.md")
    #expect(old.output == "1 run in old.md\n" && !runner.exists("old.svg"))
    // Then somebody else's is in nobody's way, and an earlier one of its own is not left over.
    try Data("mine".utf8).write(to: URL(fileURLWithPath: runner.path("old.svg")))
    #expect(try runner.run("results", "runs/old", "--output", "old.md").code == 0)
    #expect(try runner.text("old.svg") == "mine")
    #expect(try runner.run("results", "runs/old", "--output", "my page (1).md").code == 0)
    #expect(runner.exists("my page (1).md") && !runner.exists("my page (1).svg"))
  }

  @Test func longCurvesAreThinnedOut() throws {
    let run = try MadeUpRun(runner, "long")
    try run.timeline((0..<100).map { "\($0),\($0 + 1),\(10 * $0 + 10),\($0).000,1.000,1.5,1.25,0.5" })
    let page = try runner.run("results", "long").output
    let rows = try lines(page, below: "## Run long").filter { $0.hasPrefix("| ") && $0.contains("50.00 %") }
    let epochs = rows.compactMap { Int($0.split(separator: " ")[1]) }
    #expect(epochs.count == 20 && epochs.first == 1 && epochs.last == 100)
    #expect(zip(epochs, epochs.dropFirst()).allSatisfy { (5...6).contains($1 - $0) }, "\(epochs)")
    #expect(page.contains("20 of 100 epochs."))
  }

  @Test func runsWithPartsThatAreNotKnown() throws {
    try runner.run("results", "nowhere").expectError(1, "nowhere: no such run")
    try FileManager.default.createDirectory(atPath: runner.path("empty"), withIntermediateDirectories: true)
    try runner.run("results", "empty").expectError(1, "empty: holds nothing of a training")
    let run = try MadeUpRun(runner, "1")
    try run.timeline(["4,9,30,NA,NA,0.5,1.0,0.9"])
    try MadeUpRun(runner, "other/1").timeline([])
    let page = try runner.run("results", "1", "other/1")
    #expect(page.code == 0, "\(page.errors)")
    #expect(page.output.contains("- 1: an earlier part of the run has not recorded its time"))
    #expect(
      page.output.contains("| 1 | time not known, 30 images (epoch 5) | time not known, 30 images (epoch 5) | not |"))
    #expect(page.output.contains("| other/1 | – | – | – | – | – | – | – |"))
  }

  @Test(arguments: [
    ("timeline.csv", MadeUpRun.header + "\r\n0,1,2,3,4,5,6,0.5\r\n1,2,3,4,5,6,7\r\n", ":3: 7 cells in 8 columns"),
    ("timeline.csv", MadeUpRun.header + "\r\n0,1,many,3,4,5,6,0.5\r\n", ":2: images is \"many\""),
    ("timeline.csv", MadeUpRun.header + "\r\n0,1,2,3,4,5,6,77.2\r\n", ":2: val_exact_match is \"77.2\""),
    ("timeline.csv", MadeUpRun.header + "\r\n0,1,2,nan,4,5,6,0.5\r\n", ":2: training_seconds is \"nan\""),
    ("timeline.csv", "epoch,loss\r\n0,1\r\n", ":1: there is no column step"),
    ("timeline.csv", MadeUpRun.header + "\r\n\(Int.max),1,2,3,4,5,6,0.5\r\n", ":2: epoch is \"\(Int.max)\""),
    (
      "timeline.csv", MadeUpRun.header + "\r\n1,2,4,3,4,5,6,0.5\r\n0,3,5,4,5,5,6,0.5\r\n",
      ":3: epoch is 0, less than the 1 of a row above"
    ),
    (
      "timeline.csv", MadeUpRun.header + "\r\n0,1,4,3,4,5,6,0.5\r\n1,2,3,4,5,5,6,0.5\r\n",
      ":3: images is 3, less than the 4 of a row above"
    ),
    (
      "timeline.csv", MadeUpRun.header + "\r\n0,1,4,3,4,5,6,0.5\r\n1,2,8,2.5,5,5,6,0.5\r\n",
      ":3: training_seconds is 2.5, less than the 3.0 of a row above"
    ),
    (
      "timeline.csv", MadeUpRun.header + "\r\n0,1,4,3,4,5,6,0.5\r\n1,2,8,NA,5,5,6,0.5\r\n2,3,9,2.5,5,5,6,0.5\r\n",
      ":4: training_seconds is 2.5, less than the 3.0 of a row above"
    ),
    ("timeline.csv", MadeUpRun.header + ",epoch\r\n0,1,2,3,4,5,6,0.5,7\r\n", ":1: the column epoch is there 2 times"),
    ("starts.jsonl", MadeUpRun.start.replacing("1234567", with: "-1"), ":1: parameters has"),
    ("starts.jsonl", MadeUpRun.start.replacing("60000", with: "60000.5"), ":1: a number has a value"),
    ("starts.jsonl", MadeUpRun.start.replacing("60000", with: "1e999"), ":1: the number 1e999 has a value"),
    ("starts.jsonl", MadeUpRun.start.replacing("\"threads\":2", with: "\"threads\":-2"), ":1: machine.threads has"),
    ("starts.jsonl", "\n{\"epoch\": 0\n", ":2: not JSON"),
    ("starts.jsonl", "\n{\"epoch\": 0}\n", ":2: there is no \"time\""),
    ("starts.jsonl", "{\"epoch\": 0\n{}\n{", ":1: not JSON"),
    ("summary.json", "{\"evaluation\": {\n\"count\": 1,\n", ":2: not JSON"),
    (
      "evaluations/a.json", MadeUpRun.record.replacing("\"count\": 250,\n", with: "\"count\": -7,\n"),
      ": count has a value that it can't have"
    ),
    (
      "evaluations/a.json", MadeUpRun.record.replacing("[0.745, 0.845]", with: "[5, -3]"),
      ": exact_match_ci95 has a value that it can't have"
    ),
    (
      "summary.json", "{\"evaluation\":\n{\(MadeUpRun.report.replacing("0.8,", with: "8,"))}}",
      ":12: evaluation.exact_match has"
    ),
    (
      "evaluations/a.json", MadeUpRun.record.replacing("\"count\": 250,\n", with: "\"count\": \"x\",\n"),
      ":17: count has"
    ),
    (
      "evaluations/a.json", MadeUpRun.record.replacing("812.4", with: "-7"),
      ": images_per_second has a value that it can't have"
    ),
    (
      "evaluations/a.json", MadeUpRun.record.replacing("\"data\": {\"count\": 250", with: "\"data\": {\"count\": -7"),
      ":3: data.count has a value that it can't have"
    ),
    ("evaluations/a.json", MadeUpRun.record.replacing("812.4", with: "1e999"), ":24: the number 1e999 has a value"),
    ("evaluations/a.json", MadeUpRun.record.replacing("\"recall\": 0.9,", with: "\"recall\": 0.9"), ":30: not JSON"),
    ("evaluations/a.json", MadeUpRun.record.replacing("[0.745, 0.845]", with: "[]"), ":21: exact_match_ci95 has"),
    ("evaluations/a.json", MadeUpRun.record.replacing("[0.745,", with: "[0.81,"), ":21: exact_match_ci95 has"),
    ("evaluations/a.json", MadeUpRun.record.replacing("0.84,", with: "0.79,"), ":20: exact_match_case_folded has"),
    (
      "evaluations/a.json", MadeUpRun.record.replacing("characters\": 64", with: "characters\": -1"),
      ":30: wrong_characters has"
    ),
    (
      "evaluations/a.json", MadeUpRun.record.replacing("0.88,", with: "0.79,"),
      ":22: exact_match_confusables_merged has"
    ),
    (
      "evaluations/a.json", MadeUpRun.record.replacing("characters\": 64", with: "characters\": 31"),
      ":13: confusions has"
    ),
    (
      "evaluations/a.json", MadeUpRun.record.replacing("\"1\": 40", with: "\"1\": 241"),
      ":18: errors_by_wrong_characters has"
    ),
  ])
  func damagedFilesAreNamedWithTheLine(_ file: String, _ content: String, _ message: String) throws {
    try runs().write(content, to: file)
    try runner.run("results", "runs/fast").expectError(1, "runs/fast/\(file):", message, ";")
  }

  // A pipe that is waited for would never end; the limit says where.
  @Test(.timeLimit(.minutes(2))) func whatIsNoFolderOrLeadsNowhereIsNamed() throws {
    try runs()
    let folder = runner.path("runs/fast/evaluations")
    try FileManager.default.createSymbolicLink(atPath: folder + "/gone.json", withDestinationPath: "nowhere.json")
    try runner.run("results", "runs/fast")
      .expectError(1, "runs/fast/evaluations/gone.json: can't be read as text (No such file or directory)")
    // A name that is no text.
    let name = Array((folder + "/a").utf8CString.dropLast()) + [CChar(bitPattern: 0xFF)] + Array(".json".utf8CString)
    try #require(close(open(name, O_CREAT | O_WRONLY, 0o600)) == 0)
    try FileManager.default.removeItem(atPath: folder + "/gone.json")
    try runner.run("results", "runs/fast").expectError(1, "can't be found by the name that its folder lists")
    try FileManager.default.removeItem(atPath: folder)
    // Nobody ever writes to it.
    try #require(mkfifo(folder, 0o600) == 0)
    try runner.run("results", "runs/fast").expectError(1, "runs/fast/evaluations: can't be read as a folder")
    try FileManager.default.removeItem(atPath: folder)
    try #require(mkfifo(runner.path("runs/fast/summary.json"), 0o600) == 0)
    try runner.run("results", "runs/fast")
      .expectError(1, "runs/fast/summary.json: can't be read as text (not a regular file)")
    try FileManager.default.removeItem(atPath: runner.path("runs/fast/summary.json"))
    try Data("{}".utf8).write(to: URL(fileURLWithPath: folder))
    try runner.run("results", "runs/fast")
      .expectError(1, "runs/fast/evaluations: can't be read as a folder of evaluations")
  }

  @Test func aRunThatIsGivenTwiceIsShownOnce() throws {
    try runs()
    let page = try runner.run("results", "runs/fast", "runs/../runs/fast/").output
    #expect(page.split(separator: "\n").count { $0 == "## Run fast" } == 1, "\(page)")
  }

  /// Two ways to compose é, which are equal as texts.
  @Test func runsOfEquivalentNamesAreTwo() throws {
    for name in ["caf\u{E9}", "cafe\u{301}"] { try MadeUpRun(runner, name).timeline(["0,1,2,3,4,5,6,0.5"]) }
    let page = try runner.run("results", "caf\u{E9}", "cafe\u{301}").output
    #expect(page.split(separator: "\n").count { $0.hasPrefix("## Run caf") } == 2, "\(page)")
  }

  @Test func anEmptyRecordIsSaidToBe() throws {
    let run = try runs()
    try run.timeline([])
    try run.write("", to: "starts.jsonl")
    let page = try runner.run("results", "runs/fast").output
    #expect(page.contains("- fast: starts.jsonl records nothing, so recipe, model"), "\(page)")
    #expect(page.contains("- fast: timeline.csv records nothing, so minutes, images"))
    try run.write("", to: "timeline.csv")
    #expect(try runner.run("results", "runs/fast").output == page)
  }

  @Test func whatHasNoNameOrNoTextIsRefused() throws {
    let run = try runs()
    let unnamed = try runner.run("results", "runs/fast", "")
    #expect(unnamed.code == 64 && unnamed.errors.contains("the name of a run is empty"))
    try Data([0x7B, 0x0A, 0xFF]).write(to: URL(fileURLWithPath: runner.path("runs/fast/summary.json")))
    try runner.run("results", "runs/fast")
      .expectError(1, "runs/fast/summary.json: can't be read as text (line 2 is not UTF-8 text)")
    // Empty but for its size, which is beyond the limit.
    try run.write("", to: "summary.json")
    try #require(truncate(runner.path("runs/fast/summary.json"), 2 << 30) == 0)
    try runner.run("results", "runs/fast").expectError(
      1, "runs/fast/summary.json: can't be read as text (the file has ")
    let long = String(repeating: "a", count: 300) + ".md"
    try runner.run("results", "runs/old", "--output", long).expectError(1, "--output: \(long) ", "File name too long")
  }

  @Test func aLinkStaysALink() throws {
    try runs()
    try FileManager.default.createDirectory(atPath: runner.path("docs"), withIntermediateDirectories: true)
    try runner.run("results", "runs/old", "--output", "docs/page.md")
    try FileManager.default.createSymbolicLink(atPath: runner.path("link.md"), withDestinationPath: "docs/page.md")
    #expect(try runner.run("results", "runs/fast", "--output", "link.md").code == 0)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: runner.path("link.md")) == "docs/page.md")
    let page = try runner.text("docs/page.md")
    #expect(page.contains("## Run fast") && page.contains("](page.svg)") && runner.exists("docs/page.svg"))
    // A picture is not put in the place of a page.
    try FileManager.default.createSymbolicLink(atPath: runner.path("a.svg"), withDestinationPath: "docs/page.md")
    try runner.run("results", "runs/fast", "--output", "a.md").expectError(1, "--output: a.svg is there already")
    #expect(try runner.text("docs/page.md") == page && !runner.exists("a.md"))
  }

  @Test func aPageIsReplacedAsItIs() throws {
    let run = try runs()
    try runner.run("results", "runs/fast", "--output", "page.md")
    let page = try runner.text("page.md")
    // As version control may check it out, and not for everybody to read.
    try Data(page.replacing("\n", with: "\r\n").utf8).write(to: URL(fileURLWithPath: runner.path("page.md")))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: runner.path("page.md"))
    let timeline = try runner.text("runs/fast/timeline.csv")
    try run.write("\u{FEFF}" + timeline, to: "timeline.csv")
    #expect(try runner.run("results", "runs/fast", "--output", "page.md").code == 0)
    #expect(try runner.text("page.md") == page)
    let attributes = try FileManager.default.attributesOfItem(atPath: runner.path("page.md"))
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    try runner.run("results", "runs/fast", "--output", "a\u{1B}b\nerror: c.txt")
      .expectError(64, "--output is a\\u{1B}b\\nerror: c.txt; give a file")
  }

  @Test func namesAreShownAsTheyAre() throws {
    try MadeUpRun(runner, "a*b\n<i>").timeline(["0,1,2,3,4,5,6,0.5"])
    let page = try runner.run("results", "a*b\n<i>").output
    #expect(page.contains("## Run a\\*b \\<i\\>\n"), "\(page)")
  }

  /// A key of the same name in an object beside the right one is another.
  @Test(arguments: [
    (["a", "c"], 2), (["b", "c"], 5), (["b", "d"], 4), (["b", "c", "d"], 6), (["e", "d"], 8), (["b", "c", "e"], 5),
  ])
  func theLineOfAKeyIsThatOfItsObject(_ path: [String], _ line: Int) {
    let text = """
      {
      "a": {},
      "z": [{"c": 1}, "b"],
      "b": {
      "c": {
      "d": 1}},
      "y": {"c": 1, "d": 2},
      "e": 1,
      "x": {"d": 1, "e": 2}
      }
      """
    let error = RecordedJSON(text: text, file: "f").error(ofValueAt: path)
    #expect("\(error)".hasPrefix("f:\(line): "), "\(error)")
  }
}
