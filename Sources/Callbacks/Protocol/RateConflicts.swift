/// Finds, while a training runs, callbacks that change a learning rate which another one sets anyway: those whose `effects`
/// do not say so, since the others are refused before the first step.
public struct RateConflicts {
  private var declared: Set<String> = []
  private var setter: String?
  private var warned: Set<String> = []

  public init() {}

  public init(_ callbacks: [any Callback], plan: TrainingPlan) {
    for callback in callbacks {
      for effect in callback.effects(in: plan) {
        switch effect {
        case .setsLearningRate(let epochs):
          declared.insert(callback.name)
          if epochs == 0..<Int.max { setter = callback.name }
        case .changesLearningRate: declared.insert(callback.name)
        default: break
        }
      }
    }
  }

  /// What to warn of after a change, once for each callback.
  public mutating func warning(of change: LearningRateChange) -> String? {
    guard let setter, !declared.contains(change.callback), warned.insert(change.callback).inserted else { return nil }
    return
      "\(change.callback) changes the learning rate, which \(setter) sets in all epochs, so that one of them has no "
      + "effect; remove one (a callback that declares its `effects` is refused before the first step)"
  }
}
