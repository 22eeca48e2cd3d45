import Foundation
import Synchronization
import Tensor
import Testing

@testable import Data

@Suite struct DatasetCheckerTests {
  typealias Kind = DatasetFinding.Kind

  /// A small picture that differs from those of other numbers.
  static func picture(_ number: Int, width: Int = 24, height: Int = 10, channels: Int = 3) -> Image {
    var random = RandomStream(seed: 5).stream("picture", number)
    return Image(width: width, height: height, channels: channels) { pixels in
      for index in pixels.indices { pixels[index] = UInt8(random.integer(in: 0...255)) }
    }
  }

  /// A folder with a picture of its own in each of `names`.
  private func folder(_ names: [String]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (number, name) in names.enumerated() { try folder.write(PNG.encode(Self.picture(number)), to: name) }
    return folder
  }

  private func check(
    _ folder: TemporaryFolder, validation: TemporaryFolder? = nil, codec: LabelCodec? = LabelCodec(),
    expectsWholeCharset: Bool = false
  ) throws -> DatasetCheckReport {
    let options = DatasetCheckOptions(codec: codec, expectsWholeCharset: expectsWholeCharset)
    let report = try DatasetChecker(options: options).check(folder.path, validation: validation?.path)
    // What it counts is what loading counts.
    #expect(try report.statistics == DatasetLoader(options: DatasetOptions(codec: codec)).inspect(folder.path))
    return report
  }

  /// The files of the findings of one kind.
  private func files(_ report: DatasetCheckReport, _ kind: Kind) -> [[String]] {
    report.findings.filter { $0.kind == kind }.map(\.files)
  }

  /// Everything but hints about what is missing, which small folders always earn.
  private func kinds(_ report: DatasetCheckReport) -> [Kind] {
    report.findings.map(\.kind).filter { $0 != .absentCharacters && $0 != .rareType }
  }

  @Test func nothingIsWrongWithDrawnImages() throws {
    let folder = try TemporaryFolder()
    let directory = URL(fileURLWithPath: folder.path)
    for mathLabel in MathLabel.allCases {
      let path = directory.appendingPathComponent(mathLabel.rawValue)
      try CaptchaGenerator(configuration: GeneratorConfiguration(mathLabel: mathLabel))
        .write(count: 40, seed: 3, to: path)
      let report = try DatasetChecker(options: DatasetCheckOptions(codec: nil)).check(path.path)
      #expect(report.findings.isEmpty, "\(report.findings)")
      #expect(report.statistics.count == 40)
    }
  }

  @Test func theOriginalSystemsImagesAreClean() throws {
    #expect(try kinds(DatasetChecker().check(FixtureFiles.path("classic"))).isEmpty)
  }

