import Foundation
import Synchronization
import Testing

@testable import Data

@Suite struct DatasetLoaderTests {
  /// A folder with images of the names.
  private func folder(_ names: [String], width: Int = 200, height: Int = 60) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (index, name) in names.enumerated() {
      let image = Image(width: width, height: height, color: [UInt8(index), 100, 200])
      try folder.write(PNG.encode(image), to: name)
    }
    return folder
  }

  private func loader(maximumRejectedShare: Double = 1) -> DatasetLoader {
    DatasetLoader(options: DatasetOptions(maximumRejectedShare: maximumRejectedShare))
  }

  @Test func readsTheOriginalSystemsImages() throws {
    let path = FixtureFiles.path("classic")
    let loaded = try DatasetLoader(options: DatasetOptions(maximumRejectedShare: 0)).load(path)
    #expect(loaded.labelSource == .manifest && loaded.rejected.isEmpty && loaded.unlisted.isEmpty)
    #expect(loaded.dataset.count == 8)
    #expect(loaded.imageSizes == ["200×60": 8])
    #expect(loaded.dataset.names == loaded.dataset.names.sorted())
    #expect(DatasetStatistics(loaded).types == ["digit": 2, "alpha": 2, "mixed": 2, "math": 2])
    for index in 0..<8 {
      let sample = loaded.dataset.samples[index]
      #expect(try loaded.dataset.image(at: index) == (ImageFile.read(path + "/" + sample.name, as: .rgb)))
      #expect(sample.label == FileNameParts(sample.name).label)
      #expect((sample.text == sample.label) == (sample.type != "math"))
    }
  }

  @Test func labelsComeFromFileNames() throws {
    let names = ["b2-ff.png", "A1_0f.PNG", "zz-9-1a.png"]
    let folder = try folder(names)
    try folder.write("no image", to: "notes.txt")
    try folder.write([1], to: ".hidden-1.png")
    try folder.write([1], to: "deeper/c3-1.png")
    let loaded = try loader().load(folder.path)
    #expect(loaded.labelSource == .fileNames)
    #expect(loaded.dataset.names == ["A1_0f.PNG", "b2-ff.png"] && loaded.dataset.labels == ["A1", "b2"])
    #expect(
      loaded.rejected == [
        Rejection(
          file: "zz-9-1a.png", reason: "label \"zz-9\": character \"-\" at position 3 is not in the charset")
      ])
  }

  @Test(arguments: [
    ("a1-ff.png", "a1"), ("a1_ff.png", "a1"), ("a_b-ff.png", "a_b"), ("-ff.png", nil), ("a1.png", nil),
    ("a1-.PNG", "a1"), ("a1-ff.jpeg", "a1"), ("a1_ff.GIF", "a1"),
  ])
  func labelOfAFileName(name: String, label: String?) {
    #expect(FileNameParts(name).label == label)
  }

  @Test func labelFile() throws {
    let folder = try folder(["1.png", "2.png", "sub/3.png", "4.png"])
    let text = "\u{FEFF}2.png\tb2\r\n\r\n./1.png\ta1\r\nsub/3.png\tc3\n1.png\tzz\nnothing\n../x.png\ta\n5.png\te5"
    try folder.write(text, to: "labels.txt")
    let loaded = try loader().load(folder.path)
    #expect(loaded.labelSource == .labelFile)
    #expect(loaded.dataset.names == ["1.png", "2.png", "sub/3.png"] && loaded.dataset.labels == ["a1", "b2", "c3"])
    #expect(loaded.unlisted == ["4.png"])
    #expect(
      loaded.rejected == [
        Rejection(file: "1.png", reason: "named again in labels.txt line 5, first in line 3"),
        Rejection(file: "labels.txt line 6", reason: "is not of the form file<TAB>label"),
        Rejection(file: "labels.txt line 7", reason: "\"../x.png\" is outside the folder"),
        Rejection(file: "5.png", reason: "listed but missing"),
      ])
  }

  @Test func theManifestComesFirstAndEveryFaultIsListed() throws {
    let folder = try folder(["good.png", "long.png", "outside.png", "blank.png", "twice.png"])
    try folder.write("hello", to: "text.png")
    try folder.write("good.png\twrong", to: "labels.txt")
    try folder.write(
      """
      {"file": "twice.png", "label": "t1"}
      {"file": "long.png", "label": "123456789"}
      {"file": "outside.png", "label": "a+b"}
      {"file": "blank.png", "label": ""}
      {"file": "missing.png", "label": "m1"}
      {"file": "text.png", "label": "x1"}
      {"file": "good.png", "type": "math", "text": "1+2=?", "label": "3", "style": "classic", "more": [1]}
      {"file": "twice.png", "label": "t2"}
      {"file": "nolabel.png"}
      {"file": "number.png", "label": 12}
      {"file": "null.png", "label": null}
      [1, 2]
      {"file": "cut
      """, to: "manifest.jsonl")
    let loaded = try loader().load(folder.path)
    #expect(loaded.labelSource == .manifest)
    #expect(
      loaded.dataset.samples == [
        Sample(name: "good.png", label: "3", type: "math", text: "1+2=?", style: "classic"),
        Sample(name: "twice.png", label: "t1"),
      ])
    let expected = [
      "twice.png: named again in manifest.jsonl line 8, first in line 1",
      "manifest.jsonl line 9: has no \"label\"",
      "manifest.jsonl line 10: \"label\" is not a string",
      "manifest.jsonl line 11: \"label\" is not a string",
      "manifest.jsonl line 12: is not a JSON object",
      "manifest.jsonl line 13: is not a JSON object",
      "blank.png: the label is empty",
      "long.png: label \"123456789\" has 9 characters, more than the maximum of 8",
      "outside.png: label \"a+b\": character \"+\" at position 2 is not in the charset",
      "missing.png: listed but missing",
      "text.png: not a PNG, JPEG, GIF or BMP image",
    ]
    #expect(loaded.rejected.map(\.description) == expected)
    let statistics = try loader(maximumRejectedShare: 0).inspect(folder.path)
    #expect(statistics == DatasetStatistics(loaded))
    #expect(statistics.count == 2 && statistics.lengths == [1: 1, 2: 1] && statistics.types == ["math": 1])
    #expect(statistics.characters == ["3": 1, "t": 1, "1": 1] && statistics.imageSizes == ["200×60": 2])
  }

  @Test func damagedImagesAreLeftOut() throws {
    let folder = try folder((0..<20).map { "a\($0)-1.png" })
    let bytes = try PNG.encode(Image(width: 200, height: 60, color: [1, 2, 3]))
    try folder.write(Array(bytes.dropLast(5)), to: "cut-1.png")
    try folder.write([UInt8](), to: "empty-1.png")
    let loaded = try loader(maximumRejectedShare: 0.1).load(folder.path)
    #expect(loaded.dataset.count == 20)
    #expect(
      loaded.rejected == [
        Rejection(file: "cut-1.png", reason: "damaged PNG image: the file ends early"),
        Rejection(file: "empty-1.png", reason: "the file is empty"),
      ])
    let names = loaded.dataset.names
    #expect(names == (0..<20).map { "a\($0)-1.png" }.sorted())
    for index in 0..<20 {
      #expect(try loaded.dataset.image(at: index) == (ImageFile.read(folder.file(names[index]))))
    }
    // 2 of 22 are more than 9 %.
    let error = #expect(throws: DatasetError.self) { try loader(maximumRejectedShare: 0.09).load(folder.path) }
    #expect(
      error
        == .tooManyRejected(path: folder.path, rejected: loaded.rejected, total: 22, maximumShare: 0.09))
  }

  @Test func theErrorShowsCountsAndTheFirstThree() throws {
    let folder = try folder(["a+-1.png", "b+-1.png", "c+-1.png", "d+-1.png", "ok-1.png"])
    let error = #expect(throws: DatasetError.self) { try DatasetLoader().load(folder.path) }
    let text = error?.description ?? ""
    #expect(
      text.hasPrefix("\(folder.path): 4 of 5 images are rejected, more than the allowed share of 0.05: a+-1.png ("))
    #expect(text.contains("c+-1.png") && !text.contains("d+-1.png") && text.contains("and 1 more"))
    #expect(!text.contains("\n"))
  }

  @Test func resizesAndConverts() throws {
    let folder = try TemporaryFolder()
    let source = try ImageFile.read(FixtureFiles.path("resize/noise-rgb.png"))
    try folder.write(PNG.encode(source), to: "noise-1.png")
    for (mode, name) in [(ColorMode.rgb, "rgb"), (.grayscale, "l")] {
      let options = DatasetOptions(width: 74, height: 46, colorMode: mode)
      let loaded = try DatasetLoader(options: options).load(folder.path)
      #expect(try loaded.dataset.image(at: 0) == (ImageFile.read(FixtureFiles.path("resize/noise-\(name)-74x46.png"))))
      #expect(loaded.imageSizes == ["37×23": 1])
    }
  }

  @Test func refusesFoldersWithoutImages() throws {
    let folder = try TemporaryFolder()
    let loader = loader()
    #expect(throws: DatasetError.noImages(path: folder.path)) { try loader.load(folder.path) }
    #expect(throws: DatasetError.missingFolder(path: folder.file("none"))) { try loader.load(folder.file("none")) }
    try folder.write("x", to: "file")
    #expect(throws: DatasetError.notAFolder(path: folder.file("file"))) { try loader.load(folder.file("file")) }
    try folder.write("\n \n", to: "manifest.jsonl")
    #expect(throws: DatasetError.emptyList(file: folder.file("manifest.jsonl"))) { try loader.load(folder.path) }
    try folder.write("", to: "labels.txt")
    try FileManager.default.removeItem(atPath: folder.file("manifest.jsonl"))
    #expect(throws: DatasetError.emptyList(file: folder.file("labels.txt"))) { try loader.load(folder.path) }
    try FileManager.default.removeItem(atPath: folder.file("labels.txt"))
    try FileManager.default.createDirectory(
      atPath: folder.file("manifest.jsonl"), withIntermediateDirectories: true)
    #expect(throws: DatasetError.self) { try loader.load(folder.path) }
  }

  @Test func everyErrorIsOneLineWithARemedy() {
    let rejection = Rejection(file: "a.png", reason: "the file is empty")
    let errors: [DatasetError] = [
      .missingFolder(path: "d"), .notAFolder(path: "d"), .unreadableFolder(path: "d", reason: "r"),
      .noImages(path: "d"),
      .unreadableList(file: "d/labels.txt", reason: "r"), .emptyList(file: "d/labels.txt"),
      .tooManyRejected(path: "d", rejected: [rejection], total: 3, maximumShare: 0.05), .outOfMemory(bytes: 5),
      .invalidFraction(2), .emptySplit(training: 0, validation: 1, fraction: 0.2),
    ]
    for error in errors {
      #expect(error.description.contains("; ") && !error.description.contains("\n"))
      #expect(error.localizedDescription == error.description)
    }
  }

  @Test func reportsProgress() throws {
    let folder = try folder((0..<12).map { "a\($0)-1.png" })
    let calls = Mutex<[[Int]]>([])
    let progress: ProgressHandler = { done, total in calls.withLock { $0.append([done, total]) } }
    _ = try loader().load(folder.path, progress: progress)
    _ = try loader().inspect(folder.path, progress: progress)
    #expect(calls.withLock { $0 } == (Array(1...12) + Array(1...12)).map { [$0, 12] })
  }
}
