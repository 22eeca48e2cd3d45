import PluginConfiguration
import Testing

@testable import Callbacks

/// What all schedules share, and what Keras's numbers do not show.
@Suite struct StepScheduleTests {
  private let plan = TrainingPlan(epochs: 4, stepsPerEpoch: 5, learningRate: 0.1, metrics: [.loss])

  /// Every schedule, new each time; those of the first list depend on the number of steps.
  private let bound: [() -> any StepSchedule] = [
    { OneCycle(maximum: 0.1) },
    { CosineDecay(initialLearningRate: 0.1) },
    { CosineDecay(initialLearningRate: 0, warmupTarget: 0.1, warmupSteps: 3) },
  ]
  private let free: [() -> any StepSchedule] = [
    { CosineDecay(initialLearningRate: 0.1, decaySteps: 12) },
    { CosineDecayRestarts(initialLearningRate: 0.1, firstDecaySteps: 3, mMul: 0.9) },
    { ExponentialDecay(initialLearningRate: 0.1, decaySteps: 6, decayRate: 0.5) },
  ]

  // MARK: Rates

  @Test func aDecayOfAllStepsIsOneOfAsManyAsAreLeft() {
    let whole = CosineDecay(initialLearningRate: 0.1, alpha: 0.1)
    let given = CosineDecay(initialLearningRate: 0.1, decaySteps: 20, alpha: 0.1)
    let warmed = CosineDecay(initialLearningRate: 0.01, warmupTarget: 0.1, warmupSteps: 6)
    let warmedGiven = CosineDecay(initialLearningRate: 0.01, decaySteps: 14, warmupTarget: 0.1, warmupSteps: 6)
    for step in 0...25 {
      #expect(whole.rate(step: step, of: 20) == given.rate(step: step, of: 7))
      #expect(warmed.rate(step: step, of: 20) == warmedGiven.rate(step: step, of: 7))
    }
    // A trial that ends within the warm-up.
    #expect(warmed.rate(step: 2, of: 3) == warmedGiven.rate(step: 2, of: 3))
    #expect(warmed.rate(step: 6, of: 3) == 0.1)
  }

