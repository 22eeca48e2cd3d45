import Callbacks
import Data
import Foundation
import Layers
import Optimizers
import Tensor
import Testing
import Training

/// A callback whose memory is numbers: lowers the rate by what it has seen in all batches so far.
private final class LossSum: StatefulCallback {
  struct State: Codable {
    var sum = 0.0
    var batches = 0
    var worst = -Double.infinity
  }

  let name = "loss_sum"
  var state = State()

  func onTrainBegin(_ context: any TrainingContext) { state = State() }

  func onBatchEnd(_ context: any TrainingContext, logs: Logs) {
    let loss = logs[.loss] ?? .nan
    state.sum += loss
    state.batches += 1
    state.worst = max(state.worst, loss)
    context.setLearningRate(0.02 / (1 + state.sum / Double(state.batches)), by: name)
  }
}

/// Asks for an interruption after some events, counted over all parts of a run.
private final class Interrupter: EventSink {
  private let isDue: (_ number: Int, TrainingEvent) -> Bool
  private(set) var events = 0
  var interruption: Interruption?

  init(_ isDue: @escaping (Int, TrainingEvent) -> Bool) { self.isDue = isDue }

  func receive(_ event: TrainingEvent) {
    if isDue(events, event) { interruption?.request() }
    events += 1
  }
}

/// An interrupted training that goes on from its file is the uninterrupted one, bit for bit.
@Suite struct ResumeTests {
  /// Everything that a training leaves.
  private struct Remains: Equatable {
    var weights: [String: [UInt32]]
    var optimizer: [String: [UInt32]]
    var counters: OptimizerState.Counters
    var files: [String: Foundation.Data]
    var calls: [String]
    var logs: [String]
    var bestLoss: Double?
    var bestExactMatch: Double?
    var epochs: Int
    var outcome: TrainingOutcome
  }

  private enum Source: CaseIterable, CustomTestStringConvertible {
    case dataset, generator
    var testDescription: String { self == .dataset ? "a data set" : "drawn images" }
  }

  private struct Parts {
    let source: Source
    let small: SmallTraining
    let training: any BatchSource
    let validation: Dataset
    let journal = Journal()
    let size: (width: Int, height: Int)

    init(_ source: Source) throws {
      self.source = source
      var small = try SmallTraining()
      switch source {
      case .dataset:
        size = (SmallTraining.width, SmallTraining.height)
        training = try DatasetBatches(small.training, codec: small.codec)
        validation = try small.validation
      case .generator:
        size = (60, 20)
        let generator = try CaptchaGenerator(
          configuration: GeneratorConfiguration(
            types: [.digit], lengths: 1...2, width: size.width, height: size.height))
        let images = [DrawnImages.Purpose.training, .validation].map {
          DrawnImages(generator, width: 60, height: 20, colorMode: .grayscale, seed: 4, purpose: $0)
        }
        training = try GeneratedBatches(images[0], count: 10, codec: small.codec)
        validation = try images[1].dataset(0..<5)
      }
      let journal = journal
      small.callbacks = {
        [
          ModelCheckpoint(), EarlyStopping(patience: 50, restoreBestWeights: true),
          ReduceLROnPlateau(factor: 0.5, patience: 1, minDelta: 0.01), LossSum(), ExponentialMovingAverage(decay: 0.75),
          ExactMatchCheckpoint(every: 2, samples: 4), TerminateOnNonFinite(mode: .skip), GradientMonitor(every: 2),
          ModelCheckpoint(fileName: "kept-{epoch}", saveBestOnly: false, keep: 2), StuckDetector(patience: 1),
          Recorder("recorder", journal),
        ]
      }
      self.small = small
    }

    /// A trainer with other weights at first than the one before: what it ends with comes from the file.
    func trainer(_ directory: RunDirectory, part: Int, sinks: [any EventSink] = []) -> Trainer {
      var small = small
      small.modelSeed += UInt64(part)
      return small.trainer(
        directory: directory, sinks: [CSVSink(directory.metrics)] + sinks,
        model: small.model(width: size.width, height: size.height))
    }
  }

