import Callbacks
import Data
import Foundation
import Layers
import Tensor

/// One run of a trainer's loop: what changes while it trains, as callbacks see it.
final class TrainingSession {
  let trainer: Trainer
  let training: any BatchSource
  let validation: Dataset
  let validationLabels: EncodedLabels
  private let interruption: Interruption
  private let fingerprint: RunFingerprint

  private(set) var plan: TrainingPlan
  private(set) var epoch = 0
  private(set) var step = 0
  var stopReason: StopReason?
  /// Events of a resumed run before it is certain that it can go on; nil once it is.
  var withheld: [TrainingEvent]?
  /// Whether the weights are what the training leaves.
  private var hasEnded = false
  var rateConflicts = RateConflicts()
  private var position = ResumePosition()
  private var history: [(epoch: Int, logs: Logs)] = []
  /// What was read on the first validation images, and after which step: callbacks that ask need no second pass.
  var known: (step: Int, readings: [LabelledReading])?

  init(_ trainer: Trainer, training: any BatchSource, validation: Dataset, interruption: Interruption) throws {
    for (name, value) in [("epochs", trainer.options.epochs), ("batch size", trainer.options.batchSize)] where value < 1
    {
      throw TrainingError("\(name) \(value): a training needs at least 1; give a larger number")
    }
    if trainer.options.prefetch < 0 {
      throw TrainingError("prefetch \(trainer.options.prefetch): give 0 or more batches to make ahead")
    }
    guard training.count > 0 else { throw TrainingError("the training part has no images; give more data") }
    guard validation.count > 0 else {
      throw TrainingError("the validation part has no images; give more data or a larger validation share")
    }
    self.trainer = trainer
    self.training = training
    self.validation = validation
    self.interruption = interruption
    validationLabels = try validation.encodedLabels(codec: trainer.codec)
    fingerprint = RunFingerprint(
      model: trainer.modelMetadata, settings: trainer.settings, seed: trainer.options.seed,
      batchSize: trainer.options.batchSize, precision: trainer.options.precision,
      loss: type(of: trainer.loss).name, metrics: trainer.metrics.map(\.name),
      callbacks: trainer.callbacks.callbacks.map(\.name), training: training.identity, validation: validation.identity)
    plan = TrainingPlan(
      epochs: trainer.options.epochs,
      stepsPerEpoch: (training.count + trainer.options.batchSize - 1) / trainer.options.batchSize,
      trainingSamples: training.count, validationSamples: validation.count,
      learningRate: trainer.optimizer.learningRate,
      metrics: Trainer.reportedKeys(trainer.metrics), charset: trainer.codec.charset.text)
  }

  // MARK: The loop

  func run(resuming: ResumeState?) throws -> TrainingResult {
    let start = ContinuousClock.now
    if let resuming {
      try resuming.requireSame(fingerprint)
      position = resuming.position
    }
    (plan.initialEpoch, plan.initialStep) = (position.epoch, position.step)
    epoch = position.epoch
    try trainer.callbacks.check(plan)
    try trainer.callbacks.checkModelNames(plan)
    try trainer.callbacks.requireFolder(trainer.directory, plan)
    try trainer.directory?.create()
    // A run that is refused must leave the files of the run that it would have gone on with.
    if resuming == nil { announce() } else { withheld = [] }
    let outcome: TrainingOutcome
    do {
      try trainer.callbacks.onTrainBegin(self)
      if let resuming {
        try restore(resuming)
        let events = withheld ?? []
        withheld = nil
        announce()
        events.forEach(send)
      }
      outcome = try trainEpochs()
      try restoreWeights(evaluationWeights)
      hasEnded = true
    } catch {
      // Callbacks still learn how it ended; the first error is the one that counts.
      try? trainer.callbacks.onTrainEnd(self, outcome: .failed("\(error)"))
      sendEnd(.failed("\(error)"), start)
      throw error
    }
    do {
      try trainer.callbacks.onTrainEnd(self, outcome: outcome)
    } catch {
      sendEnd(.failed("\(error)"), start)
      throw error
    }
    // Not before: a callback may have put back other weights.
    let broken = brokenWeights
    if let warning = warning(ofBroken: broken) { send(.warning(warning)) }
    sendEnd(outcome, start)
    return TrainingResult(
      outcome: outcome, epochsRun: position.epoch, seconds: start.secondsSince, history: history,
      bestValidationLoss: position.bestValidationLoss, bestExactMatch: position.bestExactMatch,
      weightsAreFinite: broken.isEmpty)
  }

