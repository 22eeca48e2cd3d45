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