  /// Trains, resuming after each interruption.
  ///
  /// - Returns: what is left, and the number of parts and events.
  private func train(
    _ source: Source, interruptedWhere isDue: @escaping (_ number: Int, TrainingEvent) -> Bool = { _, _ in false }
  ) throws -> (remains: Remains, parts: Int, events: Int) {
    let parts = try Parts(source)
    let folder = try TemporaryFolder()
    let interrupter = Interrupter(isDue)
    var logs: [String] = []
    var part = 0
    while true {
      let trainer = parts.trainer(folder.run, part: part, sinks: [interrupter])
      interrupter.interruption = trainer.interruption
      let state = part == 0 ? nil : try ResumeState(contentsOf: folder.run.resumeState)
      let result = try trainer.fit(parts.training, validation: parts.validation, resuming: state)
      part += 1
      logs += result.history.map { "\($0.epoch): \($0.logs)" }
      if result.outcome == .stopped(.interrupted) {
        try #require(part < 50, "the training does not get ahead")
        continue
      }
      var files: [String: Foundation.Data] = [:]
      for case let file as URL in try #require(
        FileManager.default.enumerator(at: folder.run.url, includingPropertiesForKeys: nil))
      where !file.hasDirectoryPath {
        files[file.lastPathComponent] = try Foundation.Data(contentsOf: file)
      }
      let optimizer = trainer.optimizer.state()
      let remains = Remains(
        weights: trainer.model.weightBits, optimizer: optimizer.tensors.mapValues(\.bits), counters: optimizer.counters,
        files: files, calls: parts.journal.lines.filter { !$0.contains("train") }, logs: logs,
        bestLoss: result.bestValidationLoss, bestExactMatch: result.bestExactMatch, epochs: result.epochsRun,
        outcome: result.outcome)
      return (remains, part, interrupter.events)
    }
  }

  private func expectSame(_ remains: Remains, _ expected: Remains, _ comment: Comment) {
    #expect(remains.weights == expected.weights, comment)
    #expect(remains.optimizer == expected.optimizer, comment)
    #expect(remains.counters == expected.counters, comment)
    #expect(remains.calls == expected.calls, comment)
    #expect(remains.logs == expected.logs, comment)
    #expect(Set(remains.files.keys) == Set(expected.files.keys), comment)
    for (name, content) in expected.files { #expect(remains.files[name] == content, "\(comment): \(name)") }
    #expect(remains == expected, comment)
  }

  @Test(arguments: Source.allCases)
  private func anInterruptionAfterAnyEventChangesNothing(source: Source) throws {
    let whole = try train(source)
    // What must be there, or the comparisons would compare nothing.
    #expect(whole.parts == 1 && whole.remains.epochs == 3)
    #expect(
      Set(whole.remains.files.keys).isSuperset(of: [
        "metrics.csv", "resume.safetensors", "best-val-loss.safetensors", "kept-2.safetensors", "kept-3.safetensors",
      ]))
    #expect(whole.remains.calls.count == 3 * (3 * 3 + 3))
    #expect(whole.remains.counters.iterations == 9)
    var interrupted = 0
    for number in 0..<whole.events {
      let run = try train(source) { event, _ in event == number }
      expectSame(run.remains, whole.remains, "interrupted after event \(number)")
      interrupted += run.parts - 1
    }
    // Only after the last batch of the last epoch there is nothing left to interrupt.
    #expect(interrupted > whole.events / 2)
  }

  @Test(arguments: Source.allCases)
  private func anInterruptionAfterEveryBatchChangesNothing(source: Source) throws {
    let whole = try train(source)
    let run = try train(source) { _, event in if case .batchEnded = event { true } else { false } }
    // Nine batches, of which the last ends the training.
    #expect(run.parts == 9)
    expectSame(run.remains, whole.remains, "interrupted after every batch")
  }

  @Test func aRunThatWasKilledGoesOnFromTheLastEpoch() throws {
    let whole = try train(.dataset)
    let parts = try Parts(.dataset)
    let folder = try TemporaryFolder()
    // As with kill -9, nothing is saved after the error: only what the second epoch's end left.
    var small = parts.small
    let callbacks = small.callbacks
    let thrower = Recorder("recorder") { point, context, _ in
      if point == .batchEnd, context.step == 8 { throw Mishap(description: "power cut") }
    }
    small.callbacks = { callbacks().dropLast() + [thrower] }
    let first = small.trainer(directory: folder.run, sinks: [CSVSink(folder.run.metrics)])
    #expect(throws: Mishap.self) { try first.fit(parts.training, validation: parts.validation) }
    let state = try ResumeState(contentsOf: folder.run.resumeState)
    #expect(state.finishedEpochs == 2)
    let second = parts.trainer(folder.run, part: 1)
    let result = try second.fit(parts.training, validation: parts.validation, resuming: state)
    #expect(second.model.weightBits == whole.remains.weights)
    #expect(try Foundation.Data(contentsOf: folder.run.metrics) == whole.remains.files["metrics.csv"])
    #expect(try Foundation.Data(contentsOf: folder.run.resumeState) == whole.remains.files["resume.safetensors"])
    #expect(result.bestValidationLoss == whole.remains.bestLoss && result.epochsRun == 3)
  }

  @Test func aFinishedRunThatIsResumedIsLeftAsItIs() throws {
    let parts = try Parts(.dataset)
    let folder = try TemporaryFolder()
    let first = parts.trainer(folder.run, part: 0)
    let expected = try first.fit(parts.training, validation: parts.validation)
    let csv = try Foundation.Data(contentsOf: folder.run.metrics)
    let second = parts.trainer(folder.run, part: 1)
    let result = try second.fit(
      parts.training, validation: parts.validation, resuming: ResumeState(contentsOf: folder.run.resumeState))
    #expect(result.outcome == .completed && result.epochsRun == 3 && result.history.isEmpty)
    #expect(result.bestValidationLoss == expected.bestValidationLoss)
    #expect(result.bestExactMatch == expected.bestExactMatch)
    // The best weights are put back as at the end of the first.
    #expect(second.model.weightBits == first.model.weightBits)
    #expect(try Foundation.Data(contentsOf: folder.run.metrics) == csv)
  }

  @Test func moreEpochsGoOnWhereTheRunEnded() throws {
    let folder = try TemporaryFolder()
    var small = try SmallTraining()
    let whole = try {
      small.epochs = 5
      return try small.fit()
    }()
    small.epochs = 3
    try small.fit(directory: folder.run)
    small.epochs = 5
    small.modelSeed = 9
    let trainer = small.trainer()
    let result = try trainer.fit(
      small.training, validation: small.validation, resuming: ResumeState(contentsOf: folder.run.resumeState))
    #expect(result.history.map(\.epoch) == [3, 4])
    #expect(result.history.map(\.logs) == whole.1.history.suffix(2).map(\.logs))
    #expect(trainer.model.weightBits == whole.0.model.weightBits)
  }

  // MARK: Seeds

  @Test func theSameSeedGivesTheSameBitsAndAnotherSeedOthers() throws {
    var small = try SmallTraining()
    func run() throws -> ([String: [UInt32]], [Logs]) {
      let (trainer, result) = try small.fit()
      return (trainer.model.weightBits, result.history.map(\.logs))
    }
    let first = try run()
    let again = try run()
    #expect(first.0 == again.0 && first.1 == again.1)
    small.seed = 8
    let other = try run()
    #expect(first.0 != other.0 && first.1 != other.1)
    small.seed = 7
    small.modelSeed = 2
    let otherStart = try run()
    #expect(first.0 != otherStart.0)
  }

  @Test func eachEpochHasAnOrderAndDropoutOfItsOwn() throws {
    // With weights that do not move, equal batches would have equal losses.
    var small = try SmallTraining()
    small.images = 40
    var losses: [Double] = []
    small.callbacks = {
      [Recorder { point, _, logs in if point == .batchEnd { losses.append(logs[.loss] ?? .nan) } }]
    }
    let model = small.model()
    _ = try small.trainer(
      model: model, optimizer: Optimizer(SGD(), parameters: model.namedParameters, learningRate: 0)
    ).fit(small.training, validation: small.validation)
    #expect(losses.count == 30)
    #expect(Set(losses).count == 30)
  }
}
