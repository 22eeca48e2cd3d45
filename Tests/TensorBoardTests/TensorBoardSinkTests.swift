import Callbacks
import Data
import Foundation
import Tensor
import Testing

@testable import TensorBoard

@Suite struct TensorBoardSinkTests {
  let folder: EventFolder

  init() throws { folder = try EventFolder() }

  private func sink(_ configuration: String? = nil, at seconds: Double = 1000) -> TensorBoardSink {
    TensorBoardSink(
      folder.url.appendingPathComponent("tensorboard"), configuration: configuration,
      now: { Date(timeIntervalSince1970: seconds) })
  }

  @Test func aFileBeginsAsTensorBoardExpects() throws {
    try FakeTraining().run(sink())
    let events = try folder.events()
    #expect(events[0].fileVersion == "brain.Event:2")
    #expect(events[1].sessionLog.status == .start && events[1].step == 1)
    #expect(events.allSatisfy { $0.wallTime == 1000 })
    let name = try folder.files()[0].lastPathComponent
    #expect(name.hasPrefix("events.out.tfevents.0000001000."))
    #expect(name.hasSuffix(".\(ProcessInfo.processInfo.processIdentifier)"))
  }

  @Test func scalarsOfEpochs() throws {
    var training = FakeTraining()
    training.norms = ["conv1": 1.5, "dense": 0.25]
    try training.run(sink())
    let events = try folder.events()
    #expect(events.scalars("loss/loss") == [1: 1, 2: 0.5, 3: Float(1.0 / 3)])
    #expect(events.scalars("loss/val_loss") == [1: 2, 2: 1, 3: Float(2.0 / 3)])
    #expect(events.scalars("exact_match/val_exact_match") == [1: 0.5, 2: 0.5, 3: 0.5])
    #expect(events.scalars("training/learning_rate") == [1: 0.125, 2: 0.125, 3: 0.125])
    #expect(events.scalars("training/images_per_second") == [1: 96, 2: 96, 3: 96])
    #expect(events.scalars("training/seconds") == [1: 7, 2: 7, 3: 7])
    #expect(events.scalars("gradients/conv1") == [1: 1.5, 2: 1.5, 3: 1.5])
    #expect(events.scalars("gradients/dense") == [1: 0.25, 2: 0.25, 3: 0.25])
    #expect(TensorBoardSink.tag("val_score") == "score/val_score")
  }

  /// Everything of an epoch is in the file when the epoch is over: a crash and a live TensorBoard need no end.
  @Test func anEpochIsReadableAtOnce() throws {
    let (sink, training) = (sink(), FakeTraining())
    try training.begin(sink)
    for epoch in 0..<2 {
      try training.batches(epoch, 1...4, sink)
      try training.endEpoch(epoch, sink)
      let events = try folder.events()
      #expect(events.scalars("loss/val_loss").count == epoch + 1)
      #expect(events.steps("weights/dense/kernel").count == epoch + 1)
      #expect(try folder.events(in: "tensorboard/batches").steps("batch/loss").count == 4 * (epoch + 1))
    }
  }

  @Test func batchesAtABoundedFrequency() throws {
    var training = FakeTraining()
    (training.epochs, training.steps) = (2, 250)
    try training.run(sink())
    let events = try folder.events(in: "tensorboard/batches")
    let steps = Array(stride(from: 3, through: 249, by: 3)) + [250]
    #expect(events.steps("batch/loss") == steps + steps.map { $0 + 250 })
    #expect(events.scalars("batch/loss")[251 + 5] == 6)
    #expect(events.scalars("batch/learning_rate")[500] == 0.25)
    #expect(try folder.events().tags.isDisjoint(with: events.tags))
  }

  @Test func aLongTrainingHasFewerBatchesPerEpoch() throws {
    var training = FakeTraining()
    (training.epochs, training.steps) = (200, 50)
    try training.run(sink())
    let steps = try folder.events(in: "tensorboard/batches").steps("batch/loss")
    #expect(steps == Array(stride(from: 5, through: 10_000, by: 5)))
  }

  @Test func valuesThatAreNotFiniteAreWrittenAsTheyAre() throws {
    var training = FakeTraining()
    training.loss = { $0 == 0 ? .nan : $0 == 1 ? -.infinity : 1e300 }
    training.norms = ["dense": .nan]
    training.weights["spoilt"] = Tensor([.nan, 1, .infinity, 2] as [Float], shape: [4])
    try training.run(sink())
    let events = try folder.events()
    let losses = events.scalars("loss/loss")
    #expect(losses[1]?.isNaN == true && losses[2] == -.infinity && losses[3] == .infinity)
    #expect(events.scalars("gradients/dense")[1]?.isNaN == true)
    let histogram = try #require(events.values("weights/spoilt").first?.value.histo)
    #expect(histogram.num == 2 && histogram.min == 1 && histogram.max == 2 && histogram.sum == 3)
    #expect(events.scalars("weights/non_finite") == [1: 2, 2: 2, 3: 2])
  }

