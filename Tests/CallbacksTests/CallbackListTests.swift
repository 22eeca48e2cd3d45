import Callbacks
import Foundation
import PluginConfiguration
import Testing

@Suite struct CallbackListTests {
  private let plan = TrainingPlan(
    epochs: 10, stepsPerEpoch: 5, validationSamples: 3, learningRate: 0.1, metrics: [.loss, .valLoss])

  private func complaint(_ callbacks: any Callback..., plan: TrainingPlan? = nil) -> String? {
    do {
      try CallbackList(callbacks).check(plan ?? self.plan)
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func argumentsThatMakeNoSenseAreRefusedBeforeTheFirstStep() {
    #expect(complaint(EarlyStopping(patience: -1)) == "callback early_stopping: patience is -1; give 0 or more")
    #expect(
      complaint(ReduceLROnPlateau(factor: 1))
        == "callback reduce_lr_on_plateau: factor is 1.0; give a number between 0 and 1")
    #expect(complaint(ReduceLROnPlateau(cooldown: -2))?.contains("cooldown is -2") == true)
    #expect(
      complaint(WarmupLearningRate(start: 0.1, target: 1, epochs: 0))
        == "callback warmup_learning_rate: warmup_epochs is 0; give 1 or more")
    #expect(complaint(WarmupLearningRate(start: 0, target: 1, epochs: 2))?.contains("start_lr is 0.0") == true)
    #expect(complaint(OneCycle(maximum: .nan))?.contains("max_lr is nan") == true)
    #expect(complaint(OneCycle(maximum: 1, warmupShare: 1.5))?.contains("pct_start is 1.5") == true)
    #expect(complaint(ExactMatchCheckpoint(every: 0))?.contains("every is 0") == true)
    #expect(complaint(ModelCheckpoint(fileName: "a/b"))?.contains("filename is \"a/b\"") == true)
    #expect(complaint(TimeBudget(seconds: 0))?.contains("seconds is 0.0") == true)
    var unvalidated = plan
    unvalidated.validationSamples = 0
    #expect(complaint(ExactMatchCheckpoint(), plan: unvalidated)?.contains("no validation image") == true)
    #expect(complaint(EarlyStopping(patience: 2), WarmupLearningRate(start: 0.1, target: 1, epochs: 10)) == nil)
    #expect(complaint(EarlyStopping(patience: 2), OneCycle(maximum: 1)) == nil)
  }

