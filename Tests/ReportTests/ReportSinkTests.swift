import Callbacks
import Data
import Foundation
import Testing

@testable import Report

@Suite struct ReportSinkTests {
  private static let sections = [
    "key-figures", "curves", "loss", "exact-match", "learning-rate", "epochs", "accuracy", "by-type", "by-length",
    "by-position", "confusions", "confusion-matrix", "frequent-confusions", "misread", "history", "configuration",
    "hardware",
  ]

  @Test func everySectionIsThere() throws {
    let file = try PageFile()
    try file.send(MadeUpTraining(), to: file.sink())
    let page = try file.text()
    for section in Self.sections { #expect(page.count(of: "id=\"\(section)\"") == 1, "\(section)") }
    #expect(page.contains("<pre><code>seed: 42\n</code></pre>"))
    #expect(page.contains("<dt>Processor</dt><dd><bdi>A fast one</bdi></dd>"))
    #expect(page.contains("Accuracy after epoch 20"))
    // SciPy 1.17: binomtest(384, 400).proportion_ci(method="wilson").
    #expect(page.contains("95 %: 93.60\u{A0}% to 97.52\u{A0}%, in epoch 20"))
    #expect(page.count(of: "<img ") == 6)
    // Four reductions that were not planned, none of those that were.
    #expect(page.count(of: "class=\"mark lowered\"") == 4)
    #expect(page.contains("reduce_lr_on_plateau lowered the rate from 0.001 to 0.0005"))
    #expect(!page.contains("planned_schedule"))
    #expect(page.count(of: "class=\"mark saved\"") == 20)
    #expect(page.count(of: "class=\"mark stopped\"") == 0)
  }

  @Test func thePageNeedsNothingFromElsewhere() throws {
    let file = try PageFile()
    try file.send(MadeUpTraining(), to: file.sink())
    let page = try file.text()
    #expect(page.replacing("http-equiv", with: "").count(of: "http") == 0)
    for reference in ["//", "url(", "@import", "<link", "<iframe", "href", "onload", "onclick", "javascript:"] {
      // Base 64 may hold two slashes.
      let rest = page.replacing(/data:image\/png;base64,[A-Za-z0-9+\/=]*/, with: "")
      #expect(!rest.contains(reference), "\(reference)")
    }
    #expect(page.count(of: "<script") == 1 && page.contains("<script type=\"application/json\""))
    #expect(page.replacing(/src="data:/, with: "").count(of: "src=") == 0)
  }

  @Test func thePageSaysHowTheTrainingIs() throws {
    let refresh = "http-equiv=\"refresh\""
    var training = MadeUpTraining()
    training.epochsDone = 5
    let running = try PageFile()
    try running.send(training, to: running.sink(), outcome: nil)
    #expect(try running.text().contains("Running: epoch 6/20"))
    // Fifteen epochs of 12.5 s.
    #expect(try running.text().contains("about 3\u{A0}min\u{A0}08\u{A0}s left"))
    #expect(try running.text().contains("<meta \(refresh) content=\"6\">"))
    #expect(try running.text().contains("Updated 2023-11-14 22:13:20 UTC."))
    let reason = StopReason.noImprovement(monitor: .valLoss, patience: 3, best: 0.25, bestEpoch: 1)
    let endings: [(TrainingOutcome, [String])] = [
      (.completed, ["Finished"]),
      (.stopped(reason), ["Stopped after 5 epochs", "no better val_loss for 3 epochs", "class=\"mark stopped\""]),
      (.stopped(.interrupted), ["Interrupted", "5 of 20 epochs done", "class=\"mark stopped\""]),
      (.failed("no <space> left"), ["Failed", "no &lt;space&gt; left", "class=\"mark stopped\""]),
    ]
    for (outcome, parts) in endings {
      let file = try PageFile()
      try file.send(training, to: file.sink(), outcome: outcome)
      for part in parts { #expect(try file.text().contains(part), "\(part)") }
      #expect(try !file.text().contains(refresh))
    }
  }

  @Test func hostileTextsStayTexts() throws {
    let hostile = "</script><script>alert(1)</script>\"'&\u{2028}\u{202E}שלום👾"
    let file = try PageFile()
    var training = MadeUpTraining()
    (training.type, training.characters) = (hostile, ["<", ">", "&", "\"", "'"])
    let sink = file.sink(title: hostile, configuration: hostile, facts: [(hostile, hostile)])
    try file.send(training, to: sink, outcome: nil)
    try sink.receive(.warning(hostile))
    try sink.receive(.message("src=\"data:image/png;base64,AAAA\""))
    try sink.receive(.updateSkipped(step: 3, reason: hostile))
    try sink.receive(.trainEnded(.failed(hostile), epochsRun: 20, seconds: 1))
    let page = try file.text()
    #expect(page.count(of: "<script") == 1 && page.count(of: "</script") == 1)
    #expect(page.count(of: "&lt;/script&gt;") > 8)
    // In the JSON the separator is written with a backslash.
    let json = page.components(separatedBy: "id=\"training-data\">")[1]
    #expect(!json.contains("\u{2028}") && json.contains("\\u2028"))
    let record = try file.record()
    #expect(record.notes.first { $0.kind == .warning }?.text == hostile)
    #expect(record.ending?.text == hostile)
    #expect(record.validation?.report.byType[hostile]?.count == 300)
    #expect(record.validation?.misread.map(\.picture).contains(nil) == false)
  }

  @Test func unusualTrainings() throws {
    var spoilt = MadeUpTraining()
    spoilt.spoiltEpochs = [3, 4, 7]
    let withNaN = try PageFile()
    try withNaN.send(spoilt, to: withNaN.sink())
    #expect(try withNaN.text().contains("Not a finite number and left out: validation in epochs 4–5, 8."))
    #expect(try withNaN.record().epochs[3].metrics["val_loss"]?.isNaN == true)

    var single = MadeUpTraining()
    (single.epochs, single.epochsDone) = (1, 1)
    let one = try PageFile()
    try one.send(single, to: one.sink())
    #expect(try one.text().count(of: "class=\"curve") == 0)
    #expect(try one.text().count(of: "class=\"point validation\"") == 2)

    var perfect = MadeUpTraining()
    perfect.misreadCount = 0
    let right = try PageFile()
    try right.send(perfect, to: right.sink())
    #expect(try right.text().contains("None: all 400 images were read right."))
    #expect(try right.text().contains("No character was taken for another."))

    // Before the first epoch is done.
    let empty = try PageFile()
    try empty.sink().receive(MadeUpTraining().plan())
    #expect(try empty.text().contains("The curves begin when the first epoch is done."))
  }

  @Test func aCallbackThatNeverStopsTalkingIsCutShort() throws {
    let file = try PageFile()
    let sink = file.sink()
    try sink.receive(MadeUpTraining().plan())
    for step in 0..<300 {
      try sink.receive(.updateSkipped(step: step, reason: "the loss is NaN"))
      for part in 0..<2 { try sink.receive(.message("step \(step).\(part)")) }
    }
    try sink.receive(.trainEnded(.completed, epochsRun: 0, seconds: 1))
    let record = try file.record()
    #expect(record.notes.count == 500 && record.omittedNotes == 101)
    #expect(record.notes[0] == TrainingRecord.Note(epoch: 0, kind: .skippedUpdate, text: "the loss is NaN", count: 300))
    #expect(try file.text().contains("300 updates left out: the loss is NaN"))
  }

  /// Two hundred epochs and as many pictures as a validation has, of noise, which PNG cannot make smaller.
  @Test func thePageStaysSmall() throws {
    var training = MadeUpTraining()
    (training.epochs, training.epochsDone, training.misreadCount) = (200, 200, 24)
    let file = try PageFile()
    let sink = file.sink()
    try sink.receive(training.plan())
    for epoch in 0..<200 {
      for event in training.events(ofEpoch: epoch) {
        // Only the last pictures are on the page.
        if epoch < 199, case .validationEnded = event { continue }
        try sink.receive(event)
      }
    }
    try sink.receive(.trainEnded(.completed, epochsRun: 200, seconds: 1))
    let size = try Data(contentsOf: file.url).count
    #expect(size < 1_500_000, "\(size)")
    #expect(try file.record().epochs.count == 200)
  }

  @Test func aPageThatCannotBeWrittenIsAnErrorThatNamesIt() throws {
    let file = try PageFile()
    let nowhere = file.folder.appendingPathComponent("missing/report.html")
    let sink = ReportSink(nowhere, title: "", configuration: "")
    let error = #expect(throws: EventSinkError.self) { try sink.receive(MadeUpTraining().plan()) }
    #expect(error?.file == nowhere.path)
  }

  @Test func picturesAreThoseThatWereMisread() throws {
    let file = try PageFile()
    try file.send(MadeUpTraining(), to: file.sink())
    let expected = MadeUpTraining().validation(19).misread
    let kept = try #require(try file.record().validation?.misread)
    for (misread, original) in zip(kept, expected) {
      let bytes = try #require(misread.picture.flatMap { Foundation.Data(base64Encoded: $0) })
      let image = try PNG.decode([UInt8](bytes), named: misread.name)
      #expect(image.pixels == original.picture.elements(of: UInt8.self))
      #expect((image.width, image.height) == (200, 60) && misread.name == original.name)
    }
  }
}
