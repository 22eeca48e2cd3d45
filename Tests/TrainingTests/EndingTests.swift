import Callbacks
import Foundation
import Layers
import Optimizers
import Tensor
import Testing
import Training

/// How a training ends: by a stop, by an error, by NaN.
@Suite struct EndingTests {
  @Test func aStopLeavesTheBatchLoopAtOnceAndTheEpochIsStillMeasured() throws {
    let journal = Journal()
    var small = try SmallTraining()
    small.callbacks = {
      [
        Recorder("a", journal) { point, context, _ in
          if point == .batchEnd, context.step == 5 { context.requestStop(.other("enough")) }
        },
        Recorder("b", journal) { point, context, _ in
          // Only the first reason counts.
          if point == .epochEnd, context.epoch == 1 { context.requestStop(.other("too late")) }
        },
      ]
    }
    let (_, result) = try small.fit()
    #expect(result.outcome == .stopped(.other("enough")))
    #expect(result.epochsRun == 2)
    #expect(result.history.map(\.epoch) == [0, 1])
    #expect(result.history[1].logs[.valLoss] != nil)
    #expect(
      journal.lines.filter { $0.hasPrefix("b ") }.suffix(6) == [
        "b batchBegin 4", "b updateBegin 4", "b batchEnd 5", "b validationEnd 1", "b epochEnd 1",
        "b trainEnd \(result.outcome)",
      ])
  }

  @Test func aStopBeforeTheFirstBatchStillTrainsOne() throws {
    let journal = Journal()
    var small = try SmallTraining()
    small.callbacks = {
      [Recorder("a", journal) { point, context, _ in if point == .trainBegin { context.requestStop(.other("now")) } }]
    }
    let (_, result) = try small.fit()
    #expect(result.epochsRun == 1)
    #expect(journal.lines.filter { $0.contains("batchEnd") } == ["a batchEnd 1"])
  }

  @Test(arguments: [
    Recorder.Point.trainBegin, .epochBegin, .batchBegin, .batchEnd, .validationEnd, .epochEnd,
  ])
  func anErrorReachesEveryCallbackAndTheCaller(point: Recorder.Point) throws {
    let journal = Journal()
    var ends: [TrainingOutcome] = []
    var small = try SmallTraining()
    small.callbacks = {
      [
        Recorder("before", journal),
        Recorder("thrower", journal) { at, _, _ in
          if at == point { throw Mishap(description: "out of coffee") }
          if at == .trainEnd { throw Mishap(description: "a second error") }
        },
        Recorder("after", journal),
      ]
    }
    let watcher = Watcher { if case .trainEnded(let outcome, _, _) = $0 { ends.append(outcome) } }
    #expect(throws: Mishap(description: "out of coffee")) { try small.fit(sinks: [watcher]) }
    let end = "trainEnd \(TrainingOutcome.failed("out of coffee"))"
    #expect(journal.lines.suffix(3) == ["before \(end)", "thrower \(end)", "after \(end)"])
    // The call itself ends with the one that threw.
    #expect(journal.lines.dropLast(3).last?.hasPrefix("thrower \(point)") == true)
    #expect(ends == [.failed("out of coffee")])
  }

  @Test func anErrorAtTheEndReachesEveryCallbackAndTheCaller() throws {
    let journal = Journal()
    var ends: [TrainingOutcome] = []
    var small = try SmallTraining()
    small.callbacks = {
      [
        Recorder("thrower", journal) { point, _, _ in
          if point == .trainEnd { throw Mishap(description: "out of tea") }
        },
        Recorder("after", journal),
      ]
    }
    let watcher = Watcher { if case .trainEnded(let outcome, _, _) = $0 { ends.append(outcome) } }
    #expect(throws: Mishap(description: "out of tea")) { try small.fit(sinks: [watcher]) }
    #expect(journal.lines.suffix(2) == ["thrower trainEnd completed", "after trainEnd completed"])
    #expect(ends == [.failed("out of tea")])
  }

  @Test func aSinkThatFailsCostsNothing() throws {
    let small = try SmallTraining()
    var heard: [String] = []
    var failing = 0
    let sinks = [
      Watcher { _ in
        failing += 1
        throw Mishap(description: "disk full")
      },
      Watcher { if case .warning(let text) = $0 { heard.append(text) } },
    ]
    let (trainer, result) = try small.fit(sinks: sinks)
    #expect(result.outcome == .completed)
    #expect(failing == 1)
    #expect(heard.count == 1 && heard.first?.contains("disk full") == true)
    #expect(trainer.model.weightBits == (try small.fit().0.model.weightBits))
  }

  // MARK: NaN

  /// Turns the weights into NaN before batch `step`.
  private func spoiler(_ step: Int) -> Recorder {
    Recorder("spoiler") { point, context, _ in
      guard point == .batchBegin, context.step == step else { return }
      var snapshot = context.weightsSnapshot()
      let bias = try #require(snapshot["output/bias"])
      snapshot["output/bias"] = Tensor(repeating: .nan, shape: bias.shape)
      try context.restoreWeights(snapshot)
    }
  }

  @Test func trainingGoesOnWithNaNUnlessACallbackStopsIt() throws {
    var small = try SmallTraining()
    small.callbacks = { [spoiler(4), ModelCheckpoint()] }
    let folder = try TemporaryFolder()
    let (_, result) = try small.fit(directory: folder.run)
    #expect(result.outcome == .completed && result.epochsRun == 3)
    let losses = result.history.map { $0.logs[.valLoss] ?? 0 }
    #expect(losses[0].isFinite && losses[1].isNaN && losses[2].isNaN)
    // A NaN is never best.
    #expect(result.bestValidationLoss == losses[0])
    let best = try Safetensors(contentsOf: folder.run.model(named: "best-val-loss"))
    #expect(best.metadata["epoch"] == "1")
    #expect(best.tensors.values.allSatisfy { $0.elements().allSatisfy(\.isFinite) })
  }

  @Test func aStopForNaNKeepsTheLastGoodState() throws {
    let folder = try TemporaryFolder()
    var small = try SmallTraining()
    small.callbacks = { [spoiler(4), TerminateOnNonFinite()] }
    let (_, result) = try small.fit(directory: folder.run)
    #expect(result.outcome == .stopped(.nonFinite("the loss is nan")))
    #expect(result.epochsRun == 2)
    let state = try ResumeState(contentsOf: folder.run.resumeState)
    #expect(state.finishedEpochs == 1)
    let saved = try Safetensors(contentsOf: folder.run.resumeState)
    #expect(saved.tensors.values.allSatisfy { $0.elements().allSatisfy(\.isFinite) })
  }

  @Test func anEpochWhoseLossIsNaNCanBeInterruptedAndResumed() throws {
    var small = try SmallTraining()
    small.callbacks = { [spoiler(0)] }
    let whole = try small.fit().1
    let folder = try TemporaryFolder()
    var interruption: Interruption?
    let watcher = Watcher { if case .batchEnded = $0 { interruption?.request() } }
    let first = small.trainer(directory: folder.run, sinks: [watcher])
    interruption = first.interruption
    #expect(try first.fit(small.training, validation: small.validation).outcome == .stopped(.interrupted))
    let state = try ResumeState(contentsOf: folder.run.resumeState)
    let result = try small.trainer().fit(small.training, validation: small.validation, resuming: state)
    #expect(result.history.map { $0.logs[.loss]?.isNaN } == [true, true, true])
    #expect(whole.history.map { $0.logs[.loss]?.isNaN } == [true, true, true])
  }
}