  @Test func histogramsOfAllWeights() throws {
    var training = FakeTraining()
    training.weights = [
      "dense/kernel": Tensor([-1, 0, 1, 2] as [Float], shape: [2, 2]), "empty": Tensor(zeros: [0]),
      "constant": Tensor(repeating: 0.5, shape: [7]), "one": Tensor([3] as [Float], shape: [1]),
    ]
    try training.run(sink())
    let events = try folder.events()
    func histogram(_ name: String) throws -> Tensorboard_HistogramProto {
      try #require(events.values("weights/\(name)").first).value.histo
    }
    let kernel = try histogram("dense/kernel")
    #expect(kernel.min == -1 && kernel.max == 2 && kernel.num == 4 && kernel.sum == 2 && kernel.sumSquares == 6)
    #expect(kernel.bucketLimit.count == 30 && kernel.bucket.count == 30 && kernel.bucketLimit.last == 2)
    #expect(kernel.bucket.reduce(0, +) == 4)
    for place in [0, 10, 20, 29] { #expect(kernel.bucket[place] == 1) }
    #expect(try histogram("empty").num == 0 && histogram("empty").bucket.isEmpty)
    #expect(try histogram("constant").bucket == [7] && histogram("constant").bucketLimit == [0.5])
    #expect(try histogram("one").bucket == [1] && histogram("one").min == 3 && histogram("one").max == 3)
    #expect(!events.tags.contains("weights/non_finite"))
  }

  @Test func detailsOfFewerAndFewerEpochsAndOfTheLast() throws {
    var training = FakeTraining()
    (training.epochs, training.steps) = (50, 1)
    training.misread = [misread("12", "13", 0.75, pixels: [0, 50, 100, 150, 200, 250])]
    try training.run(sink())
    let events = try folder.events()
    #expect(events.steps("weights/dense/kernel") == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 50])
    #expect(events.steps("misread/1") == [1, 2, 4, 8, 16, 32, 50])
    #expect(events.steps("misread/readings") == events.steps("misread/1"))
    #expect(events.steps("loss/loss") == Array(1...50))
  }

  // MARK: Images and texts

  private func misread(
    _ label: String, _ text: String, _ confidence: Double, name: String = "a.png", pixels: [UInt8]
  ) -> MisreadImage {
    MisreadImage(
      name: name, type: nil, reading: LabelledReading(label: label, text: text, confidence: confidence),
      picture: Tensor(pixels, shape: [2, 3, pixels.count / 6]))
  }

  @Test func misreadImages() throws {
    var training = FakeTraining()
    training.epochs = 1
    let color = (0..<18).map { UInt8($0 * 14) }
    training.misread = [misread("12", "13", 0.98765, pixels: color)]
    for number in 2...10 {
      training.misread.append(misread("4", "\(number)", 0.5, name: "\(number)", pixels: [0, 1, 2, 3, 4, 5]))
    }
    try training.run(sink())
    let events = try folder.events()
    #expect(events.tags.filter { $0.hasPrefix("misread/") }.count == 7)
    let first = try #require(events.values("misread/1").first).value.image
    #expect(first.width == 3 && first.height == 2 && first.colorspace == 3)
    #expect(try PNG.decode([UInt8](first.encodedImageString), named: "first").pixels == color)
    let second = try #require(events.values("misread/2").first).value.image
    #expect(second.colorspace == 1)
    #expect(try PNG.decode([UInt8](second.encodedImageString), named: "second").pixels == [0, 1, 2, 3, 4, 5])
    let lines = try #require(events.texts("misread/readings").first).split(separator: "\n")
    #expect(lines.count == 8)
    #expect(lines[0] == "| image | label | read | confidence | name |")
    #expect(lines[2] == "| 1 | 12 | 13 | 0.988 | a&#46;png |")
    #expect(lines[7] == "| 6 | 4 | 6 | 0.5 | 6 |")
    let text = try #require(events.values("misread/readings").first).value
    #expect(text.metadata.pluginData.pluginName == "text" && text.tensor.dtype == .dtString)
  }

  @Test func textsCannotBreakTheTable() throws {
    var training = FakeTraining()
    training.epochs = 1
    training.misread = [misread("a|b", "<b>*汉", 0, name: "x\ny", pixels: [0, 0, 0, 0, 0, 0])]
    try training.run(sink("key: |\n  a\n\nother: 1\n"))
    let events = try folder.events()
    #expect(
      events.texts("misread/readings").first?.split(separator: "\n").last
        == "| 1 | a&#124;b | &#60;b&#62;&#42;汉 | 0.0 | x&#10;y |")
    #expect(events.texts("configuration") == ["    key: |\n      a\n\n    other: 1\n"])
    #expect(events.steps("configuration") == [1])
  }

