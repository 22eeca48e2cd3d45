import Foundation
import Testing

@testable import Callbacks

/// `timeline.csv` over interruptions, crashes and older runs, with a clock that the test moves.
@Suite final class TimelineSinkTests {
  private let url = FileManager.default.temporaryDirectory.appendingPathComponent("timeline-\(UUID().uuidString)")
  private var time = ContinuousClock.now

  deinit { try? FileManager.default.removeItem(at: url) }

  private var rows: [String] {
    get throws { try String(contentsOf: url, encoding: .utf8).components(separatedBy: "\r\n").dropLast() }
  }

  private let header = "epoch,step,images,training_seconds,validation_seconds,loss,val_loss,val_exact_match"

  /// A sink that has been told of the beginning: three batches of at most four images for ten.
  private func begin(epoch: Int = 0, step: Int = 0) throws -> TimelineSink {
    let sink = TimelineSink(url, now: { self.time })
    try sink.receive(
      .trainBegan(
        TrainingPlan(
          epochs: 4, initialEpoch: epoch, initialStep: step, stepsPerEpoch: 3, trainingSamples: 10,
          validationSamples: 5, learningRate: 0.1, metrics: [.loss, .valLoss])))
    return sink
  }

  private func train(_ sink: TimelineSink, epoch: Int, batches: ClosedRange<Int>, secondsEach: Double = 2) throws {
    try sink.receive(.epochBegan(epoch: epoch, of: 4, learningRate: 0.1))
    for batch in batches {
      time += .seconds(secondsEach)
      try sink.receive(
        .batchEnded(
          BatchProgress(
            epoch: epoch, epochs: 4, step: batch, steps: 3, images: min(10, 4 * batch), logs: [.loss: 0.5],
            learningRate: 0.1, imagesPerSecond: 1, remainingSeconds: 0)))
    }
  }

  /// A validation of `seconds`, and callbacks that take one more.
  private func end(_ sink: TimelineSink, epoch: Int, seconds: Double = 5, exactMatch: Double = 0.25) throws {
    time += .seconds(seconds)
    let report = EvaluationReport(
      count: 5, inexpressible: 0, loss: 1, exactMatch: exactMatch, exactMatchInterval: [0, 1], characterAccuracy: 0.5,
      binaryAccuracy: 0.5, precision: 0.5, recall: 0.5, byType: [:], byLength: [:], perPosition: [], confusions: [],
      imagesPerSecond: 5 / seconds, examples: [])
    let logs: Logs = [.valLoss: 1, .valExactMatch: exactMatch]
    try sink.receive(
      .validationEnded(
        ValidationSummary(
          epoch: epoch, logs: logs, report: report,
          confusionMatrix: ConfusionMatrix(characters: [], counts: []), misread: [])))
    time += .seconds(1)
    var all: Logs = [.loss: 0.5]
    all.merge(logs)
    try sink.receive(
      .epochEnded(
        EpochSummary(epoch: epoch, epochs: 4, logs: all, learningRate: 0.1, seconds: 12, imagesPerSecond: 1)))
  }

  private func stop(_ sink: TimelineSink, _ outcome: TrainingOutcome = .stopped(.interrupted)) throws {
    try sink.receive(.trainEnded(outcome, epochsRun: 0, seconds: 0))
  }

