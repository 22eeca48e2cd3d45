import Callbacks
import Layers
import Optimizers
import Tensor
import Testing
import Training

/// Batches that come to NaN: their updates are left out before they spoil anything.
@Suite struct NonFiniteTests {
  /// Has NaN weights during some steps, and the right ones again at their ends.
  private final class Spoiler: Callback {
    let name = "spoiler"
    private let steps: Set<Int>
    private var own: [String: Tensor]?
    /// By step the running statistics before it and, after it, those that the step left.
    private(set) var statistics: [Int: (before: [UInt32], after: [UInt32])] = [:]

    init(_ steps: Set<Int>) { self.steps = steps }

    func onBatchBegin(_ context: any TrainingContext) throws {
      guard steps.contains(context.step) else { return }
      let weights = context.weightsSnapshot()
      own = weights
      var spoilt = weights
      let bias = try #require(weights["conv/bias"])
      spoilt["conv/bias"] = Tensor(repeating: .nan, shape: bias.shape)
      try context.restoreWeights(spoilt)
    }

    func onBatchEnd(_ context: any TrainingContext, logs: Logs) throws {
      guard let own else { return }
      let names = ["bn/moving_mean", "bn/moving_variance"]
      let after = context.weightsSnapshot()
      statistics[context.step - 1] = (
        names.flatMap { own[$0]?.bits ?? [] }, names.flatMap { after[$0]?.bits ?? [0] }
      )
      try context.restoreWeights(own)
      self.own = nil
    }
  }

  private struct Outcome {
    var result: TrainingResult
    var optimizer: OptimizerState
    var skipped: [Int]
    /// The running metrics after each batch.
    var running: [Logs]
    var spoiler: Spoiler
    var weights: [String: Tensor]
  }

  private func train(_ steps: Set<Int>, _ guardian: TerminateOnNonFinite) throws -> Outcome {
    let spoiler = Spoiler(steps)
    var skipped: [Int] = []
    var running: [Logs] = []
    var small = try SmallTraining()
    small.accumulationSteps = 1
    small.callbacks = { [spoiler, guardian] }
    let watcher = Watcher { event in
      if case .updateSkipped(let step, let reason) = event {
        skipped.append(step)
        #expect(reason == "the loss is nan")
      }
      if case .batchEnded(let progress) = event { running.append(progress.logs) }
    }
    let (trainer, result) = try small.fit(sinks: [watcher])
    return Outcome(
      result: result, optimizer: trainer.optimizer.state(), skipped: skipped, running: running, spoiler: spoiler,
      weights: trainer.model.weights.tensors)
  }

  @Test func aSkippedBatchLeavesNoTrace() throws {
    let outcome = try train([4, 6], TerminateOnNonFinite(mode: .skip))
    #expect(outcome.result.outcome == .completed && outcome.result.epochsRun == 3)
    #expect(outcome.skipped == [4, 6])
    #expect(outcome.optimizer.counters.iterations == 7)
    for step in [4, 6] {
      let statistics = try #require(outcome.spoiler.statistics[step])
      #expect(statistics.before == statistics.after && statistics.before.count == 8)
    }
    // The batch counts in no metric: step 4 is the second of its epoch.
    #expect(outcome.running[4] == outcome.running[3] && outcome.running[5] != outcome.running[4])
    // Step 6 is the first of its epoch: nothing is known yet.
    #expect(outcome.running[6][.loss]?.isNaN == true)
    #expect(outcome.result.history.allSatisfy { $0.logs[.loss]?.isFinite == true })
    #expect(outcome.weights.values.allSatisfy { $0.elements().allSatisfy(\.isFinite) })
  }

  @Test func tooManySkippedBatchesInARowEndTheTraining() throws {
    let outcome = try train([1, 3, 4, 5, 6, 7], TerminateOnNonFinite(mode: .skip, maximumSkips: 2))
    #expect(outcome.result.outcome == .stopped(.nonFinite("the loss is nan")))
    #expect(outcome.skipped == [1, 3, 4, 5])
  }

  @Test func aStopLeavesTheUpdateOut() throws {
    let outcome = try train([4], TerminateOnNonFinite())
    #expect(outcome.result.outcome == .stopped(.nonFinite("the loss is nan")))
    #expect(outcome.skipped == [4] && outcome.optimizer.counters.iterations == 4)
    #expect(outcome.weights.values.allSatisfy { $0.elements().allSatisfy(\.isFinite) })
  }

  /// Has a NaN weight after a step, and no callback watches.
  private final class Breaker: Callback {
    let name = "breaker"
    private let step: Int

    init(step: Int) { self.step = step }

    func onBatchEnd(_ context: any TrainingContext, logs: Logs) throws {
      guard context.step == step else { return }
      var weights = context.weightsSnapshot()
      weights["output/bias"] = Tensor(repeating: .nan, shape: try #require(weights["output/bias"]).shape)
      try context.restoreWeights(weights)
    }
  }

  /// Of the nine steps the last, an earlier one whose NaN spreads, and none.
  @Test(arguments: [(9, "output/bias: the model"), (4, " more of "), (10, nil)] as [(Int, String?)])
  func brokenWeightsAreToldAtTheEnd(step: Int, words: String?) throws {
    var small = try SmallTraining()
    small.callbacks = { [Breaker(step: step)] }
    var warnings: [String] = []
    var hasEnded = false
    let watcher = Watcher { event in
      if case .warning(let text) = event, text.contains("NaN or infinite") {
        #expect(!hasEnded)
        warnings.append(text)
      }
      if case .trainEnded = event { hasEnded = true }
    }
    let result = try small.fit(sinks: [watcher]).1
    #expect(result.outcome == .completed && hasEnded)
    #expect(result.weightsAreFinite == (words == nil))
    #expect(warnings.count == (words == nil ? 0 : 1))
    if let words { #expect(warnings.first?.contains(words) == true, "\(warnings)") }
  }

  /// The last step has broken the weights, and the training ends with those of an epoch before.
  @Test func weightsThatArePutBackAreNotBroken() throws {
    var small = try SmallTraining()
    small.callbacks = { [Breaker(step: 9), EarlyStopping(patience: 5, restoreBestWeights: true)] }
    var warnings: [String] = []
    var isPutBack = false
    let watcher = Watcher { event in
      if case .warning(let text) = event { warnings.append(text) }
      if case .bestWeightsRestored = event { isPutBack = true }
    }
    let (trainer, result) = try small.fit(sinks: [watcher])
    #expect(isPutBack && result.weightsAreFinite)
    #expect(!warnings.contains { $0.contains("NaN or infinite") }, "\(warnings)")
    #expect(trainer.model.weights.tensors.values.allSatisfy { $0.elements().allSatisfy(\.isFinite) })
  }

  @Test func raisingFailsTheTraining() throws {
    #expect {
      _ = try train([4], TerminateOnNonFinite(mode: .raise))
    } throws: { error in
      "\(error)"
        == "callback terminate_on_non_finite: step 5: the loss is nan; lower the learning rate or clip the gradients"
    }
  }
}