  @Test func labelsAndLinesThatCannotBeUsed() throws {
    let folder = try folder(["good.png", "long.png", "outside.png", "blank.png", "space.png", "twice.png", "spare.png"])
    try folder.write("hello", to: "text.png")
    try folder.write([], to: "empty.png")
    try folder.write(
      """
      {"file": "twice.png", "label": "t1"}
      {"file": "long.png", "label": "123456789"}
      {"file": "outside.png", "label": "a+b"}
      {"file": "blank.png", "label": ""}
      {"file": "space.png", "label": "ab "}
      {"file": "missing.png", "label": "m1"}
      {"file": "text.png", "label": "x1"}
      {"file": "empty.png", "label": "x2"}
      {"file": "good.png", "label": "3"}
      {"file": "twice.png", "label": "t2"}
      {"file": "cut
      """, to: "manifest.jsonl")
    let report = try check(folder)
    let expected: [(Kind, String)] = [
      (.invalidListEntry, "manifest.jsonl line 11"), (.listedTwice, "twice.png"), (.missingFile, "missing.png"),
      (.emptyLabel, "blank.png"), (.labelWhitespace, "space.png"), (.labelTooLong, "long.png"),
      (.labelOutsideCharset, "outside.png"), (.unreadableImage, "empty.png"), (.unreadableImage, "text.png"),
      (.unlistedFile, "spare.png"),
    ]
    #expect(kinds(report) == expected.map(\.0))
    for (kind, file) in expected { #expect(files(report, kind).contains([file]), "\(kind)") }
    let errors = report.findings.filter { $0.severity == .error }
    // All but the last are errors, one for each rejection.
    #expect(errors.count == expected.count - 1 && errors.count == report.statistics.rejected.count)
    #expect(report.count(.error) == 9 && report.counts[.unreadableImage] == 2)
    // Without a codec every label will do, but white space at its end is still worth a word.
    let lenient = try check(folder, codec: nil)
    #expect(lenient.findings.first { $0.kind == .labelWhitespace }?.severity == .warning)
    #expect(lenient.counts[.labelOutsideCharset] == nil && lenient.counts[.emptyLabel] == nil)
  }

  @Test func filesWithoutLabels() throws {
    let report = try check(folder(["a-1.png", "picture.png"]))
    #expect(files(report, .noLabel) == [["picture.png"]] && kinds(report) == [.noLabel])
  }

  @Test func duplicatesAndContradictions() throws {
    let folder = try TemporaryFolder()
    // The same bytes.
    for name in ["a-1.png", "a-2.png"] { try folder.write(PNG.encode(Self.picture(0)), to: name) }
    // The same picture under different bytes.
    try folder.write(PNG.encode(Self.picture(1), compressionLevel: 0), to: "b-1.png")
    try folder.write(PNG.encode(Self.picture(1)), to: "b-2.png")
    // A gray picture in one channel and in three.
    try folder.write(PNG.encode(Self.picture(2, channels: 1)), to: "c-1.png")
    try folder.write(PNG.encode(Self.picture(2, channels: 1).rgb()), to: "c-2.png")
    // Other labels for the same picture.
    for name in ["d-1.png", "d-2.png", "e-1.png"] { try folder.write(PNG.encode(Self.picture(3)), to: name) }
    for name in ["f-1.png", "F-1.png"] { try folder.write(PNG.encode(Self.picture(4)), to: name) }
    // The same values in another shape are another picture.
    let values = Self.picture(5).pixels
    try folder.write(PNG.encode(Image(width: 24, height: 10, channels: 3, pixels: values)), to: "g-1.png")
    try folder.write(PNG.encode(Image(width: 10, height: 24, channels: 3, pixels: values)), to: "g-2.png")
    let report = try check(folder)
    #expect(files(report, .duplicateFile) == [["a-1.png", "a-2.png"]])
    #expect(files(report, .duplicatePicture) == [["b-1.png", "b-2.png"], ["c-1.png", "c-2.png"]])
    #expect(files(report, .contradictoryLabel) == [["d-1.png", "d-2.png", "e-1.png"]])
    #expect(files(report, .labelCaseConflict) == [["F-1.png", "f-1.png"]])
    #expect(report.count(.error) == 1)
    #expect(report.findings[0].detail == "the same picture with the labels \"d\", \"e\"")
  }

  @Test func equalPicturesAsByBruteForce() throws {
    let folder = try TemporaryFolder()
    var random = RandomStream(seed: 11)
    var pictures: [String: Image] = [:]
    for number in 0..<90 {
      let label = ["a", "b", "B"][random.integer(in: 0...9) / 4 % 3]
      let gray = Self.picture(random.integer(in: 0...39), width: 6, height: 3, channels: 1)
      let image = random.integer(in: 0...1) == 0 ? gray : gray.rgb()
      let name = "\(label)-\(String(number + 100)).png"
      pictures[name] = image.rgb()
      try folder.write(PNG.encode(image, compressionLevel: random.integer(in: 0...1) * 6), to: name)
    }
    let report = try check(folder)

    // Every image against every other.
    let names = pictures.keys.sorted()
    var groups: [[String]] = []
    for name in names {
      if let group = groups.firstIndex(where: { pictures[$0[0]] == pictures[name] }) {
        groups[group].append(name)
      } else {
        groups.append([name])
      }
    }
    var expected: [Kind: Set<[String]>] = [:]
    for group in groups where group.count > 1 {
      let labels = Set(group.map { String($0.prefix(1)) })
      if labels.count > 1 {
        expected[labels == ["b", "B"] ? .labelCaseConflict : .contradictoryLabel, default: []].insert(group)
        continue
      }
      let byContent = try Dictionary(grouping: group) { name in
        try Foundation.Data(contentsOf: URL(fileURLWithPath: folder.file(name)))
      }
      for same in byContent.values where same.count > 1 { expected[.duplicateFile, default: []].insert(same.sorted()) }
      if byContent.count > 1 { expected[.duplicatePicture, default: []].insert(group) }
    }
    for kind in [Kind.duplicateFile, .duplicatePicture, .contradictoryLabel, .labelCaseConflict] {
      #expect(expected[kind]?.isEmpty == false, "the set has no \(kind)")
      let found = files(report, kind)
      #expect(Set(found) == expected[kind, default: []] && found.count == Set(found).count, "\(kind)")
      #expect(found == found.sorted { $0.lexicographicallyPrecedes($1) })
    }
  }

  @Test func equalHashesAloneAreNoEquality() {
    let groups = EqualGroups.candidates([7, 3, 7, 9, 3, 7])
    #expect(groups == [[1, 4], [0, 2, 5]])
    // All have one hash, and are equal by their remainder.
    #expect(
      EqualGroups.verified(Array(0..<7), content: { $0 == 4 ? nil : $0 % 3 }, areEqual: ==) == [[0, 3, 6], [2, 5]])
  }

