import Tensor
import Testing

@testable import Callbacks

/// Which callbacks may be together.
@Suite struct EffectConflictTests {
  private func plan(epochs: Int) -> TrainingPlan {
    TrainingPlan(
      epochs: epochs, stepsPerEpoch: 5, validationSamples: 3, learningRate: 0.1, metrics: [.loss, .valLoss])
  }

  private func conflict(_ callbacks: any Callback..., epochs: Int = 100) -> CallbackError? {
    do {
      try CallbackList(callbacks).check(plan(epochs: epochs))
      return nil
    } catch {
      return error as? CallbackError
    }
  }

  private func warnings(_ callbacks: any Callback..., epochs: Int = 100) -> [String] {
    CallbackList(callbacks).warnings(for: plan(epochs: epochs))
  }

  private func warmup(_ epochs: Int) -> WarmupLearningRate {
    WarmupLearningRate(start: 0.0001, target: 0.001, epochs: epochs)
  }

  // MARK: Rates

  @Test func aReductionUnderAScheduleIsRefused() {
    for schedule: any Callback in [
      OneCycle(maximum: 0.1), CosineDecay(initialLearningRate: 0.1),
      CosineDecayRestarts(initialLearningRate: 0.1, firstDecaySteps: 5),
      ExponentialDecay(initialLearningRate: 0.1, decaySteps: 5, decayRate: 0.5),
      LearningRateSchedule(perEpoch: { _ in 0.1 }), LearningRateSchedule(perStep: { _ in 0.1 }),
    ] {
      let reason = "\(schedule.name) sets the learning rate to the end, so that reduce_lr_on_plateau has no effect"
      // A trial so short that nothing would be reduced is no exception: the same list would fail when made longer.
      for epochs in [1, 5, 100] {
        #expect(
          conflict(schedule, ReduceLROnPlateau(), epochs: epochs)
            == .conflict(first: schedule.name, second: "reduce_lr_on_plateau", reason: reason))
        #expect(
          conflict(ReduceLROnPlateau(), schedule, epochs: epochs)
            == .conflict(first: schedule.name, second: "reduce_lr_on_plateau", reason: reason))
      }
    }
    let error = conflict(ReduceLROnPlateau(), OneCycle(maximum: 1))
    #expect(
      error?.description
        == "callbacks one_cycle and reduce_lr_on_plateau: one_cycle sets the learning rate to the end, so that "
        + "reduce_lr_on_plateau has no effect; remove one of them or change its arguments")
  }

  @Test func twoThatSetTheSameEpochsAreRefused() {
    #expect(
      conflict(warmup(5), warmup(3))
        == .conflict(
          first: "warmup_learning_rate", second: "warmup_learning_rate",
          reason: "both set the learning rate in epochs 1 to 3"))
    #expect(
      conflict(warmup(1), OneCycle(maximum: 0.1))
        == .conflict(
          first: "warmup_learning_rate", second: "one_cycle", reason: "both set the learning rate in epoch 1"))
    #expect(
      conflict(OneCycle(maximum: 0.1), CosineDecay(initialLearningRate: 0.1))
        == .conflict(
          first: "one_cycle", second: "cosine_decay", reason: "both set the learning rate in all epochs"))
    // One epoch after the other is fine.
    let early = MadeUp("early", .setsLearningRate(epochs: 0..<5))
    #expect(conflict(early, MadeUp("late", .setsLearningRate(epochs: 5..<9))) == nil)
    #expect(
      conflict(
        MadeUp("a", .setsLearningRate(epochs: 3..<Int.max)), MadeUp("b", .setsLearningRate(epochs: 7..<Int.max)))
        == .conflict(first: "a", second: "b", reason: "both set the learning rate in epochs from 8 on"))
  }

  /// The recipe of the original system: allowed, since the warm-up is usually over before the loss is flat.
  @Test func aReductionWithinAWarmupIsWarnedOf() {
    let text =
      "warmup_learning_rate sets the learning rate in epochs 1 to 15, so that a change by reduce_lr_on_plateau before "
      + "their end is lost; let reduce_lr_on_plateau begin later or give warmup_learning_rate fewer epochs if that is not "
      + "meant"
    #expect(conflict(ReduceLROnPlateau(patience: 8), warmup(15)) == nil)
    #expect(warnings(ReduceLROnPlateau(patience: 8), warmup(15)) == [text])
    #expect(warnings(warmup(15), ReduceLROnPlateau(patience: 8)) == [text])
    for patience in [14, 15, 20] { #expect(warnings(warmup(15), ReduceLROnPlateau(patience: patience)) == []) }
    // A trial of one epoch: only that the warm-up is cut short.
    #expect(conflict(ReduceLROnPlateau(patience: 8), warmup(15), epochs: 1) == nil)
    let trial = warnings(ReduceLROnPlateau(patience: 8), warmup(15), epochs: 1)
    #expect(trial.count == 1 && trial.first?.contains("the training only 1") == true)
  }

  /// By trial: with a loss that never gets better, a warning comes exactly where a reduction is in fact overwritten.
  @Test func theWarningIsTrue() throws {
    for epochs in 1...6 {
      for patience in 0...6 {
        let (raise, plateau) = (warmup(epochs), ReduceLROnPlateau(factor: 0.5, patience: patience))
        let context = FakeContext(plan: plan(epochs: 8))
        var isLost = false
        var reduced: Float?
        for epoch in 0..<8 {
          context.epoch = epoch
          raise.onEpochBegin(context)
          if let reduced, context.learningRate != reduced { isLost = true }
          let before = context.learningRate
          var logs: Logs = [.valLoss: 1]
          plateau.onEpochEnd(context, logs: &logs)
          reduced = context.learningRate == before ? nil : context.learningRate
        }
        #expect(
          warnings(raise, plateau, epochs: 8).isEmpty == !isLost, "warm-up of \(epochs) epochs, patience \(patience)")
      }
    }
  }

  @Test func aScheduleThatBeginsLaterLosesWhatWasReducedBefore() {
    let late = MadeUp("late", .setsLearningRate(epochs: 50..<Int.max))
    #expect(conflict(late, ReduceLROnPlateau(patience: 8)) == nil)
    #expect(warnings(late, ReduceLROnPlateau(patience: 8)).first?.contains("in epochs from 51 on") == true)
    #expect(warnings(late, ReduceLROnPlateau(patience: 8), epochs: 50) == [])
    #expect(conflict(late, ReduceLROnPlateau(patience: 49))?.description.contains("has no effect") == true)
  }

  @Test func thoseThatChangeTheRateThatIsThereGoTogether() {
    let closure = LearningRateSchedule(perEpoch: { _, rate in rate * 0.9 })
    #expect(conflict(ReduceLROnPlateau(patience: 3), ReduceLROnPlateau(patience: 5), closure) == nil)
    #expect(warnings(ReduceLROnPlateau(patience: 3), ReduceLROnPlateau(patience: 5), closure) == [])
    #expect(
      conflict(closure, OneCycle(maximum: 0.1))
        == .conflict(
          first: "one_cycle", second: "learning_rate_schedule",
          reason: "one_cycle sets the learning rate to the end, so that learning_rate_schedule has no effect"))
    #expect(warnings(closure, warmup(3)).first?.contains("let learning_rate_schedule begin later") == true)
  }

  // MARK: Others

  private final class MadeUp: Callback {
    let name: String
    private let effects: [CallbackEffect]

    init(_ name: String, _ effects: CallbackEffect...) { (self.name, self.effects) = (name, effects) }

    func effects(in plan: TrainingPlan) -> [CallbackEffect] { effects }
  }

  @Test func oneModelFileHasOneWriter() {
    let (first, second) = (MadeUp("first", .savesModel(named: "best")), MadeUp("second", .savesModel(named: "best")))
    #expect(
      conflict(first, second)
        == .conflict(first: "first", second: "second", reason: "both write the model file \"best\""))
    #expect(conflict(first, MadeUp("second", .savesModel(named: "best-val-loss"))) == nil)
    let templates = ["m-{epoch}", "m-{epoch}"].map { MadeUp("templates", .savesModel(named: $0)) }
    #expect(conflict(templates[0], templates[1])?.description.contains("\"m-1\"") == true)
    // Two effects of one callback are its own affair.
    #expect(conflict(MadeUp("both", .savesModel(named: "best"), .savesModel(named: "best"))) == nil)
  }

  @Test func evaluationWeightsAreChosenOnce() {
    let (first, second) = (MadeUp("ema", .choosesEvaluationWeights), MadeUp("swa", .choosesEvaluationWeights))
    #expect(
      conflict(first, second)
        == .conflict(first: "ema", second: "swa", reason: "both choose the weights that are measured and saved"))
    #expect(conflict(first, MadeUp("other", .savesModel(named: "best")), OneCycle(maximum: 0.1)) == nil)
  }

  /// Of several conflicts the first in the list's order is told.
  @Test func theFirstConflictIsTold() {
    #expect(
      conflict(
        MadeUp("a", .setsLearningRate(epochs: 0..<2)), MadeUp("b", .choosesEvaluationWeights),
        MadeUp("c", .choosesEvaluationWeights), MadeUp("d", .setsLearningRate(epochs: 1..<3)))
        == .conflict(first: "a", second: "d", reason: "both set the learning rate in epoch 2"))
  }
}
