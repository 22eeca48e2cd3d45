import Callbacks
import Data
import Foundation
import Layers
import Tensor
import Testing
import Training

/// Averaged weights in a training: what is measured, saved and left is the average, and the training goes its own way.
@Suite struct WeightAverageTests {
  /// The weights after each step of a training without averages.
  private func ownWeights(_ small: SmallTraining) throws -> (steps: [[String: Tensor]], logs: [Logs]) {
    var steps: [[String: Tensor]] = []
    var small = small
    small.callbacks = {
      [Recorder { point, context, _ in if point == .batchEnd { steps.append(context.weightsSnapshot()) } }]
    }
    let (_, result) = try small.fit()
    return (steps, result.history.map(\.logs))
  }

  /// The average by its formula, in Double.
  private func average(from first: [String: Tensor], _ steps: [[String: Tensor]], decay: Double) -> [String: [Double]] {
    var average = first.mapValues { $0.elements().map(Double.init) }
    for (index, weights) in steps.enumerated() {
      let kept = min(decay, Double(2 + index) / Double(11 + index))
      for (name, tensor) in weights {
        average[name] = zip(average[name] ?? [], tensor.elements()).map { kept * $0 + (1 - kept) * Double($1) }
      }
    }
    return average
  }

  private func expectClose(_ weights: [String: Tensor], _ expected: [String: [Double]], _ comment: Comment) {
    #expect(Set(weights.keys) == Set(expected.keys), comment)
    for (name, values) in expected {
      let worst = zip(weights[name]?.elements() ?? [], values).map { abs(Double($0) - $1) }.max() ?? .infinity
      #expect(worst < 1e-6, "\(comment): \(name)")
    }
  }

  @Test func theAverageIsMeasuredSavedAndLeft() throws {
    let folder = try TemporaryFolder()
    var small = try SmallTraining()
    small.epochs = 3
    let own = try ownWeights(small)
    let first = small.model().weights.tensors
    let expected = average(from: first, own.steps, decay: 0.8)
    // At these few steps the rising decay matters, and the limit too.
    #expect(own.steps.count == 9)

    var ownAtEnd: [String: Tensor] = [:]
    small.callbacks = {
      [
        ExponentialMovingAverage(decay: 0.8), ModelCheckpoint(fileName: "last", saveBestOnly: false),
        Recorder { point, context, _ in if point == .epochEnd { ownAtEnd = context.weightsSnapshot() } },
      ]
    }
    let trainer = small.trainer(directory: folder.run)
    let result = try trainer.fit(small.training, validation: small.validation)
    // The training itself is the one without averages, bit for bit.
    #expect(ownAtEnd.mapValues(\.bits) == own.steps[8].mapValues(\.bits))
    #expect(result.history.map { $0.logs[.loss] } == own.logs.map { $0[.loss] })
    expectClose(trainer.model.weights.tensors, expected, "the model at the end")
    let saved = try Safetensors(contentsOf: folder.run.model(named: "last")).tensors
    expectClose(saved, expected, "the saved model")
    // What was measured is what the left model measures.
    let report = try Evaluator(model: trainer.model, loss: trainer.loss, codec: small.codec, batchSize: 3)
      .evaluate(try small.validation)
    let measured = try #require(result.history.last?.logs[.valLoss])
    #expect(abs(try #require(report.loss) - measured) < 1e-6)
    #expect(result.history.last?.logs[.valLoss] != own.logs.last?[.valLoss])
  }

  /// The best epoch's average comes back, wherever the callbacks stand in the list.
  @Test(arguments: [true, false]) func earlyStoppingRestoresTheBestAverage(averageFirst: Bool) throws {
    let folder = try TemporaryFolder()
    var small = try SmallTraining()
    small.epochs = 4
    small.callbacks = {
      let average = ExponentialMovingAverage(decay: 0.8)
      // The first epoch counts as the best.
      let stopping = EarlyStopping(minDelta: 1000, patience: 2, restoreBestWeights: true)
      let checkpoint = ModelCheckpoint(fileName: "epoch-{epoch}", saveBestOnly: false)
      return averageFirst ? [average, stopping, checkpoint] : [checkpoint, stopping, average]
    }
    let trainer = small.trainer(directory: folder.run)
    _ = try trainer.fit(small.training, validation: small.validation)
    let best = try Safetensors(contentsOf: folder.run.model(named: "epoch-1")).tensors
    #expect(trainer.model.weightBits == best.mapValues(\.bits))
  }

  @Test func anInterruptedTrainingLeavesTheAverageAndGoesOnWithItsOwnWeights() throws {
    let folder = try TemporaryFolder()
    var small = try SmallTraining()
    let own = try ownWeights(small)
    small.callbacks = { [ExponentialMovingAverage(decay: 0.8)] }
    let whole = try small.fit().0.model.weightBits
    var interruption: Interruption?
    var batches = 0
    let watcher = Watcher { event in
      guard case .batchEnded = event else { return }
      batches += 1
      if batches == 5 { interruption?.request() }
    }
    let first = small.trainer(directory: folder.run, sinks: [watcher])
    interruption = first.interruption
    let result = try first.fit(small.training, validation: small.validation)
    #expect(result.outcome == .stopped(.interrupted))
    expectClose(
      first.model.weights.tensors,
      average(from: small.model().weights.tensors, Array(own.steps.prefix(5)), decay: 0.8), "interrupted")
    let second = small.trainer(directory: folder.run)
    _ = try second.fit(
      small.training, validation: small.validation, resuming: ResumeState(contentsOf: folder.run.resumeState))
    #expect(second.model.weightBits == whole)
    // A finished training that is resumed leaves the average too.
    let third = small.trainer(directory: folder.run)
    _ = try third.fit(
      small.training, validation: small.validation, resuming: ResumeState(contentsOf: folder.run.resumeState))
    #expect(third.model.weightBits == whole)
  }
}