  @Test func namesAgainstLabels() throws {
    let names = (0..<6).map { "a\($0)-60c6d1d9f26ae64b.png" }
    let folder = try folder(names + ["photo-20240115.png", "a-b.png"])
    let lines = zip(names, ["a0", "a1", "zz", "a3", "a4", "a5"]).map { "\($0)\t\($1)" }
    // A date is no hash, nor is a letter.
    try folder.write((lines + ["photo-20240115.png\tx", "a-b.png\ty"]).joined(separator: "\n"), to: "labels.txt")
    let report = try check(folder)
    #expect(kinds(report) == [.labelNameMismatch] && files(report, .labelNameMismatch) == [[names[2]]])
    #expect(report.findings.last { $0.kind == .labelNameMismatch }?.detail == "label \"zz\", in the name \"a2\"")
    // Where most names disagree, they are not meant to hold labels.
    let others = zip(names, 0...).map { "\($0)\tb\($1)" }
    try folder.write((others + ["photo-20240115.png\tx", "a-b.png\ty"]).joined(separator: "\n"), to: "labels.txt")
    #expect(try kinds(check(folder)).isEmpty)
  }

  @Test func digestsInNames() throws {
    let folder = try TemporaryFolder()
    for number in 0..<5 {
      let bytes = try PNG.encode(Self.picture(number))
      try folder.write(bytes, to: "a\(number)-\(MD5.hexDigest(bytes)).png")
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(try kinds(check(folder)).isEmpty)
    try folder.write(PNG.encode(Self.picture(77)), to: names[3])
    #expect(try files(check(folder), .changedFile) == [[names[3]]])
    // Where no name has the content's digest, they hold something else.
    for (number, name) in names.enumerated() { try folder.write(PNG.encode(Self.picture(number + 80)), to: name) }
    #expect(try kinds(check(folder)).isEmpty)
  }

  @Test func labelsAgainstTexts() throws {
    let folder = try folder((0..<9).map { "\($0).png" })
    try folder.write(
      """
      {"file": "0.png", "label": "22", "type": "math", "text": "19+3=?"}
      {"file": "1.png", "label": "21", "type": "math", "text": "19+3=?"}
      {"file": "2.png", "label": "19+3=?", "type": "math", "text": "19+3=?"}
      {"file": "3.png", "label": "ab1", "type": "mixed", "text": "AB1"}
      {"file": "4.png", "label": "ab1", "type": "mixed", "text": "ab2"}
      {"file": "5.png", "label": "7", "text": "10 - 3"}
      {"file": "6.png", "label": "8", "text": "10 - 3"}
      {"file": "7.png", "label": "5", "type": "math", "text": "what is 2 and 3"}
      {"file": "8.png", "label": "6", "type": "math", "text": "2×4="}
      """, to: "manifest.jsonl")
    let report = try check(folder, codec: nil)
    #expect(files(report, .wrongAnswer) == [["1.png"], ["6.png"], ["8.png"]])
    #expect(files(report, .labelTextMismatch) == [["4.png"]])
    #expect(kinds(report).count == 4 && report.count(.error) == 3)
  }

  @Test(arguments: [
    ("19+3=?", 22), ("3-10", -7), ("6*7=", 42), ("6x7", 42), ("6 × 7 = ?", 42), ("8/4", 2), ("9÷3=?", 3), ("8/3", nil),
    ("8/0", nil), ("12", nil), ("", nil), ("a+b", nil), ("1+", nil), ("+1", nil), ("1+2+3", nil), ("1+2=3", nil),
    ("9223372036854775807+1", nil), ("99999999999999999999+1", nil),
  ])
  func answers(text: String, answer: Int?) {
    #expect(ArithmeticText(text).answer == answer)
  }

  @Test func unusualPictures() throws {
    let folder = try folder((0..<20).map { "a\($0)-1.png" })
    try folder.write(PNG.encode(Self.picture(50, width: 30)), to: "wide-1.png")
    try folder.write(PNG.encode(Image(width: 24, height: 10, color: [9, 99, 199])), to: "plain-1.png")
    var almost = Image(width: 24, height: 10, color: [9, 99, 199])
    almost.pixels[719] = 198
    try folder.write(PNG.encode(almost), to: "almost-1.png")
    try folder.write([0xFF, 0xD8, 0xFF, 0xE0, 0, 16], to: "photo-1.png")
    let report = try check(folder)
    #expect(files(report, .unusualSize) == [["wide-1.png"]])
    #expect(report.findings.contains { $0.detail == "30×10, where 22 of 23 images are 24×10" })
    #expect(files(report, .uniformPicture) == [["plain-1.png"]])
    #expect(files(report, .wrongExtension) == [["photo-1.png"]])
    #expect(report.findings.first { $0.kind == .wrongExtension }?.severity == .error)
    // A PNG image under another name can be used.
    try folder.write(PNG.encode(Self.picture(60)), to: "b.jpg")
    try folder.write("b.jpg\tb\na0-1.png\ta\n", to: "labels.txt")
    let listed = try check(folder).findings.first { $0.kind == .wrongExtension }
    #expect(listed?.files == ["b.jpg"] && listed?.severity == .warning)
    #expect(listed?.detail == "the content is a PNG image")
    // Where no size prevails none is unusual.
    try folder.write(PNG.encode(Self.picture(61, width: 25)), to: "a0-1.png")
    #expect(try check(folder).counts[.unusualSize] == nil)
  }

  @Test func gaps() throws {
    let names = (0..<30).map { "\($0).png" }
    let folder = try folder(names)
    // 25, 4 and 1: the mean is 10, and 1 is a tenth of it.
    let types = [String](repeating: "digit", count: 25) + ["old", "old", "old", "old", "rare"]
    let lines = zip(names, types).map { "{\"file\": \"\($0)\", \"label\": \"012345678\", \"type\": \"\($1)\"}" }
    try folder.write(lines.joined(separator: "\n"), to: "manifest.jsonl")
    let codec = try LabelCodec(charset: .alphanumeric, maximumLength: 9)
    let report = try check(folder, codec: codec)
    let found = report.findings.map { [$0.kind.rawValue, $0.detail] }
    #expect(
      found.contains(["absent_characters", "1 of 10 characters are in no label: 9"]))
    #expect(found.filter { $0[0] == "rare_type" }.isEmpty)
    let whole = try check(folder, codec: codec, expectsWholeCharset: true)
    #expect(whole.findings.contains { $0.detail.hasPrefix("53 of 62 characters are in no label: 9abc") })
    try folder.write(
      lines.map { $0.replacingOccurrences(of: "\"old\"", with: "\"digit\"") }.joined(separator: "\n"),
      to: "manifest.jsonl")
    // 29 and 1: the mean is 15, and 1 is less than 1.5.
    #expect(
      try check(folder, codec: codec).findings.contains {
        $0.kind == .rareType && $0.detail == "type \"rare\" has 1 of 30 images, where the mean of the types is 15"
      })
  }

  @Test func leakage() throws {
    let training = try folder(["a-1.png", "b-2.png", "c-3.png"])
    let validation = try TemporaryFolder()
    try validation.write(PNG.encode(Self.picture(0), compressionLevel: 1), to: "a-9.png")
    try validation.write(PNG.encode(Self.picture(1)), to: "b-2.png")
    try validation.write(PNG.encode(Self.picture(1)), to: "x-5.png")
    try validation.write(PNG.encode(Self.picture(33)), to: "c-3.png")
    try validation.write(PNG.encode(Self.picture(34)), to: "d-4.png")
    let report = try check(training, validation: validation)
    #expect(
      files(report, .leakedPicture) == [
        ["a-1.png", validation.file("a-9.png")], ["b-2.png", validation.file("b-2.png")],
        ["b-2.png", validation.file("x-5.png")],
      ])
    #expect(report.findings[2].detail == "the same picture in both folders, with the labels \"b\", \"x\"")
    // Equal pictures there are that folder's own matter.
    #expect(files(report, .leakedName) == [["c-3.png", validation.file("c-3.png")]] && kinds(report).count == 4)
    #expect(report.count(.error) == 3)
  }

  /// Finds images whose first value is below 128.
  private struct DarkAuditor: DatasetAuditor {
    let preparation: @Sendable (Image) -> Image? = { $0.width == 24 ? $0.grayscale() : nil }
    func audit(_ images: [(sample: Sample, image: Image)]) -> [DatasetFinding] {
      images.filter { $0.image.pixels[0] < 128 }.map {
        DatasetFinding(
          .likelyWrongLabel, files: [$0.sample.name], detail: "dark", label: $0.sample.label, read: "dark",
          confidence: Double($0.image.pixels[0]) / 255)
      }
    }
  }

  @Test func anAuditorSeesEveryImageOnce() throws {
    // More than are decoded at once.
    let folder = try folder((0..<600).map { "a\($0)-1.png" })
    try folder.write(PNG.encode(Image(width: 5, height: 5, color: [0])), to: "other-1.png")
    let calls = Mutex<[[Int]]>([])
    let report = try DatasetChecker().check(folder.path, auditor: DarkAuditor()) { stage, done, total in
      if stage == .reading { calls.withLock { $0.append([done, total]) } }
    }
    let dark = (0..<600).filter { Self.picture($0).grayscale().pixels[0] < 128 }.map { "a\($0)-1.png" }
    let found = report.findings.filter { $0.kind == .likelyWrongLabel }
    #expect(found.flatMap(\.files).sorted() == dark.sorted() && found.count == dark.count)
    let confidences = found.compactMap(\.confidence)
    #expect(confidences == confidences.sorted(by: >))
    #expect(calls.withLock { $0 } == (1...601).map { [$0, 601] })
  }

  @Test func foldersThatAreNotThere() throws {
    let folder = try folder(["a-1.png"])
    #expect(throws: DatasetError.missingFolder(path: folder.file("x"))) {
      try DatasetChecker().check(folder.path, validation: folder.file("x"))
    }
    #expect(throws: DatasetError.missingFolder(path: folder.file("x"))) { try DatasetChecker().check(folder.file("x")) }
  }

  @Test func kindsAreNamedAsScriptsKnowThem() {
    for kind in Kind.allCases {
      #expect(kind.rawValue.allSatisfy { $0.isLowercase || $0 == "_" } && !kind.remedy.isEmpty)
    }
    #expect(Set(Kind.allCases.map(\.rawValue)).count == 28)
  }
}
