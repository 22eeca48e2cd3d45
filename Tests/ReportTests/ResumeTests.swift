import Callbacks
import Foundation
import Testing

@testable import Report

@Suite struct ResumeTests {
  private var cut: MadeUpTraining {
    var training = MadeUpTraining()
    training.epochsDone = 12
    training.spoiltEpochs = [2]
    return training
  }

  /// Killed after epoch 12, resumed from the state after epoch 10.
  @Test func aResumedRunShowsTheEarlierEpochs() throws {
    let (file, uninterrupted) = (try PageFile(), try PageFile())
    try file.send(cut, to: file.sink(), outcome: nil)
    var whole = cut
    whole.epochsDone = 20
    try uninterrupted.send(whole, to: uninterrupted.sink())
    try file.send(whole, to: file.sink(), from: 10)
    var (resumed, expected) = (try file.record(), try uninterrupted.record())
    #expect(resumed.epochs.map(\.epoch) == Array(0..<20))
    #expect(resumed.epochs[2].metrics["val_loss"]?.isNaN == true)
    #expect(resumed.loweredRates == expected.loweredRates)
    #expect(resumed.savedModels.map(\.phrase) == expected.savedModels.map(\.phrase))
    #expect(resumed.notes == [TrainingRecord.Note(epoch: 10, kind: .resumed, text: "the training went on from here")])
    // A NaN is not equal to itself.
    resumed.epochs[2].metrics["val_loss"] = 0
    expected.epochs[2].metrics["val_loss"] = 0
    #expect(resumed.epochs == expected.epochs)
    #expect(resumed.validation == expected.validation)
    #expect(try !file.text().contains("class=\"notice\""))
  }

  /// Until the first epoch of the resumed run is done, the page shows what the earlier run found.
  @Test func whatWasLastValidatedStaysUntilTheNextValidation() throws {
    let file = try PageFile()
    try file.send(cut, to: file.sink(), outcome: .stopped(.interrupted))
    let earlier = try file.record()
    try file.sink().receive(cut.plan(from: 12))
    let page = try file.text()
    #expect(page.contains("Accuracy after epoch 12") && page.contains("Running: epoch 13/20"))
    #expect(page.count(of: "<img ") == 6)
    #expect(try file.record().validation == earlier.validation)
    // Not what belongs to an epoch that is trained once more.
    try file.sink().receive(cut.plan(from: 11))
    #expect(try !file.text().contains("Accuracy after"))
  }

  @Test func aNewRunBeginsAnew() throws {
    let file = try PageFile()
    try file.send(cut, to: file.sink())
    try file.sink().receive(cut.plan())
    #expect(try file.record().epochs.isEmpty)
  }

  @Test func aMissingOrDamagedPageDoesNotStopTheTraining() throws {
    let whole = try PageFile()
    try whole.send(cut, to: whole.sink())
    let page = try Data(contentsOf: whole.url)
    let text = String(decoding: page, as: UTF8.self)
    let start = try #require(page.range(of: Data("\"training-data\">".utf8))?.upperBound)
    let damaged: [Data?] = [
      nil, Data(), Data("<html></html>".utf8), page[..<(start + 100)],
      page[..<start] + Data("{}</script>".utf8), page[..<start] + Data("[1, \"</script>".utf8),
      Data(text.replacing("\"format\":1", with: "\"format\":99").utf8),
      // A matrix that is not square, and an epoch that cannot be.
      Data(text.replacing("\"counts\":[[100,", with: "\"counts\":[[").utf8),
      Data(text.replacing("\"epoch\":3,", with: "\"epoch\":\(Int.max),").utf8),
      Data(text.replacing("\"epoch\":3,", with: "\"epoch\":-3,").utf8),
      Data((0..<4096).map { UInt8(truncatingIfNeeded: $0 * 31) }),
    ]
    for (index, bytes) in damaged.enumerated() {
      let file = try PageFile()
      try bytes?.write(to: file.url)
      var rest = cut
      rest.epochsDone = 20
      try file.send(rest, to: file.sink(), from: 10)
      #expect(try file.record().epochs.map(\.epoch) == Array(10..<20), "\(index)")
      let page = try file.text()
      #expect(page.contains("class=\"notice\"") && page.contains("lacks epochs 1–10"), "\(index)")
    }
  }

  /// The sink of the first run failed after epoch 5, so that the page lacks epochs that were trained.
  @Test func epochsThatTheEarlierPageLacksAreNamed() throws {
    let file = try PageFile()
    var short = cut
    short.epochsDone = 5
    try file.send(short, to: file.sink(), outcome: nil)
    try file.send(cut, to: file.sink(), from: 8)
    #expect(try file.text().contains("The earlier page does not have epochs 6–8."))
    #expect(try file.record().epochs.map(\.epoch) == [0, 1, 2, 3, 4, 8, 9, 10, 11])
  }
}
