import Callbacks
import Foundation
import Tensor
import Testing
import Training

/// When what a run leaves becomes visible, and what of it a resumed run may replace.
@Suite struct PublicationTests {
  @Test func theStateIsPublishedAfterAllCallbacksHadTheirEpochEnd() throws {
    let folder = try TemporaryFolder()
    var finished: [Int?] = []
    var small = try SmallTraining()
    small.callbacks = {
      [
        ModelCheckpoint(),
        Recorder { point, _, _ in
          guard point == .epochEnd else { return }
          finished.append(try? ResumeState(contentsOf: folder.run.resumeState).finishedEpochs)
          // One name, and nothing half written beside it.
          let names = try FileManager.default.contentsOfDirectory(atPath: folder.run.checkpoints.path)
          #expect(names.allSatisfy { !$0.hasSuffix(".partial") })
        },
      ]
    }
    try small.fit(directory: folder.run)
    #expect(finished == [nil, 1, 2])
    #expect(try ResumeState(contentsOf: folder.run.resumeState).finishedEpochs == 3)
  }

  /// An error in the last callback's epoch end: the state is that of the epoch before, whole.
  @Test func anErrorAtTheEpochsEndLeavesTheStateBefore() throws {
    let folder = try TemporaryFolder()
    var small = try SmallTraining()
    let whole = try small.fit().0.model.weightBits
    var fails = true
    small.callbacks = {
      [
        Recorder("last") { point, context, _ in
          if fails, point == .epochEnd, context.epoch == 1 { throw Mishap(description: "disk full") }
        }
      ]
    }
    #expect(throws: Mishap.self) { try small.fit(directory: folder.run) }
    let state = try ResumeState(contentsOf: folder.run.resumeState)
    #expect(state.finishedEpochs == 1)
    fails = false
    let trainer = small.trainer(directory: folder.run)
    _ = try trainer.fit(small.training, validation: small.validation, resuming: state)
    #expect(trainer.model.weightBits == whole)
  }