  /// The parameters that hold NaN or infinite numbers.
  private var brokenWeights: [String] {
    trainer.model.namedParameters.filter { !$0.parameter.value.norm.isFinite }.map(\.name)
  }

  /// What nobody may have noticed where no callback watches for it.
  private func warning(ofBroken broken: [String]) -> String? {
    guard let first = broken.first else { return nil }
    return "the weights are NaN or infinite in \(first)"
      + (broken.count > 1 ? " and \(broken.count - 1) more of \(trainer.model.namedParameters.count) parameters" : "")
      + ": the model at the end reads nothing; lower the learning rate or clip the gradients, and add the callback "
      + "terminate_on_non_finite, which ends a training before that"
  }

  private func announce() {
    send(.trainBegan(plan))
    for warning in trainer.callbacks.warnings(for: plan) { send(.warning(warning)) }
    rateConflicts = RateConflicts(trainer.callbacks.callbacks, plan: plan)
  }

  private func sendEnd(_ outcome: TrainingOutcome, _ start: ContinuousClock.Instant) {
    send(.trainEnded(outcome, epochsRun: position.epoch, seconds: start.secondsSince))
  }

  private func trainEpochs() throws -> TrainingOutcome {
    if let reason = position.stopReason { return .stopped(reason) }
    let source = EpochBatches(
      training, batchSize: trainer.options.batchSize, seed: trainer.options.seed, epoch: position.epoch,
      batch: position.batch)
    let batches = BatchPrefetcher(
      count: source.count(epochs: plan.epochs), ahead: trainer.options.prefetch, make: source.batch)
    defer { batches.stop() }
    while position.epoch < plan.epochs {
      epoch = position.epoch
      switch try trainEpoch(batches) {
      case .interrupted:
        try saveResumeState()
        return .stopped(.interrupted)
      case .finished:
        position.stopReason = isForGood ? stopReason : nil
        if !isHopeless { try saveResumeState() }
      case .cutShort: break
      }
      if let stopReason { return .stopped(stopReason) }
    }
    return .completed
  }

  /// Whether the run would come to NaN again: what was saved after the epoch before then stays.
  private var isHopeless: Bool {
    if case .nonFinite = stopReason { true } else { false }
  }

  /// Whether nothing but another training could change that it ended: more time can be given, and an interruption ends
  /// nothing.
  private var isForGood: Bool {
    switch stopReason {
    case .timeBudget, .interrupted: false
    default: true
    }
  }

  private enum EpochEnd {
    case finished
    /// A callback stopped it before its last batch. It was measured, and a resumed run goes on with the next batch.
    case cutShort
    /// An interruption came before its last batch.
    case interrupted
  }

