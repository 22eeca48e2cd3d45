import Callbacks
import Tensor

/// What came out of one training of a trace.
struct FitResult: Equatable, Sendable {
  var epochsRun = 0
  var ratesDuring: [Double] = []
  var ratesAfter: [Double] = []
  var ratesLogged: [Double?] = []
  var stopEpoch: Int?
  var finalWeightsEpoch: Int?
  var restored = false
  var stoppedEpoch: Int?
  /// `epoch name`
  var saves: [String] = []
  var exactMatchSaves: [Int] = []
}

/// A trace that was cut after an epoch: all that a checkpoint would hold.
struct CutTrace {
  let fit: Int
  let nextEpoch: Int
  let states: [SavedCallback]
  let learningRate: Float
  let weightsOfEpoch: Int
  /// The results of the earlier fits, and what this one came to so far.
  let earlier: [FitResult]
  let result: FitResult
}

/// Replays a trace as the golden data's description says.
struct TraceReplay {
  let trace: GoldenTrace

  /// Runs the trace, whole or from a cut, with new instances of its callbacks.
  ///
  /// - Parameter onEpoch: receives the cut after each epoch that training goes on after.
  func run(from cut: CutTrace? = nil, onEpoch: ((CutTrace) throws -> Void)? = nil) throws -> [FitResult] {
    let callbacks = try trace.makeCallbacks()
    var results = cut?.earlier ?? []
    var rate = cut?.learningRate ?? trace.initialRate
    for index in (cut?.fit ?? 0)..<trace.fits.count {
      let resumed = index == cut?.fit ? cut : nil
      let context = FakeContext(plan: plan(of: trace.fits[index]))
      context.learningRate = rate
      context.weightsOfEpoch = resumed?.weightsOfEpoch ?? -1
      var result = resumed?.result ?? FitResult()
      try callbacks.onTrainBegin(context)
      if let resumed { try callbacks.restore(resumed.states) }
      for epoch in (resumed?.nextEpoch ?? trace.fits[index].initialEpoch)..<trace.fits[index].epochs {
        try run(epoch, of: trace.fits[index], callbacks, context, &result)
        if context.stopReason != nil { break }
        try onEpoch?(
          CutTrace(
            fit: index, nextEpoch: epoch + 1, states: callbacks.savedStates(), learningRate: context.learningRate,
            weightsOfEpoch: context.weightsOfEpoch, earlier: results, result: result))
      }
      try callbacks.onTrainEnd(context, outcome: context.stopReason.map { .stopped($0) } ?? .completed)
      result.restored = context.restoredWeights
      result.finalWeightsEpoch = context.weightsOfEpoch < 0 ? nil : context.weightsOfEpoch
      result.stoppedEpoch = callbacks.callbacks.compactMap { $0 as? EarlyStopping }.first.map {
        $0.state.stoppedEpoch ?? 0
      }
      results.append(result)
      rate = context.learningRate
    }
    return results
  }

  private func plan(of fit: GoldenTrace.Fit) -> TrainingPlan {
    TrainingPlan(
      epochs: fit.epochs, initialEpoch: fit.initialEpoch, stepsPerEpoch: 1, validationSamples: 1,
      learningRate: trace.initialRate, metrics: Set(fit.metrics.keys.map { MetricKey(rawValue: $0) }))
  }

  private func run(
    _ epoch: Int, of fit: GoldenTrace.Fit, _ callbacks: CallbackList, _ context: FakeContext,
    _ result: inout FitResult
  ) throws {
    context.epoch = epoch
    try callbacks.onEpochBegin(context)
    result.ratesDuring.append(Double(context.learningRate))
    context.weightsOfEpoch = epoch
    func value(_ key: String) -> Double? { fit.metrics[key].flatMap { $0[epoch - fit.initialEpoch]?.value } }
    if let loss = value("loss") {
      try callbacks.onBatchBegin(context)
      try callbacks.onBatchEnd(context, logs: [.loss: loss])
    }
    context.measuredExactMatch = value("exact_match") ?? 0
    var logs: Logs = [.loss: 1]
    for key in fit.metrics.keys where key != "exact_match" { logs[MetricKey(rawValue: key)] = value(key) }
    let alreadySaved = context.saved.count
    try callbacks.onEpochEnd(context, logs: &logs)
    for save in context.saved.dropFirst(alreadySaved) {
      if save.name == "best-exact-match" {
        result.exactMatchSaves.append(save.epoch)
      } else {
        result.saves.append("\(save.epoch) \(save.name)")
      }
    }
    result.ratesAfter.append(Double(context.learningRate))
    result.ratesLogged.append(logs[.learningRate])
    result.epochsRun += 1
    if context.stopReason != nil { result.stopEpoch = epoch }
  }
}