  /// Cycles of 1, 2, 4, … steps begin at 2^k − 1, where a rounded logarithm loses some of the restarts.
  @Test func noRestartIsLostToRounding() {
    let doubling = CosineDecayRestarts(initialLearningRate: 0.1, firstDecaySteps: 1)
    for power in 0..<40 { #expect(doubling.rate(step: 1 << power - 1, of: 1) == 0.1, "2^\(power) − 1") }
    let tripling = CosineDecayRestarts(initialLearningRate: 0.1, firstDecaySteps: 2, tMul: 3)
    var (begin, length) = (0, 2)
    for _ in 0..<20 {
      #expect(tripling.rate(step: begin, of: 1) == 0.1, "step \(begin)")
      // One step before the end of a decay of n steps: cos²(π/2·(1 − 1/n)) ≤ (π/2n)².
      let steps = Double(length / 3)
      if steps > 1 { #expect(tripling.rate(step: begin - 1, of: 1) <= 0.1 * 2.47 / (steps * steps) + 1e-16) }
      begin += length
      length *= 3
    }
    // 100·(1.1^k − 1)/0.1 is whole for k = 1, 2 and 3.
    let slow = CosineDecayRestarts(initialLearningRate: 0.1, firstDecaySteps: 1000, tMul: 1.1)
    for step in [0, 1000, 2100, 3310] { #expect(slow.rate(step: step, of: 1) == 0.1, "step \(step)") }
  }

  @Test func theRateIsReportedOncePerEpoch() throws {
    for make in bound + free {
      let (schedule, context) = (make(), FakeContext(plan: plan))
      try schedule.onTrainBegin(context)
      _ = try rates(schedule, context, steps: 0..<20)
      let changes = context.events.compactMap { if case .learningRateChanged(let change) = $0 { change } else { nil } }
      #expect(changes.map(\.epoch) == [0, 1, 2, 3], "\(schedule.name)")
      for change in changes {
        #expect(change.isPlanned && change.callback == schedule.name)
        #expect(change.requested == (try schedule.rate(step: 5 * change.epoch, of: 20)))
      }
      #expect(schedule.effects(in: plan) == [.setsLearningRate(epochs: 0..<Int.max)])
      #expect(schedule.providedMetrics == [.learningRate])
    }
  }

  /// Does as the loop does for these steps, which may begin within an epoch.
  private func rates(_ schedule: any StepSchedule, _ context: FakeContext, steps: Range<Int>) throws -> [Float] {
    try steps.map { step in
      context.step = step
      context.epoch = step / context.plan.stepsPerEpoch
      if step % context.plan.stepsPerEpoch == 0 { try schedule.onEpochBegin(context) }
      try schedule.onBatchBegin(context)
      return context.learningRate
    }
  }

  // MARK: Resuming

  @Test func resumedRatesAreTheSame() throws {
    for make in bound + free {
      let whole = make()
      try whole.onTrainBegin(FakeContext(plan: plan))
      let expected = try rates(whole, FakeContext(plan: plan), steps: 0..<20)
      for cut in 0..<20 {
        let first = make()
        try first.onTrainBegin(FakeContext(plan: plan))
        let begin = try rates(first, FakeContext(plan: plan), steps: 0..<cut)
        let second = make()
        let context = FakeContext(plan: plan)
        try second.onTrainBegin(context)
        try second.restore(first.savedState())
        #expect(try begin + rates(second, context, steps: cut..<20) == expected, "\(whole.name), cut at \(cut)")
      }
    }
  }

  @Test func onlyACurveThatDependsOnTheLengthRefusesMoreEpochs() throws {
    var longer = plan
    longer.epochs = 6
    for (schedules, isRefused) in [(bound, true), (free, false)] {
      for make in schedules {
        let (first, second) = (make(), make())
        try first.onTrainBegin(FakeContext(plan: plan))
        try second.onTrainBegin(FakeContext(plan: longer))
        let error = CallbackError.invalidArgument(
          callback: first.name, argument: "the schedule", value: "made for 20 steps, and this training has 30",
          remedy: "resume with the same epochs and images, or start a new run")
        #expect(first.dependsOnLength == isRefused)
        if isRefused {
          #expect(throws: error) { try second.restore(first.savedState()) }
        } else {
          try second.restore(first.savedState())
        }
      }
    }
    // What was saved before schedules shared their state.
    let cycle = OneCycle(maximum: 0.1)
    cycle.onTrainBegin(FakeContext(plan: plan))
    try cycle.restore(CallbackState(json: #"{"steps":20}"#))
    #expect(try cycle.savedState().json == #"{"steps":20}"#)
  }

  // MARK: Checks

  private func complaint(_ schedule: any StepSchedule) -> String? {
    do {
      try CallbackList([schedule]).check(plan)
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func argumentsThatMakeNoSenseAreRefused() {
    for rate in [0, -1, Double.nan, .infinity] {
      let expected = "initial_learning_rate is \(rate); give a positive number"
      #expect(complaint(CosineDecay(initialLearningRate: rate)) == "callback cosine_decay: \(expected)")
      #expect(
        complaint(CosineDecayRestarts(initialLearningRate: rate, firstDecaySteps: 2))
          == "callback cosine_decay_restarts: \(expected)")
      #expect(
        complaint(ExponentialDecay(initialLearningRate: rate, decaySteps: 2, decayRate: 0.5))
          == "callback exponential_decay: \(expected)")
    }
    for alpha in [-0.1, 1.1, Double.nan] {
      #expect(
        complaint(CosineDecay(initialLearningRate: 1, alpha: alpha))
          == "callback cosine_decay: alpha is \(alpha); give a number from 0 to 1")
      #expect(
        complaint(CosineDecayRestarts(initialLearningRate: 1, firstDecaySteps: 2, alpha: alpha))
          == "callback cosine_decay_restarts: alpha is \(alpha); give a number from 0 to 1")
    }
    #expect(
      complaint(CosineDecay(initialLearningRate: 1, decaySteps: 0))
        == "callback cosine_decay: decay_steps is 0; give 1 or more, or null for all steps of the run")
    #expect(
      complaint(CosineDecay(initialLearningRate: 1, warmupSteps: 5))
        == "callback cosine_decay: warmup_steps is 5; give warmup_target too, the rate to warm up to")
    #expect(complaint(CosineDecay(initialLearningRate: 1, warmupSteps: -1))?.contains("warmup_steps is -1") == true)
    #expect(
      complaint(CosineDecay(initialLearningRate: 1, warmupTarget: 2))
        == "callback cosine_decay: warmup_steps is 0; give 1 or more, or remove warmup_target")
    #expect(
      complaint(CosineDecay(initialLearningRate: -1, warmupTarget: 2, warmupSteps: 3))
        == "callback cosine_decay: initial_learning_rate is -1.0; give 0 or more")
    #expect(
      complaint(CosineDecay(initialLearningRate: 0, warmupTarget: .nan, warmupSteps: 3))
        == "callback cosine_decay: warmup_target is nan; give a positive number")
    #expect(complaint(CosineDecay(initialLearningRate: 0, warmupTarget: 2, warmupSteps: 3)) == nil)
    #expect(
      complaint(CosineDecayRestarts(initialLearningRate: 1, firstDecaySteps: 0))?.contains("first_decay_steps is 0")
        == true)
    for factor in [0.9, -1, Double.nan, .infinity] {
      #expect(
        complaint(CosineDecayRestarts(initialLearningRate: 1, firstDecaySteps: 2, tMul: factor))
          == "callback cosine_decay_restarts: t_mul is \(factor); give a number of at least 1")
    }
    #expect(
      complaint(CosineDecayRestarts(initialLearningRate: 1, firstDecaySteps: 2, mMul: 0))?.contains("m_mul is 0.0")
        == true)
    // 19 restarts: 1000^19 is beyond a float.
    #expect(
      complaint(CosineDecayRestarts(initialLearningRate: 1, firstDecaySteps: 1, tMul: 1, mMul: 1000))
        == "callback cosine_decay_restarts: m_mul is 1000.0; the rate becomes infinite in this run; give 1 or less")
    #expect(
      complaint(ExponentialDecay(initialLearningRate: 1, decaySteps: 0, decayRate: 0.5))?.contains("decay_steps is 0")
        == true)
    for rate in [0, -0.5, 1.5, Double.nan] {
      #expect(
        complaint(ExponentialDecay(initialLearningRate: 1, decaySteps: 2, decayRate: rate))
          == "callback exponential_decay: decay_rate is \(rate); give a number above 0 and at most 1")
    }
  }

  /// Numbers that a Double holds and the optimizer's Float does not, and restarts without end.
  @Test func argumentsThatWouldFailInTheMiddleOfATrainingAreRefused() {
    #expect(complaint(OneCycle(maximum: 1e39))?.contains("max_lr is 1e+39; give a smaller number") == true)
    #expect(complaint(OneCycle(maximum: 0.003, finalDivisor: 1e-300))?.contains("final_div_factor") == true)
    #expect(complaint(OneCycle(maximum: 0.003, initialDivisor: 1e-300))?.contains("div_factor") == true)
    #expect(
      complaint(CosineDecay(initialLearningRate: 0.1, warmupTarget: 1e308, warmupSteps: 3))?.contains("warmup_target")
        == true)
    #expect(
      complaint(CosineDecay(initialLearningRate: 1e39, warmupTarget: 1, warmupSteps: 3))?
        .contains("initial_learning_rate") == true)
    #expect(
      complaint(CosineDecayRestarts(initialLearningRate: 0.1, firstDecaySteps: 1, tMul: 1.000_001))?
        .contains("give 1, or at least 1.01") == true)
    let warmup = WarmupLearningRate(start: 0.1, target: 1e308, epochs: 2)
    #expect(throws: CallbackError.self) { try warmup.check(plan) }
    let plateau = ReduceLROnPlateau(patience: .max)
    #expect(plateau.effects(in: plan) == [.changesLearningRate(firstEpoch: .max)])
  }

  @Test func aRateOf0AtTheEndIsWarnedOf() {
    func warnings(_ schedule: any StepSchedule) -> [String] { CallbackList([schedule]).warnings(for: plan) }
    #expect(
      warnings(CosineDecay(initialLearningRate: 0.1, decaySteps: 10)) == [
        "cosine_decay: the learning rate is 0 from step 11 of 20 on, so that nothing is learnt there; set decay_steps to "
          + "null for a decay to the end, or alpha to more than 0"
      ])
    #expect(
      warnings(CosineDecay(initialLearningRate: 0, decaySteps: 10, warmupTarget: 0.1, warmupSteps: 5)).first?
        .contains("from step 16 of 20") == true)
    #expect(
      warnings(ExponentialDecay(initialLearningRate: 0.1, decaySteps: 1, decayRate: 1e-10)).first?
        .contains("exponential_decay: the learning rate is 0 from step 6 of 20 on") == true)
    #expect(
      warnings(CosineDecayRestarts(initialLearningRate: 0.1, firstDecaySteps: 2, tMul: 1, mMul: 1e-10)).first?
        .contains("from step 11 of 20 on") == true)
    #expect(
      warnings(CosineDecay(initialLearningRate: 0, decaySteps: 10, warmupTarget: 0.1, warmupSteps: 20)) == [
        "cosine_decay: the warm-up takes 20 steps and the training has only 20, so the rate never reaches 0.1; train longer "
          + "or set warmup_steps lower"
      ])
    // Only the last step; decays that end higher, later, or with the run.
    #expect(warnings(CosineDecay(initialLearningRate: 0.1, decaySteps: 19)) == [])
    #expect(warnings(CosineDecay(initialLearningRate: 0.1, decaySteps: 10, alpha: 0.01)) == [])
    #expect(warnings(CosineDecay(initialLearningRate: 0.1, decaySteps: 1000)) == [])
    for make in bound + free.dropFirst() { #expect(warnings(make()) == []) }
  }

  /// A configuration is checked before anyone knows how many images there are.
  @Test func nothingIsSaidOfAnUnknownNumberOfSteps() throws {
    var plan = plan
    plan.stepsPerEpoch = 0
    let warmed = CosineDecay(initialLearningRate: 0, decaySteps: 10, warmupTarget: 0.1, warmupSteps: 20)
    for schedule in (bound + free).map({ $0() }) + [warmed] {
      try CallbackList([schedule]).check(plan)
      #expect(CallbackList([schedule]).warnings(for: plan) == [])
    }
  }

  // MARK: Closures

  @Test func closuresSetTheRatePerEpochOrPerStep() throws {
    let context = FakeContext.any(epochs: 3, stepsPerEpoch: 2, rate: 0.5)
    let perEpoch = LearningRateSchedule(perEpoch: { epoch in 1 / Double(epoch + 1) })
    let perStep = LearningRateSchedule(perStep: { step in 1 / Double(step + 1) })
    for (schedule, expected) in [(perEpoch, [1, 1, 0.5, 0.5]), (perStep, [1, 0.5, Float(1.0 / 3), 0.25])] {
      var rates: [Float] = []
      for step in 0..<4 {
        (context.step, context.epoch) = (step, step / 2)
        if step % 2 == 0 { try schedule.onEpochBegin(context) }
        try schedule.onBatchBegin(context)
        rates.append(context.learningRate)
      }
      #expect(rates == expected)
      var logs = Logs()
      schedule.onEpochEnd(context, logs: &logs)
      #expect(logs[.learningRate] == expected.last.map { Double($0) })
    }
    let planned = context.events.allSatisfy {
      if case .learningRateChanged(let change) = $0 { change.isPlanned } else { false }
    }
    #expect(planned && context.events.count == 4)
  }

  @Test(arguments: [-1, Double.nan, .infinity, 1e300])
  func ratesThatNoOptimizerCanUseAreRefused(rate: Double) throws {
    func message(_ body: () throws -> Void) -> String? {
      do {
        try body()
        return nil
      } catch {
        return "\(error)"
      }
    }
    let context = FakeContext.any()
    (context.epoch, context.step) = (3, 17)
    func expected(_ name: String, _ place: String) -> String {
      "callback \(name): the learning rate for \(place), counted from 0, is \(rate); change the schedule so that every rate "
        + "is a finite number of at least 0"
    }
    let perEpoch = LearningRateSchedule(perEpoch: { _ in rate })
    let changing = LearningRateSchedule(perEpoch: { _, _ in rate })
    let perStep = LearningRateSchedule(perStep: { _ in rate })
    #expect(message { try perEpoch.onEpochBegin(context) } == expected("learning_rate_schedule", "epoch 3"))
    #expect(message { try changing.onEpochBegin(context) } == expected("learning_rate_schedule", "epoch 3"))
    #expect(message { try perStep.onEpochBegin(context) } == expected("learning_rate_schedule", "step 17"))
    #expect(message { try perStep.onBatchBegin(context) } == expected("learning_rate_schedule", "step 17"))
    let own = Constant(rate)
    #expect(message { try own.onEpochBegin(context) } == expected("constant", "step 17"))
    #expect(message { try own.onBatchBegin(context) } == expected("constant", "step 17"))
    #expect(context.learningRate == 0.001 && context.events.isEmpty)
  }

  /// A schedule as a user writes it.
  private final class Constant: StepSchedule {
    let name = "constant"
    var state = ScheduledLength()
    private let rate: Double
    init(_ rate: Double) { self.rate = rate }
    func rate(step: Int, of steps: Int) -> Double { rate }
  }
}