  /// Trains the current epoch from the current position.
  private func trainEpoch(_ batches: BatchPrefetcher<Batch>) throws -> EpochEnd {
    let start = ContinuousClock.now
    let waitedBefore = batches.waitedSeconds
    var running = EpochMetrics(trainer.metrics)
    if let state = position.metrics { running.restore(state) }
    // An epoch that is taken up in the middle has begun before; one that is interrupted here begins when it is resumed.
    if position.batch == 0 {
      if interruption.isRequested { return .interrupted }
      try trainer.callbacks.onEpochBegin(self)
    }
    send(.epochBegan(epoch: epoch, of: plan.epochs, learningRate: learningRate))
    var images = 0
    var isCutShort = false
    for index in position.batch..<plan.stepsPerEpoch {
      if index > 0, interruption.isRequested {
        position.metrics = running.state
        return .interrupted
      }
      try trainer.callbacks.onBatchBegin(self)
      let batch = try next(batches)
      try trainStep(batch, &running)
      step += 1
      position.batch = index + 1
      images += batch.images.shape[0]
      let logs = running.logs()
      try trainer.callbacks.onBatchEnd(self, logs: logs)
      let speed = Double(images) / max(start.secondsSince, 1e-9)
      let done = min(training.count, (index + 1) * trainer.options.batchSize)
      send(
        .batchEnded(
          BatchProgress(
            epoch: epoch, epochs: plan.epochs, step: index + 1, steps: plan.stepsPerEpoch, images: done, logs: logs,
            learningRate: learningRate, imagesPerSecond: speed,
            remainingSeconds: Double(training.count - done) / speed)))
      guard stopReason == nil else {
        isCutShort = index + 1 < plan.stepsPerEpoch
        break
      }
    }
    if isCutShort, !isHopeless {
      // As after an interruption: what the epoch's end does now, a resumed run does when the epoch is whole.
      position.metrics = running.state
      try saveResumeState()
    }
    let trainingSeconds = max(start.secondsSince, 1e-9)
    let dataWait = (batches.waitedSeconds - waitedBefore) / trainingSeconds
    let usedRate = learningRate
    var logs = running.logs()
    let validated = try validate()
    try trainer.callbacks.onValidationEnd(self, logs: validated.logs)
    send(.validationEnded(validated))
    logs.merge(validated.logs)
    note(validated.logs)
    try trainer.callbacks.onEpochEnd(self, logs: &logs)
    history.append((epoch, logs))
    send(
      .epochEnded(
        EpochSummary(
          epoch: epoch, epochs: plan.epochs, logs: logs, learningRate: usedRate, seconds: start.secondsSince,
          imagesPerSecond: Double(images) / trainingSeconds, dataWait: dataWait)))
    send(.weightsUpdated(epoch: epoch, weights: trainer.model.weights.tensors))
    position.epoch += 1
    position.batch = 0
    position.metrics = nil
    return isCutShort ? .cutShort : .finished
  }

  private func next(_ batches: BatchPrefetcher<Batch>) throws -> Batch {
    try OperationRecorder.pass("batch") {
      // The bytes of a data set are read, and floats of four bytes written.
      try OperationRecorder.measure("batch", bytes: 5 * trainer.options.batchSize * validation.imageSize, batches.next)
    }
  }

  private func trainStep(_ batch: Batch, _ running: inout EpochMetrics) throws {
    let parameters = trainer.model.namedParameters
    let statistics = parameters.map(\.parameter).filter { !$0.isTrainable }.map { ($0, $0.value) }
    let stream = RandomStream(seed: trainer.options.seed).stream("step", step)
    let logits = trainer.model(batch.images, .training(stream: stream, precision: trainer.options.precision))
    let loss = trainer.loss(logits, labels: batch.classes)
    let read = OperationRecorder.pass("metrics") {
      OperationRecorder.measure("metrics", shapes: [logits.shape]) {
        evaluation.read([logits], labels: batch.classes)
      }
    }
    let gradients = OperationRecorder.pass("backward") { loss.backward() }
    var update = PendingUpdate(loss: Double(loss.scalar), parameters: parameters, gradients: gradients)
    try trainer.callbacks.onUpdateBegin(self, update: &update)
    if let reason = update.skipReason {
      // Nothing of the batch may stay, the running statistics that the forward pass moved included.
      for (parameter, value) in statistics { parameter.value = value }
      send(.updateSkipped(step: step, reason: reason))
      return
    }
    running.add(loss: update.loss, images: batch.images.shape[0], batch: read.metricBatch)
    OperationRecorder.pass("update") {
      _ = OperationRecorder.measure("optimizer", bytes: updateBytes) { trainer.optimizer.apply(gradients) }
    }
  }

