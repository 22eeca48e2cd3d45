import Callbacks
import Data
import Foundation
import Layers
import Synchronization
import Tensor
import Testing
import Training

/// A source whose batches wait for a test.
private struct GatedBatches: BatchSource {
  let source: DatasetBatches
  /// Called before each batch is made.
  let gate: @Sendable (_ indices: ArraySlice<Int>, _ epoch: Int) throws -> Void
  /// Called after each.
  var made: @Sendable () -> Void = {}

  var count: Int { source.count }
  var identity: String { source.identity }

  func batch(_ indices: ArraySlice<Int>, epoch: Int) throws -> Batch {
    try gate(indices, epoch)
    defer { made() }
    return try source.batch(indices, epoch: epoch)
  }
}

/// The loop with batches that are made ahead.
@Suite struct PrefetchTests {
  private func shares(_ small: SmallTraining, _ source: any BatchSource) throws -> [Double] {
    let found = Mutex<[Double]>([])
    let watcher = Watcher { event in
      if case .epochEnded(let summary) = event { found.withLock { $0.append(summary.dataWait) } }
    }
    _ = try small.trainer(sinks: [watcher]).fit(source, validation: small.validation)
    return found.withLock { $0 }
  }

  @Test func makingBatchesAheadChangesNoBit() throws {
    var expected: (weights: [String: [UInt32]], logs: [String])?
    for prefetch in [0, 1, 2, 7] {
      var small = try SmallTraining()
      small.prefetch = prefetch
      let (trainer, result) = try small.fit()
      let logs = result.history.map { "\($0.logs)" }
      if let expected {
        #expect(trainer.model.weightBits == expected.weights && logs == expected.logs)
      } else {
        expected = (trainer.model.weightBits, logs)
      }
    }
  }

  /// A loop that asks for batches before they are made waits for more of its time than one that asks when they are there.
  @Test func aSlowSourceShows() throws {
    func shares(
      _ source: (SmallTraining, DispatchSemaphore) throws -> GatedBatches,
      atBegin:
        @escaping @Sendable (
          DispatchSemaphore
        ) -> Void
    ) throws -> [Double] {
      var small = try SmallTraining()
      // One thread, so that each signal is for the batch that it is meant for.
      small.prefetch = 1
      let semaphore = DispatchSemaphore(value: 0)
      small.callbacks = { [Recorder { point, _, _ in if point == .batchBegin { atBegin(semaphore) } }] }
      return try self.shares(small, source(small, semaphore))
    }
    let slow = try shares { small, due in
      GatedBatches(source: try DatasetBatches(small.training, codec: small.codec)) { _, _ in
        due.wait()
        usleep(60_000)
      }
    } atBegin: {
      $0.signal()
    }
    let fast = try shares { small, isMade in
      var source = GatedBatches(source: try DatasetBatches(small.training, codec: small.codec)) { _, _ in }
      source.made = { isMade.signal() }
      return source
    } atBegin: {
      $0.wait()
      usleep(20_000)
    }
    #expect(slow.count == 3 && fast.count == 3)
    for share in slow + fast { #expect(share >= 0 && share <= 1) }
    #expect(slow.reduce(0, +) > fast.reduce(0, +))
  }

  /// The error of a batch ends the training after the steps before it, and the last epoch's state goes on.
  @Test(arguments: [0, 2]) func anErrorComesAtItsStepAndTheRunCanGoOn(prefetch: Int) throws {
    let folder = try TemporaryFolder()
    let steps = Mutex(0)
    var small = try SmallTraining()
    small.prefetch = prefetch
    small.callbacks = {
      [Recorder { point, _, _ in if point == .batchEnd { steps.withLock { $0 += 1 } } }]
    }
    let whole = try small.fit().0.model.weightBits
    steps.withLock { $0 = 0 }
    let good = try DatasetBatches(small.training, codec: small.codec)
    // Epochs have three batches; the last one of the second fails.
    let order = BatchOrder(count: 10, batchSize: 4, seed: 7, epoch: 1)[2]
    let bad = GatedBatches(source: good) { indices, epoch in
      if epoch == 1, indices == order { throw Mishap(description: "the disk is gone") }
    }
    #expect(throws: Mishap(description: "the disk is gone")) {
      try small.trainer(directory: folder.run).fit(bad, validation: small.validation)
    }
    #expect(steps.withLock { $0 } == 5)
    let state = try ResumeState(contentsOf: folder.run.resumeState)
    #expect(state.finishedEpochs == 1)
    let resumed = small.trainer(directory: folder.run)
    _ = try resumed.fit(good, validation: small.validation, resuming: state)
    #expect(resumed.model.weightBits == whole)
  }

  @Test func tooFewBatchesAheadAreRefused() throws {
    var small = try SmallTraining()
    small.prefetch = -1
    #expect(throws: TrainingError.self) { try small.fit() }
  }

  /// A training whose images are in a file is the one whose images are in memory, cut and resumed or not.
  @Test func imagesInAFileTrainAsThoseInMemory() throws {
    let folder = try TemporaryFolder()
    let small = try SmallTraining()
    let images = folder.url.appendingPathComponent("images")
    try FileManager.default.createDirectory(at: images, withIntermediateDirectories: true)
    let drawn = try SmallTraining.dataset(24, name: "images")
    for index in 0..<24 {
      try PNG.write(
        try drawn.image(at: index), to: images.appendingPathComponent("\(drawn.labels[index])-\(index).png").path)
    }
    func parts(cached: Bool) throws -> (training: Dataset, validation: Dataset) {
      try DatasetLoader(
        options: DatasetOptions(
          width: SmallTraining.width, height: SmallTraining.height, colorMode: .grayscale, codec: small.codec,
          cache: cached ? folder.url.appendingPathComponent("caches").path : nil)
      ).load(images.path).dataset.split(validationFraction: 0.25, seed: 1)
    }
    func train(_ trainer: Trainer, cached: Bool, resuming: ResumeState? = nil) throws -> [String] {
      let parts = try parts(cached: cached)
      return try trainer.fit(parts.training, validation: parts.validation, resuming: resuming).history.map {
        "\($0.epoch) \($0.logs)"
      }
    }
    let memory = small.trainer()
    let logs = try train(memory, cached: false)
    let packed = small.trainer()
    #expect(try train(packed, cached: true) == logs)
    #expect(packed.model.weightBits == memory.model.weightBits)

    // Interrupted in the middle of the second epoch.
    var interruption: Interruption?
    let stopper = Watcher { event in
      if case .batchEnded(let progress) = event, progress.epoch == 1, progress.step == 2 { interruption?.request() }
    }
    let cut = small.trainer(directory: folder.run, sinks: [stopper])
    interruption = cut.interruption
    _ = try train(cut, cached: true)
    let resumed = small.trainer(directory: folder.run)
    let rest = try train(resumed, cached: true, resuming: ResumeState(contentsOf: folder.run.resumeState))
    #expect(rest == Array(logs.dropFirst()))
    #expect(resumed.model.weightBits == memory.model.weightBits)
  }
}
