import Callbacks

extension TrainingRecord {
  /// More notes than anybody reads; a callback that says something for every batch must not make the page endless.
  private static let maximumNotes = 500

  /// Takes note of an event; `trainBegan` and what only a moment is about change nothing.
  ///
  /// - Parameter epoch: the present epoch, for events that don't say theirs.
  mutating func note(_ event: TrainingEvent, epoch: Int) {
    switch event {
    case .validationEnded(let summary): validation = ValidationRecord(summary)
    // What somebody else sends may be of no epoch at all.
    case .epochEnded(let summary): if summary.epoch >= 0 { append(summary) }
    case .learningRateChanged(let change): note(change)
    case .modelSaved(let model):
      savedModels.append(
        SavedModel(epoch: model.epoch, name: model.name, metric: model.metric?.rawValue, value: model.value))
    case .bestWeightsRestored(let best, let metric, let value):
      note(
        .restored, "the weights of epoch \(best + 1) are back (\(metric.rawValue) \(NumberText.plain(value)))",
        epoch: epoch)
    case .metricMissing(let metric, let callback, let epoch):
      note(.warning, "there is no \(metric.rawValue), which \(callback) watches; it skips the epoch", epoch: epoch)
    case .updateSkipped(_, let reason): note(.skippedUpdate, reason, epoch: epoch)
    case .message(let text): note(.message, text, epoch: epoch)
    case .warning(let text): note(.warning, text, epoch: epoch)
    case .trainEnded(let outcome, _, _): ending = Ending(outcome)
    case .trainBegan, .epochBegan, .batchEnded, .weightsUpdated, .gradientsMeasured: break
    }
  }

  /// Adds a note, or counts it where its epoch has it already.
  mutating func note(_ kind: Note.Kind, _ text: String, epoch: Int) {
    let present = notes.lastIndex { $0.epoch == epoch && $0.kind == kind && $0.text == text }
    if let present {
      notes[present].count += 1
    } else if notes.count < Self.maximumNotes {
      notes.append(Note(epoch: epoch, kind: kind, text: text))
    } else {
      omittedNotes += 1
    }
  }

  private mutating func append(_ summary: EpochSummary) {
    epochs.append(
      Epoch(
        epoch: summary.epoch,
        metrics: Dictionary(uniqueKeysWithValues: summary.logs.map { ($0.key.rawValue, $0.value) }),
        learningRate: Double(summary.learningRate), seconds: summary.seconds, imagesPerSecond: summary.imagesPerSecond))
  }

  private mutating func note(_ change: LearningRateChange) {
    if Float(change.requested) != change.effective {
      note(
        .warning,
        "\(change.callback) set the rate to \(NumberText.rate(change.requested)), the optimizer has "
          + NumberText.rate(Double(change.effective)), epoch: change.epoch)
    }
    guard !change.isPlanned, change.effective < change.earlier else { return }
    // A callback that lowers the rate with every batch is one mark per epoch.
    if let last = loweredRates.last, last.epoch == change.epoch, last.callback == change.callback {
      loweredRates[loweredRates.count - 1].later = Double(change.effective)
    } else {
      loweredRates.append(
        LoweredRate(
          epoch: change.epoch, callback: change.callback, earlier: Double(change.earlier),
          later: Double(change.effective)))
    }
  }
}

extension TrainingRecord.Ending {
  init(_ outcome: TrainingOutcome) {
    switch outcome {
    case .completed: self.init(kind: .completed, text: Language.en.text(outcome))
    case .stopped(.interrupted): self.init(kind: .interrupted, text: Language.en.text(outcome))
    case .stopped: self.init(kind: .stopped, text: Language.en.text(outcome))
    case .failed(let error): self.init(kind: .failed, text: error)
    }
  }
}