  /// What the optimizer's pass over the parameters reads and writes: each gradient once, and weights and moments both ways.
  private var updateBytes: Int {
    let trainable = trainer.model.namedParameters.map(\.parameter).filter(\.isTrainable)
    return 4 * trainable.reduce(0) { $0 + $1.shape.count } * (3 + 2 * trainer.optimizer.rule.slots.count)
  }

  private func validate() throws -> ValidationSummary {
    try withEvaluationWeights {
      let start = ContinuousClock.now
      var metrics = EpochMetrics(trainer.metrics)
      var tally = EvaluationTally(codec: trainer.codec, grammar: trainer.decoder.options.grammar)
      var readings: [LabelledReading] = []
      try evaluation.forEachBatch(of: [validation], labels: validationLabels) { batch in
        // A single model always has a loss.
        metrics.add(loss: batch.loss ?? .nan, images: batch.indices.count, batch: batch.metricBatch)
        try tally.add(batch, of: validation)
        readings += labelled(batch)
      }
      known = (step, readings)
      return tally.summary(epoch: epoch, logs: metrics.logs(validation: true), seconds: start.secondsSince)
    }
  }

  func labelled(_ batch: BatchEvaluation.Result) -> [LabelledReading] {
    zip(batch.indices, batch.readings).map { index, reading in
      let compared = ComparedReading(
        label: validation.samples[index].label, reading, grammar: trainer.decoder.options.grammar)
      // Another question with the same answer is as right as the same one.
      return LabelledReading(
        label: compared.label, text: compared.isRight ? compared.label : compared.text, confidence: reading.confidence)
    }
  }

  /// Calls `body` while the model has the weights that are to be measured.
  func withEvaluationWeights<Result>(_ body: () throws -> Result) throws -> Result {
    guard !hasEnded, let weights = trainer.callbacks.evaluationWeights else { return try body() }
    let own = trainer.model.weights
    try trainer.model.load(Weights(weights))
    let result = Swift.Result { try body() }
    try trainer.model.load(own)
    return try result.get()
  }

  var evaluation: BatchEvaluation {
    BatchEvaluation(
      model: trainer.model, loss: trainer.loss, codec: trainer.codec,
      batchSize: trainer.options.evaluationBatchSize ?? trainer.options.batchSize, prefetch: trainer.options.prefetch,
      decoder: trainer.decoder)
  }

  private func note(_ logs: Logs) {
    // A NaN is never best.
    if let value = logs[.valLoss], value.isFinite {
      position.bestValidationLoss = min(value, position.bestValidationLoss ?? value)
    }
    if let value = logs[.valExactMatch] { position.bestExactMatch = max(value, position.bestExactMatch ?? value) }
  }

  // MARK: Resuming

  private func saveResumeState() throws {
    guard let directory = trainer.directory else { return }
    position.step = step
    try ResumeState(
      position: position, weights: trainer.model.weights, optimizer: trainer.optimizer,
      callbacks: trainer.callbacks.savedStates(), fingerprint: fingerprint
    ).write(to: directory.resumeState)
  }

  private func restore(_ state: ResumeState) throws {
    try trainer.model.load(state.weights)
    try state.restore(trainer.optimizer)
    try trainer.callbacks.restore(state.callbacks)
    step = state.position.step
  }
}

extension Trainer {
  /// Writes the model as it is now as a model file.
  public func saveModel(to url: URL, metadata: [String: String] = [:]) throws {
    try Safetensors(
      tensors: model.weights.tensors, metadata: modelMetadata.merging(metadata) { $1 }
    ).write(to: url)
  }
}

extension ContinuousClock.Instant {
  /// Seconds from this instant until now.
  var secondsSince: Double {
    let (seconds, attoseconds) = duration(to: .now).components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }
}