  @Test func nothingMisread() throws {
    try FakeTraining().run(sink())
    #expect(try folder.events().texts("misread/readings").first == "No image was read wrong.")
  }

  // MARK: Resuming and failures

  /// What TensorBoard shows: a start makes everything of its step and later ones void.
  private func shown(_ folderName: String, _ tag: String) throws -> [Int: Float] {
    var shown: [Int: Float] = [:]
    for event in try folder.files(folderName).flatMap({ try folder.events($0) }) {
      if event.sessionLog.status == .start { shown = shown.filter { $0.key < event.step } }
      shown.merge([event].scalars(tag)) { $1 }
    }
    return shown
  }

  /// Names are compared as texts: each is later than all before, also after 2038 and beside what is no time at all.
  @Test func namesRiseWhateverTheClockSays() throws {
    try FakeTraining().run(sink(at: 1500))
    let folderURL = try #require(try folder.files().first).deletingLastPathComponent()
    for odd in ["events.out.tfevents.9223372036854775807.x", "events.out.tfevents.-5.x", "events.out.tfevents.x"] {
      try Data().write(to: folderURL.appendingPathComponent(odd))
    }
    for time in [2_295_515_002, 1600, 3_000_000_000] as [TimeInterval] { try FakeTraining().run(sink(at: time)) }
    let names = try FileManager.default.contentsOfDirectory(atPath: folderURL.path).compactMap { name in
      name.split(separator: ".").dropFirst(3).first.flatMap { Int($0) }
    }
    #expect(names.sorted() == [-5, 1500, 2_295_515_002, 2_295_515_003, 3_000_000_000, .max])
  }

  /// Killed in epoch 4, resumed from the checkpoint of epoch 2, by a clock that has been put back.
  @Test func aResumedRunDropsWhatACrashLeftBehind() throws {
    var training = FakeTraining()
    training.epochs = 5
    let crashed = sink(at: 2000)
    try training.begin(crashed)
    for epoch in 0..<3 {
      try training.batches(epoch, 1...4, crashed)
      try training.endEpoch(epoch, crashed)
    }
    try training.batches(3, 1...2, crashed)
    training.initialEpoch = 2
    training.loss = { 10 / Double($0 + 1) }
    try training.run(sink(at: 1500))

    let files = try folder.files()
    #expect(files.count == 2)
    let events = try folder.events(files[1])
    #expect(events[1].sessionLog.status == .start && events[1].step == 3)
    #expect(events.steps("loss/loss") == [3, 4, 5])
    #expect(try shown("tensorboard", "loss/loss") == [1: 1, 2: 0.5, 3: Float(10.0 / 3), 4: 2.5, 5: 2])
    let batches = try folder.events(folder.files("tensorboard/batches")[1])
    #expect(batches[1].sessionLog.status == .start && batches[1].step == 9)
    #expect(try shown("tensorboard/batches", "batch/loss").count == 20)
  }

  /// Interrupted after the second batch of epoch 2, which then goes on with its third.
  @Test func anEpochThatGoesOnKeepsItsBatches() throws {
    var training = FakeTraining()
    training.epochs = 2
    let interrupted = sink()
    try training.begin(interrupted)
    try training.batches(0, 1...4, interrupted)
    try training.endEpoch(0, interrupted)
    try training.batches(1, 1...2, interrupted)
    try training.end(interrupted)
    training.initialEpoch = 1
    let resumed = sink()
    try training.begin(resumed)
    try training.batches(1, 3...4, resumed)
    try training.endEpoch(1, resumed)
    try training.end(resumed)
    #expect(
      try shown("tensorboard/batches", "batch/loss") == [1: 1, 2: 2, 3: 3, 4: 4, 5: 1, 6: 2, 7: 3, 8: 4])
    #expect(try shown("tensorboard", "loss/loss") == [1: 1, 2: 0.5])
  }

  @Test func aFolderThatCannotBeMadeIsNamed() throws {
    let file = folder.url.appendingPathComponent("tensorboard")
    try Foundation.Data("a file".utf8).write(to: file)
    let error = try #require(throws: EventSinkError.self) { try FakeTraining().run(sink()) }
    #expect(error.file == file.path)
    #expect(error.description.contains("can't be written") && error.description.contains("permissions"))
    // A training goes on without it.
    let list = EventSinkList([sink()])
    list.send(.trainBegan(FakeTraining().plan))
    #expect(try String(contentsOf: file, encoding: .utf8) == "a file")
  }
}
