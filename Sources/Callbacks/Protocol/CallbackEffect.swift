/// Something that a callback does and another one could undo.
public enum CallbackEffect: Hashable, Sendable {
  /// Sets the learning rate in these epochs (from 0), whatever it was before; `0..<Int.max` stands for all, however long
  /// the training is.
  case setsLearningRate(epochs: Range<Int>)
  /// Changes the learning rate that is there, such as multiplying it, at the earliest for epoch `firstEpoch` (from 0).
  case changesLearningRate(firstEpoch: Int)
  /// Writes model files of this name; where it holds `{…}`, of many names.
  case savesModel(named: String)
  /// Puts the weights of an earlier epoch back at the end.
  case restoresWeights
  /// Measures a number of its own and reports it under this name.
  case measures(MetricKey)
  /// Gives weights that are measured and saved in place of the training's own.
  case choosesEvaluationWeights
}

/// What of the effects of a list of callbacks undoes one another.
struct EffectConflicts {
  /// What can't be meant, as an error.
  private(set) var error: CallbackError?
  /// What is lost only in part.
  private(set) var warnings: [String] = []

  /// - Parameter callbacks: the callbacks' names and effects, in their order.
  init(_ callbacks: [(name: String, effects: [CallbackEffect])], plan: TrainingPlan) {
    for (index, first) in callbacks.enumerated() {
      for second in callbacks[(index + 1)...] {
        for one in first.effects {
          for other in second.effects { compare((first.name, one), (second.name, other), plan) }
        }
      }
    }
  }

  private typealias Owned = (name: String, effect: CallbackEffect)

  private mutating func compare(_ first: Owned, _ second: Owned, _ plan: TrainingPlan) {
    switch (first.effect, second.effect) {
    case (.setsLearningRate(let one), .setsLearningRate(let other)):
      if one.overlaps(other) {
        refuse(first.name, second.name, "both set the learning rate in \(Self.text(one.clamped(to: other)))")
      }
    case (.setsLearningRate(let epochs), .changesLearningRate(let firstEpoch)):
      compare(setter: first.name, epochs, reducer: second.name, firstEpoch, plan)
    case (.changesLearningRate(let firstEpoch), .setsLearningRate(let epochs)):
      compare(setter: second.name, epochs, reducer: first.name, firstEpoch, plan)
    case (.savesModel(let one), .savesModel(let other)):
      let names = FileNameTemplate(one).names(in: plan).intersection(FileNameTemplate(other).names(in: plan))
      if let name = names.min() { refuse(first.name, second.name, "both write the model file \"\(name)\"") }
    case (.restoresWeights, .restoresWeights):
      refuse(first.name, second.name, "both restore weights at the end, so that those of one are lost")
    case (.measures(let one), .measures(let other)):
      if one == other { refuse(first.name, second.name, "both measure \(one)") }
    case (.choosesEvaluationWeights, .choosesEvaluationWeights):
      refuse(first.name, second.name, "both choose the weights that are measured and saved")
    default: break
    }
  }

  private mutating func compare(
    setter: String, _ epochs: Range<Int>, reducer: String, _ firstEpoch: Int, _ plan: TrainingPlan
  ) {
    if epochs.upperBound == .max, epochs.lowerBound <= firstEpoch {
      // However short the run: a trial that is allowed must not become an error when it is made longer.
      refuse(setter, reducer, "\(setter) sets the learning rate to the end, so that \(reducer) has no effect")
    } else if epochs.lowerBound < plan.epochs, firstEpoch < min(epochs.upperBound, plan.epochs) {
      warnings.append(
        "\(setter) sets the learning rate in \(Self.text(epochs)), so that a change by \(reducer) before their end is "
          + "lost; let \(reducer) begin later or give \(setter) fewer epochs if that is not meant")
    }
  }

  private mutating func refuse(_ first: String, _ second: String, _ reason: String) {
    error = error ?? .conflict(first: first, second: second, reason: reason)
  }

  /// Epochs as a user counts them.
  private static func text(_ epochs: Range<Int>) -> String {
    if epochs.upperBound == .max {
      return epochs.lowerBound == 0 ? "all epochs" : "epochs from \(epochs.lowerBound + 1) on"
    }
    return epochs.count == 1
      ? "epoch \(epochs.lowerBound + 1)" : "epochs \(epochs.lowerBound + 1) to \(epochs.upperBound)"
  }
}