  /// A stop in the middle of an epoch, as of a time that is used up: what is left is measured and saved, and a resumed run
  /// is the uninterrupted one.
  @Test(arguments: 1...8) func aStopAfterAnyBatchCanBeResumed(step: Int) throws {
    var small = try SmallTraining()
    var stops = false
    small.callbacks = {
      [
        ReduceLROnPlateau(factor: 0.5, patience: 1), ExponentialMovingAverage(decay: 0.8),
        Recorder { point, context, _ in
          if stops, point == .batchEnd, context.step == step { context.requestStop(.timeBudget(seconds: 1)) }
        },
      ]
    }
    let (wholeFolder, folder) = (try TemporaryFolder(), try TemporaryFolder())
    let whole = small.trainer(
      directory: wholeFolder.run, sinks: [CSVSink(wholeFolder.run.url.appendingPathComponent("m"))])
    _ = try whole.fit(small.training, validation: small.validation)
    stops = true
    let csv = folder.run.url.appendingPathComponent("m")
    let first = small.trainer(directory: folder.run, sinks: [CSVSink(csv)])
    let stopped = try first.fit(small.training, validation: small.validation)
    #expect(stopped.outcome == .stopped(.timeBudget(seconds: 1)))
    #expect(stopped.history.last?.logs[.valLoss] != nil)
    stops = false
    let second = small.trainer(directory: folder.run, sinks: [CSVSink(csv)])
    let result = try second.fit(
      small.training, validation: small.validation, resuming: ResumeState(contentsOf: folder.run.resumeState))
    #expect(result.outcome == .completed && result.epochsRun == 3)
    #expect(second.model.weightBits == whole.model.weightBits)
    #expect(try Data(contentsOf: csv) == Data(contentsOf: wholeFolder.run.url.appendingPathComponent("m")))
    #expect(
      try Data(contentsOf: folder.run.resumeState) == Data(contentsOf: wholeFolder.run.resumeState))
  }

  @Test func aResumeThatACallbackRefusesIsNotAnnounced() throws {
    let folder = try TemporaryFolder()
    var small = try SmallTraining()
    small.callbacks = { [OneCycle(maximum: 0.01)] }
    try small.fit(directory: folder.run)
    small.epochs = 5
    var events = 0
    let trainer = small.trainer(directory: folder.run, sinks: [Watcher { _ in events += 1 }])
    #expect(throws: CallbackError.self) {
      try trainer.fit(
        small.training, validation: small.validation, resuming: ResumeState(contentsOf: folder.run.resumeState))
    }
    #expect(events == 0)
  }

  @Test func whatAKilledRunLeftHalfWrittenIsRemoved() throws {
    let folder = try TemporaryFolder()
    try folder.run.create()
    let leftovers = [folder.run.url, folder.run.checkpoints].map {
      $0.appendingPathComponent(".\(UUID().uuidString).partial")
    }
    let others = [".x.partial", "best.safetensors.partial"].map(folder.run.checkpoints.appendingPathComponent)
    for file in leftovers + others { try Data("half".utf8).write(to: file) }
    try SmallTraining().fit(directory: folder.run)
    for file in leftovers { #expect(!FileManager.default.fileExists(atPath: file.path)) }
    for file in others { #expect(FileManager.default.fileExists(atPath: file.path)) }
  }

  /// A callback cannot write outside the folder, nor over what resuming needs.
  @Test(arguments: ["../escaped", "resume", "final", "", ".hidden"])
  func modelsHavePlainNames(name: String) throws {
    let folder = try TemporaryFolder()
    var small = try SmallTraining()
    small.callbacks = {
      [Recorder { point, context, _ in if point == .epochEnd { try context.saveModel(named: name, metadata: [:]) } }]
    }
    #expect(throws: TrainingError.self) { try small.fit(directory: folder.run) }
  }

  @Test func modelsThatCannotBeSavedAreRefusedBeforeTheFirstStep() throws {
    let folder = try TemporaryFolder()
    var small = try SmallTraining()
    var events = 0
    for (name, directory) in [("best", nil), ("resume", folder.run), ("final", folder.run)] {
      small.callbacks = { [ModelCheckpoint(fileName: name)] }
      #expect(throws: TrainingError.self, "\(name)") {
        try small.fit(directory: directory, sinks: [Watcher { _ in events += 1 }])
      }
    }
    #expect(events == 0)
  }

  /// Without `effects` nothing is known before the first step.
  @Test func aRateThatIsChangedInVainIsWarnedOfOnce() throws {
    var warnings: [String] = []
    var small = try SmallTraining()
    small.callbacks = {
      [
        OneCycle(maximum: 0.01),
        Recorder("secret") { point, context, _ in
          if point == .epochBegin { context.setLearningRate(0.1, by: "secret") }
        },
      ]
    }
    try small.fit(sinks: [Watcher { if case .warning(let text) = $0 { warnings.append(text) } }])
    #expect(warnings.count == 1)
    #expect(warnings.first?.hasPrefix("secret changes the learning rate, which one_cycle sets in all epochs") == true)
  }

  @Test func aBetterModelThatACrashLeftStays() throws {
    let folder = try TemporaryFolder()
    var small = try SmallTraining()
    small.epochs = 1
    small.callbacks = { [ModelCheckpoint(), ExactMatchCheckpoint(every: 1)] }
    try small.fit(directory: folder.run)
    // As if the second epoch had been very good, on other threads, and its state was lost.
    var kept: [URL: Data] = [:]
    for (name, metric, value) in [
      ("best-val-loss", "val_loss", "1e-9"), ("best-exact-match", "val_exact_match", "1.0"),
    ] {
      let url = folder.run.model(named: name)
      try Safetensors(tensors: small.model().weights.tensors, metadata: ["epoch": "2", metric: value]).write(to: url)
      kept[url] = try Data(contentsOf: url)
    }
    small.epochs = 4
    let trainer = small.trainer(directory: folder.run)
    let result = try trainer.fit(
      small.training, validation: small.validation, resuming: ResumeState(contentsOf: folder.run.resumeState))
    #expect(result.history.map(\.epoch) == [1, 2, 3])
    for (url, content) in kept { #expect(try Data(contentsOf: url) == content, "\(url.lastPathComponent)") }
  }
}
