import PluginConfiguration
import Tensor
import Testing

@testable import Callbacks

@Suite struct LearningRateCallbackTests {
  /// The numbers of PyTorch's own test of OneCycleLR with cosine annealing (10 steps, maximum 25, final divisor 2).
  @Test func oneCycleFollowsPyTorch() {
    let cycle = OneCycle(maximum: 25, finalDivisor: 2)
    let expected = [
      1, 13, 25, 23.786868631804634, 20.387750072769485, 15.475881440964852, 10.024118559035148, 5.112249927230515,
      1.7131313681953668, 0.5,
    ]
    for (step, rate) in expected.enumerated() { #expect(abs(cycle.rate(step: step, of: 10) - rate) < 1e-12) }
    #expect(cycle.rate(step: 11, of: 10) == 0.5)
  }

  /// Calculated with PyTorch's formula: 444 steps, and runs too short for a warm-up.
  @Test func oneCycleOfOtherLengths() {
    let cycle = OneCycle(maximum: 0.003, warmupShare: 0.25, initialDivisor: 10, finalDivisor: 100)
    let expected = [
      (0, 0.0003), (1, 0.00030055053968194466), (50, 0.001457874968331065), (109, 0.0029994494603180553),
      (110, 0.003), (111, 0.0029999333139783912), (250, 0.0018722444483640758), (442, 3.066686021609177e-06),
      (443, 3e-06),
    ]
    for (step, rate) in expected { #expect(abs(cycle.rate(step: step, of: 444) - rate) < 1e-15) }
    #expect(abs(OneCycle(maximum: 0.1).rate(step: 0, of: 2) - 0.0811745653949763) < 1e-15)
    #expect(abs(OneCycle(maximum: 0.1).rate(step: 0, of: 1) - 4e-7) < 1e-15)
  }

  @Test func oneCycleSetsTheRateBeforeEveryBatch() throws {
    let context = FakeContext.any(epochs: 2, stepsPerEpoch: 5, rate: 1)
    let cycle = OneCycle(maximum: 25, finalDivisor: 2)
    var rates: [Float] = []
    for step in 0..<10 {
      context.step = step
      try cycle.onBatchBegin(context)
      rates.append(context.learningRate)
    }
    #expect(rates[0] == 1 && rates[1] == 13 && rates[2] == 25 && rates[9] == 0.5)
    var logs = Logs()
    try cycle.onEpochEnd(context, logs: &logs)
    #expect(logs[.learningRate] == 0.5)
  }

  @Test func warmupReportsWhatWasAskedForAndWhatTheOptimizerHas() throws {
    let context = FakeContext.any(rate: 0.5)
    let warmup = WarmupLearningRate(start: 0.0001, target: 0.001, epochs: 3)
    warmup.onEpochBegin(context)
    #expect(context.learningRate == Float(0.0004))
    guard case .learningRateChanged(let change) = try #require(context.events.first) else {
      Issue.record("no change of the rate was reported")
      return
    }
    #expect(abs(change.requested - 0.0004) < 1e-18)
    #expect(change.effective == Float(0.0004))
    #expect(change.earlier == 0.5)
    context.epoch = 3
    context.learningRate = 0.7
    warmup.onEpochBegin(context)
    #expect(context.learningRate == 0.7)
  }

  /// Keras lets a first NaN be the best for ever; ours passes over it, so an improving loss keeps its rate.
  @Test func plateauIgnoresNaN() {
    func ratesAfter(kerasCompatible: Bool) -> [Float] {
      let context = FakeContext.any(rate: 1)
      let plateau = ReduceLROnPlateau(factor: 0.5, patience: 2, kerasCompatible: kerasCompatible)
      return [Double.nan, 0.9, 0.8, 0.7, 0.6].enumerated().map { epoch, loss in
        context.epoch = epoch
        var logs: Logs = [.valLoss: loss]
        plateau.onEpochEnd(context, logs: &logs)
        return context.learningRate
      }
    }
    #expect(ratesAfter(kerasCompatible: false) == [1, 1, 1, 1, 1])
    #expect(ratesAfter(kerasCompatible: true) == [1, 1, 0.5, 0.5, 0.25])
  }

  @Test func aWarmupLongerThanTheRunIsWarnedOf() {
    let warmup = WarmupLearningRate(start: 0.1, target: 1, epochs: 15)
    let warning =
      "warmup_learning_rate: the warm-up takes 15 epochs and the training only 3, so the rate never reaches 1.0; train "
      + "longer or set warmup_epochs lower"
    let context = FakeContext.any(epochs: 3)
    #expect(CallbackList([warmup]).warnings(for: context.plan) == [warning])
    #expect(CallbackList([warmup]).warnings(for: FakeContext.any(epochs: 15).plan) == [])
    // The loop sends it; a second one from the callback itself would say the same twice.
    #expect(throws: Never.self) { try warmup.onTrainBegin(context) }
    #expect(context.events.isEmpty)
  }

  /// All courses of a loss that gets better or worse: none reduces the rate before the epoch that the effect names, and
  /// one does in it.
  @Test func plateauNamesTheFirstEpochThatItCanChange() {
    for patience in 0...5 {
      var earliest = Int.max
      for course in 0..<256 {
        let context = FakeContext.any(rate: 1)
        let plateau = ReduceLROnPlateau(factor: 0.5, patience: patience)
        var loss = 0.0
        for epoch in 0..<8 where context.learningRate == 1 {
          context.epoch = epoch
          loss += course >> epoch & 1 == 0 ? 1 : -1
          var logs: Logs = [.valLoss: loss]
          plateau.onEpochEnd(context, logs: &logs)
          if context.learningRate != 1 { earliest = min(earliest, epoch + 1) }
        }
      }
      let effects = ReduceLROnPlateau(factor: 0.5, patience: patience).effects(in: FakeContext.any().plan)
      #expect(effects == [.changesLearningRate(firstEpoch: earliest)], "patience \(patience)")
    }
  }
}