  @Test func metricsThatNothingReportsAreRefused() {
    #expect(
      complaint(EarlyStopping(monitor: "val_exact_match"))
        == "callback early_stopping: nothing reports the metric \"val_exact_match\"; choose one of: loss, val_loss")
    #expect(complaint(ModelCheckpoint(fileName: "m-{recall:.2f}"))?.contains("\"recall\"") == true)
    #expect(
      complaint(EarlyStopping(monitor: "val_score"), plan: planReporting("val_score"))?.contains("mode is auto") == true
    )
    #expect(complaint(EarlyStopping(monitor: "val_score", mode: .max), plan: planReporting("val_score")) == nil)
  }

  private func planReporting(_ metric: MetricKey) -> TrainingPlan {
    var plan = plan
    plan.metrics.insert(metric)
    return plan
  }

  /// Adds a number of its own to the logs.
  private final class Scorer: Callback {
    let name = "scorer"
    var providedMetrics: [MetricKey] { ["val_score"] }
    func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) { logs["val_score"] = 5 }
  }

  private final class Reader: Callback {
    let name = "reader"
    var seen: [Logs] = []
    var requiredMetrics: [MetricKey] { ["val_score"] }
    func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) { seen.append(logs) }
  }

  @Test func whatACallbackAddsTheLaterOnesSee() throws {
    let (scorer, reader) = (Scorer(), Reader())
    #expect(complaint(scorer, reader) == nil)
    #expect(complaint(reader, scorer) != nil)
    var logs: Logs = [.loss: 1]
    try CallbackList([scorer, reader]).onEpochEnd(FakeContext.any(), logs: &logs)
    #expect(reader.seen == [[.loss: 1, "val_score": 5]])
    #expect(logs == [.loss: 1, "val_score": 5])
  }

  private final class Failing: Callback {
    struct Failure: Error {}
    let name = "failing"
    func onTrainEnd(_ context: any TrainingContext, outcome: TrainingOutcome) throws { throw Failure() }
  }

  private final class Witness: Callback {
    let name = "witness"
    var outcome: TrainingOutcome?
    func onTrainEnd(_ context: any TrainingContext, outcome: TrainingOutcome) { self.outcome = outcome }
  }

  @Test func everyCallbackHearsOfTheEnd() {
    let witness = Witness()
    #expect(throws: Failing.Failure.self) {
      try CallbackList([Failing(), witness]).onTrainEnd(FakeContext.any(), outcome: .failed("no memory"))
    }
    #expect(witness.outcome == .failed("no memory"))
  }

  @Test func stateOfAnotherListIsRefused() throws {
    let saved = try CallbackList([EarlyStopping(), ModelCheckpoint()]).savedStates()
    #expect(
      throws: CallbackError.otherCallbacks(
        saved: ["early_stopping", "model_checkpoint"], present: ["model_checkpoint", "early_stopping"])
    ) { try CallbackList([ModelCheckpoint(), EarlyStopping()]).restore(saved) }
    #expect(throws: CallbackError.self) { try EarlyStopping().restore(CallbackState(json: "{")) }
  }

  // MARK: Registry

  private func message(_ name: String, _ arguments: [String: ConfigurationValue] = [:]) -> String? {
    do {
      _ = try CallbackRegistry.standard.makeCallback(ComponentConfiguration(name, arguments))
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func namesAndArgumentsThatAreNotKnownGetTheNearest() {
    #expect(message("EarlyStoping") == "there is no callback \"EarlyStoping\"; did you mean \"early_stopping\"?")
    let names = CallbackRegistry.standard.names.joined(separator: ", ")
    #expect(message("xyz") == "there is no callback \"xyz\"; choose one of: \(names)")
    #expect(names.contains("cosine_decay, cosine_decay_restarts, "))
    #expect(
      message("early_stopping", ["patiense": 3])
        == "early_stopping has no argument \"patiense\"; did you mean \"patience\"?")
    #expect(
      message("early_stopping", ["patience": -3]) == "early_stopping: patience is -3; give an integer of at least 0")
    #expect(message("early_stopping", ["mode": "up"]) == "early_stopping: mode is \"up\"; give min or max or auto")
    #expect(message("one_cycle") == "one_cycle: max_lr is missing; give a number of at least 0.0")
    #expect(message("cosine_decay") == "cosine_decay: initial_learning_rate is missing; give a number of at least 0.0")
    #expect(
      message("cosine_decay", ["initial_learning_rate": 0.1, "decay_step": 3])
        == "cosine_decay has no argument \"decay_step\"; did you mean \"decay_steps\"?")
    #expect(
      message("cosine_decay", ["initial_learning_rate": 0.1, "decay_steps": 0])
        == "cosine_decay: decay_steps is 0; give an integer of at least 1")
    #expect(message("cosine_decay", ["initial_learning_rate": 0.1, "decay_steps": .null]) == nil)
    #expect(
      message("cosine_decay_restarts", ["initial_learning_rate": 0.1, "first_decay_steps": 3, "tmul": 3])
        == "cosine_decay_restarts has no argument \"tmul\"; did you mean \"t_mul\"?")
    #expect(
      message("cosine_decay_restarts", ["initial_learning_rate": 0.1])
        == "cosine_decay_restarts: first_decay_steps is missing; give an integer of at least 1")
    #expect(
      message(
        "exponential_decay", ["initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5, "stairs": true])
        == "exponential_decay has no argument \"stairs\"; did you mean \"staircase\"?")
    #expect(
      message("exponential_decay", ["initial_learning_rate": 0.1, "decay_steps": 3])
        == "exponential_decay: decay_rate is missing; give a number from 0.0 to 1.0")
    #expect(
      message("terminate_on_non_finite", ["mode": "skp"])
        == "terminate_on_non_finite: mode is \"skp\"; give stop or raise or skip")
  }

  @Test func everyStockCallbackCanBeNamed() throws {
    let needed: [String: [String: ConfigurationValue]] = [
      "warmup_learning_rate": ["start_lr": 0.1, "target_lr": 1, "warmup_epochs": 3], "one_cycle": ["max_lr": 0.1],
      "cosine_decay": ["initial_learning_rate": 0.1],
      "cosine_decay_restarts": ["initial_learning_rate": 0.1, "first_decay_steps": 10],
      "exponential_decay": ["initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5],
      "time_budget": ["seconds": 60], "delayed_early_stopping": ["start_epoch": 5],
    ]
    for name in CallbackRegistry.standard.names {
      let callback = try CallbackRegistry.standard.makeCallback(ComponentConfiguration(name, needed[name] ?? [:]))
      #expect(callback.name == (name == "delayed_early_stopping" ? "early_stopping" : name))
      try callback.check(plan)
    }
  }
}
