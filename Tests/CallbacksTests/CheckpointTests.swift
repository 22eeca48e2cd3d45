import Testing

@testable import Callbacks

/// Which files checkpoints leave.
@Suite struct CheckpointTests {
  private func run(_ callback: any Callback, _ losses: [Double], _ context: FakeContext, from first: Int = 0) throws {
    for (offset, loss) in losses.enumerated() {
      context.epoch = first + offset
      var logs: Logs = [.valLoss: loss]
      try callback.onEpochEnd(context, logs: &logs)
    }
  }

  @Test func savesEverySoManyEpochsAndKeepsTheLatest() throws {
    let context = FakeContext.any()
    let checkpoint = ModelCheckpoint(fileName: "epoch-{epoch:02d}", saveBestOnly: false, every: 2, keep: 2)
    checkpoint.onTrainBegin(context)
    try run(checkpoint, [1, 2, 3, 4, 5, 6, 7], context)
    #expect(context.saved.map(\.epoch) == [1, 3, 5])
    #expect(context.files.keys.sorted() == ["epoch-04", "epoch-06"])
  }

  /// Only improvements are saved; the latest of them stay, not the smallest losses.
  @Test func keepsTheLatestImprovements() throws {
    let context = FakeContext.any()
    let checkpoint = ModelCheckpoint(fileName: "best-{epoch}-{val_loss:.1f}", keep: 2)
    checkpoint.onTrainBegin(context)
    try run(checkpoint, [5, 6, 4, 1, 2, 3], context)
    #expect(context.files.keys.sorted() == ["best-3-4.0", "best-4-1.0"])
  }

  @Test func theLastOneReplacesItself() throws {
    let context = FakeContext.any()
    let checkpoint = ModelCheckpoint(fileName: "last", saveBestOnly: false)
    try run(checkpoint, [1, 2, 3], context)
    #expect(context.files.keys.sorted() == ["last"] && context.files["last"]?["epoch"] == "3")
  }

  /// Cut after each epoch, with the files as a crash later in the next epoch leaves them.
  @Test(arguments: 1...6) func aResumedRunLeavesTheSameFiles(cut: Int) throws {
    let losses = [5.0, 6, 4, 3, 7, 2, 1.5]
    func checkpoint() -> ModelCheckpoint { ModelCheckpoint(fileName: "best-{epoch}", keep: 2) }
    let whole = FakeContext.any()
    try run(checkpoint(), losses, whole)
    let context = FakeContext.any()
    let first = checkpoint()
    first.onTrainBegin(context)
    try run(first, Array(losses.prefix(cut)), context)
    let saved = try first.savedState()
    try run(first, [losses[cut]], context, from: cut)
    context.plan.initialEpoch = cut
    let second = checkpoint()
    second.onTrainBegin(context)
    try second.restore(saved)
    try run(second, Array(losses[cut...]), context, from: cut)
    #expect(context.files == whole.files)
  }

  @Test func aResumedRunNeverReplacesABetterModel() throws {
    let context = FakeContext.any()
    context.plan.initialEpoch = 2
    context.files["best-val-loss"] = ["epoch": "3", "val_loss": "0.25"]
    let checkpoint = ModelCheckpoint()
    checkpoint.onTrainBegin(context)
    try checkpoint.restore(CallbackState(json: #"{"best":0.5}"#))
    try run(checkpoint, [0.3, 0.26, 0.2, 0.1], context, from: 2)
    #expect(context.saved.map(\.epoch) == [4, 5])
    let told = context.events.filter { if case .message(let text) = $0 { text.contains("epoch 3") } else { false } }
    #expect(told.count == 1)
    #expect(checkpoint.state.best == 0.1)
  }

  /// A new training replaces what an earlier one left: the value of another training says nothing.
  @Test func aNewRunReplacesTheModelOfAnEarlierOne() throws {
    let context = FakeContext.any()
    context.files["best-val-loss"] = ["epoch": "3", "val_loss": "0.25"]
    let checkpoint = ModelCheckpoint()
    checkpoint.onTrainBegin(context)
    try run(checkpoint, [0.3], context)
    #expect(context.files["best-val-loss"]?["val_loss"] == "0.3")
  }

  @Test func exactMatchNeverReplacesABetterModelEither() throws {
    let context = FakeContext.any()
    context.plan.initialEpoch = 2
    context.files["best-exact-match"] = ["epoch": "3", "val_exact_match": "0.75"]
    let checkpoint = ExactMatchCheckpoint(every: 1)
    checkpoint.onTrainBegin(context)
    for (epoch, share) in [(2, 0.5), (3, 0.7), (4, 0.8), (5, 0.9)] {
      (context.epoch, context.measuredExactMatch) = (epoch, share)
      var logs = Logs()
      try checkpoint.onEpochEnd(context, logs: &logs)
    }
    #expect(context.saved.map(\.epoch) == [4, 5])
  }

  @Test func badArgumentsAreRefused() {
    let plan = FakeContext.any().plan
    func complaint(_ checkpoint: ModelCheckpoint) -> String? {
      do { try checkpoint.check(plan) } catch { return "\(error)" }
      return nil
    }
    #expect(complaint(ModelCheckpoint(every: 0)) == "callback model_checkpoint: every is 0; give 1 or more")
    #expect(complaint(ModelCheckpoint(fileName: "m-{epoch}", keep: 0))?.contains("keep is 0") == true)
    #expect(complaint(ModelCheckpoint(keep: 2))?.contains("always the same") == true)
    #expect(complaint(ModelCheckpoint(fileName: "m-{epoch}", every: 3, keep: 2)) == nil)
    #expect(
      complaint(ModelCheckpoint(fileName: String(repeating: "ä", count: 81)))?.contains("at most 160 bytes") == true)
    #expect(throws: CallbackError.self) {
      try CallbackList([
        ModelCheckpoint(fileName: "m{epoch}"), ModelCheckpoint(fileName: "m{epoch:01d}", saveBestOnly: false),
      ]).check(plan)
    }
    #expect(throws: CallbackError.self) {
      try CallbackList([ModelCheckpoint(fileName: "m{epoch}"), ModelCheckpoint(fileName: "m2", every: 2)]).check(plan)
    }
    #expect(throws: CallbackError.self) {
      try CallbackList([EarlyStopping(restoreBestWeights: true), EarlyStopping.delayed(firstEpoch: 3, patience: 2)])
        .check(plan)
    }
    #expect(throws: CallbackError.self) { try CallbackList([GradientMonitor(), GradientMonitor()]).check(plan) }
    #expect(throws: Never.self) {
      try CallbackList([
        ModelCheckpoint(fileName: "m{epoch}"), ModelCheckpoint(fileName: "n{epoch}"), EarlyStopping(),
        EarlyStopping(restoreBestWeights: true),
      ]).check(plan)
    }
    #expect(ModelCheckpoint(every: 11).warnings(for: plan).count == 1)
    #expect(ModelCheckpoint(every: 10).warnings(for: plan).isEmpty)
    #expect(throws: CallbackError.self) {
      try CallbackList([ModelCheckpoint(), ModelCheckpoint(monitor: .loss)]).check(plan)
    }
    #expect(throws: CallbackError.self) {
      try CallbackList([
        ModelCheckpoint(fileName: "best-exact-match", monitor: .valExactMatch), ExactMatchCheckpoint(),
      ]).check(plan)
    }
  }
}