  @Test func validationIsNoTraining() throws {
    let sink = try begin()
    time += .seconds(100)  // what callbacks do before the first epoch
    try train(sink, epoch: 0, batches: 1...3)
    try end(sink, epoch: 0)
    try train(sink, epoch: 1, batches: 1...3, secondsEach: 3)
    try end(sink, epoch: 1, seconds: 4, exactMatch: 0.5)
    time += .seconds(50)
    try stop(sink, .completed)
    // The second epoch's nine seconds, and the one that followed the first validation.
    #expect(
      try rows == [header, "0,3,10,6.000,5.000,0.5,1.0,0.25", "1,6,20,16.000,9.000,0.5,1.0,0.5"])
  }

  @Test func pausesDoNotCount() throws {
    let first = try begin()
    try train(first, epoch: 0, batches: 1...3)
    try end(first, epoch: 0)
    try train(first, epoch: 1, batches: 1...2)
    try stop(first)
    #expect(try rows.last == "1,5,18,11.000,5.000,NA,NA,NA")
    time += .seconds(100_000)
    let second = try begin(epoch: 1, step: 5)
    time += .seconds(100)
    try train(second, epoch: 1, batches: 3...3)
    try end(second, epoch: 1)
    #expect(
      try rows == [
        header, "0,3,10,6.000,5.000,0.5,1.0,0.25", "1,5,18,11.000,5.000,NA,NA,NA", "1,6,20,13.000,10.000,0.5,1.0,0.25",
      ])
  }

  /// The state of step 5 is gone on with twice: what was done after it, and lost, is gone from the file too.
  @Test func whatACrashHasLostIsCutOff() throws {
    let first = try begin()
    try train(first, epoch: 0, batches: 1...3)
    try end(first, epoch: 0)
    try train(first, epoch: 1, batches: 1...2)
    try stop(first)
    let lost = try begin(epoch: 1, step: 5)
    try train(lost, epoch: 1, batches: 3...3, secondsEach: 700)
    try end(lost, epoch: 1)
    // A row without its end.
    try (String(contentsOf: url, encoding: .utf8) + "2,9,3").write(to: url, atomically: false, encoding: .utf8)
    let again = try begin(epoch: 1, step: 5)
    try train(again, epoch: 1, batches: 3...3)
    try end(again, epoch: 1, exactMatch: 0.75)
    #expect(try rows.dropFirst(2) == ["1,5,18,11.000,5.000,NA,NA,NA", "1,6,20,13.000,10.000,0.5,1.0,0.75"])
    // What a failed training did after its last epoch is not saved either.
    try train(again, epoch: 2, batches: 1...2)
    try stop(again, .failed("disk full"))
    #expect(try rows.count == 4)
  }

  /// A stop within an epoch is measured: that row stays, since the run goes on from there.
  @Test func aStopWithinAnEpochIsMeasured() throws {
    let first = try begin()
    try train(first, epoch: 0, batches: 1...2)
    try end(first, epoch: 0)
    try stop(first, .stopped(.timeBudget(seconds: 1)))
    let second = try begin(epoch: 0, step: 2)
    try train(second, epoch: 0, batches: 3...3)
    try end(second, epoch: 0)
    #expect(try rows == [header, "0,2,8,4.000,5.000,0.5,1.0,0.25", "0,3,10,6.000,10.000,0.5,1.0,0.25"])
  }

  @Test func timesOfAnOlderRunAreNotKnown() throws {
    let sink = try begin(epoch: 2, step: 6)
    try train(sink, epoch: 2, batches: 1...3)
    try end(sink, epoch: 2)
    #expect(try rows == [header, "2,9,30,NA,NA,0.5,1.0,0.25"])
    // Nor are they later on.
    let later = try begin(epoch: 3, step: 9)
    try train(later, epoch: 3, batches: 1...3)
    try end(later, epoch: 3)
    #expect(try rows.last == "3,12,40,NA,NA,0.5,1.0,0.25")
    // A new run in the same folder begins anew.
    _ = try begin()
    #expect(try rows == [header])
  }

  @Test(arguments: ["nan", "inf", "-1.000", "NA"])
  func timesThatCannotBeAreNotKnown(_ seconds: String) throws {
    try Data("\(header)\r\n1,6,20,\(seconds),5.000,0.5,1.0,0.25\r\n".utf8).write(to: url)
    let sink = try begin(epoch: 2, step: 6)
    try train(sink, epoch: 2, batches: 1...3)
    try end(sink, epoch: 2)
    #expect(try rows.last == "2,9,30,NA,NA,0.5,1.0,0.25")
  }
}
