import Foundation
import PluginConfiguration
import Tensor
import Testing

@testable import Callbacks

/// What the golden traces do not show: our safer defaults, and callbacks that Keras does not have.
@Suite struct StockCallbackTests {
  private func runEpochs(_ callback: any Callback, _ losses: [Double?], _ context: FakeContext) throws {
    try callback.onTrainBegin(context)
    for (epoch, loss) in losses.enumerated() where context.stopReason == nil {
      context.epoch = epoch
      context.weightsOfEpoch = epoch
      var logs = Logs()
      logs[.valLoss] = loss
      try callback.onEpochEnd(context, logs: &logs)
    }
  }

  @Test func earlyStoppingNeverRestoresTheWeightsOfANaN() throws {
    let context = FakeContext.any()
    let stopping = EarlyStopping(patience: 5, restoreBestWeights: true)
    try runEpochs(stopping, [.nan, 0.5, 0.4, .nan, 0.6], context)
    try stopping.onTrainEnd(context, outcome: .completed)
    #expect(context.weightsOfEpoch == 2)
    let reported = context.events.contains {
      if case .bestWeightsRestored(2, .valLoss, 0.4) = $0 { true } else { false }
    }
    #expect(reported)
  }

  @Test func earlyStoppingLeavesTheWeightsWhereAllIsNaNAndAfterAnError() throws {
    let allNaN = FakeContext.any()
    let stopping = EarlyStopping(patience: 2, restoreBestWeights: true)
    try runEpochs(stopping, [.nan, .nan, .nan, .nan], allNaN)
    try stopping.onTrainEnd(allNaN, outcome: .completed)
    #expect(allNaN.restoredWeights == false)
    #expect(allNaN.stopReason == .noImprovement(monitor: .valLoss, patience: 2, best: nil, bestEpoch: nil))
    let failed = FakeContext.any()
    try runEpochs(stopping, [0.1, 0.2], failed)
    try stopping.onTrainEnd(failed, outcome: .failed("disk full"))
    #expect(failed.weightsOfEpoch == 1)
  }

  /// The loss may be finite where a gradient is not.
  @Test(arguments: [Float.infinity, -.infinity, .nan]) func aGradientThatIsNotFiniteIsFound(value: Float) throws {
    let parameters = ["a", "b"].map { NamedParameter(name: $0, parameter: Parameter($0, value: Tensor(zeros: [3]))) }
    func update(_ value: Float) -> PendingUpdate {
      var gradients = Gradients()
      gradients[parameters[0].parameter] = Tensor([1, 2, 3e38] as [Float], shape: [3])
      gradients[parameters[1].parameter] = Tensor([1, value, 2] as [Float], shape: [3])
      return PendingUpdate(loss: 1, parameters: parameters, gradients: gradients)
    }
    let context = FakeContext.any()
    let guardian = TerminateOnNonFinite()
    var good = update(3e38)
    try guardian.onUpdateBegin(context, update: &good)
    #expect(good.skipReason == nil && context.stopReason == nil)
    var bad = update(value)
    try guardian.onUpdateBegin(context, update: &bad)
    #expect(
      bad.skipReason == "the gradient of b is not finite"
        && context.stopReason == .nonFinite("the gradient of b is not finite"))
  }

  @Test func checkpointPassesOverNaNAndMissingValues() throws {
    let context = FakeContext.any()
    let checkpoint = ModelCheckpoint(fileName: "best")
    try runEpochs(checkpoint, [.nan, 0.5, nil, 0.6, 0.4], context)
    #expect(context.saved.map(\.epoch) == [1, 4])
    #expect(context.savedMetadata.last == ["epoch": "5", "val_loss": "0.4"])
    let warned = context.events.contains { if case .metricMissing(.valLoss, _, 2) = $0 { true } else { false } }
    #expect(warned)
  }

  /// A run that goes on must not overwrite the best model by a worse one.
  @Test func checkpointRemembersTheBestOverAResume() throws {
    let first = ModelCheckpoint()
    try runEpochs(first, [0.5, 0.3], .any())
    let second = ModelCheckpoint()
    let context = FakeContext.any()
    second.onTrainBegin(context)
    try second.restore(first.savedState())
    var worse: Logs = [.valLoss: 0.4]
    try second.onEpochEnd(context, logs: &worse)
    #expect(context.saved.isEmpty)
  }

  @Test func exactMatchIsMeasuredEveryFewEpochsAndSavedWhenBetter() throws {
    let context = FakeContext.any()
    let checkpoint = ExactMatchCheckpoint(every: 2, samples: 300)
    for (epoch, share) in [0.9, 0, 0.1, 0.25, 0.3, 0.25, 0.3, 0.3].enumerated() {
      context.epoch = epoch
      context.measuredExactMatch = share
      var logs = Logs()
      try checkpoint.onEpochEnd(context, logs: &logs)
    }
    #expect(context.saved.map(\.epoch) == [3, 7])
    #expect(context.saved.map(\.name) == ["best-exact-match", "best-exact-match"])
    #expect(context.askedSamples == [300, 300, 300, 300])
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func nonFiniteLossEndsTheTraining(loss: Double) {
    let context = FakeContext.any()
    let callback = TerminateOnNonFinite()
    callback.onBatchEnd(context, logs: [.loss: 3])
    #expect(context.stopReason == nil)
    callback.onBatchEnd(context, logs: [.loss: loss])
    #expect(context.stopReason == .nonFinite("the loss is \(loss)"))
  }

  @Test func timeBudgetCountsOverAResume() throws {
    let clock = SteppedClock()
    let first = TimeBudget(seconds: 100, now: { clock.now })
    let context = FakeContext.any()
    first.onTrainBegin(context)
    clock.now += .seconds(70)
    first.onBatchEnd(context, logs: [:])
    #expect(context.stopReason == nil)
    let saved = try first.savedState()
    clock.now += .seconds(1000)
    let second = TimeBudget(seconds: 100, now: { clock.now })
    second.onTrainBegin(context)
    try second.restore(saved)
    clock.now += .seconds(29)
    second.onBatchEnd(context, logs: [:])
    #expect(context.stopReason == nil)
    clock.now += .seconds(1)
    second.onBatchEnd(context, logs: [:])
    #expect(context.stopReason == .timeBudget(seconds: 100))
  }

  private final class SteppedClock {
    var now = ContinuousClock.now
  }

  @Test func fileNamesFollowPythonsFormats() {
    func name(_ template: String) -> String {
      FileNameTemplate(template).name(epoch: 6, logs: [.valLoss: 0.12345, .loss: .nan])
    }
    #expect(name("best") == "best")
    #expect(name("m-{epoch}") == "m-7")
    #expect(name("m-{epoch:03d}-{val_loss:.2f}.a") == "m-007-0.12.a")
    #expect(name("{val_loss}-{loss:.3f}-{recall:.3f}") == "0.12345-nan-none")
    for faulty in ["", "a/b", ".hidden", "m-{epoch", "m-{}", "m-{epoch:.2f}", "m-{loss:03d}", "m-{loss:x}"] {
      #expect(FileNameTemplate(faulty).fault != nil, "\(faulty)")
    }
  }
}
