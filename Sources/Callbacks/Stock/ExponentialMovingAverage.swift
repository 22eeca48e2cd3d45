import Tensor

/// Averages the weights over the steps, running statistics included; the average is what is measured and saved.
///
/// After each step `average ← average + (weights − average)·(1 − d)` with `d = min(decay, (1 + n)/(10 + n))` for the n-th step,
/// so that the first, random weights are soon forgotten. The training itself goes on with its own weights, which also are
/// what a resumed run goes on with; when it ends the model takes over the average.
/// Source: Polyak and Juditsky 1992; the rising decay as in TensorFlow's `ExponentialMovingAverage`. In Keras an argument of
/// the optimizer (`use_ema`) and `SwapEMAWeights`.
public final class ExponentialMovingAverage: StatefulCallback {
  public struct State: Codable, Sendable {
    /// Steps that were averaged over.
    public internal(set) var steps = 0
  }

  public let name = "exponential_moving_average"
  public var state = State()

  private let decay: Double
  private var average: [String: Tensor] = [:]

  /// - Parameter decay: how much of the average stays in each step, at most; about 1/(1 − decay) steps count.
  public init(decay: Double = 0.999) { self.decay = decay }

  public func effects(in plan: TrainingPlan) -> [CallbackEffect] { [.choosesEvaluationWeights] }

  public func check(_ plan: TrainingPlan) throws {
    try require(decay > 0 && decay < 1, "decay", decay, "give a number between 0 and 1, such as 0.999")
  }

  public func warnings(for plan: TrainingPlan) -> [String] {
    // Where the number of batches is not known yet, nothing can be said.
    guard plan.steps > 0, 1 / (1 - decay) > Double(plan.steps) else { return [] }
    return [
      "\(name): decay \(decay) averages over about \(Int(1 / (1 - decay))) steps and the training has \(plan.steps); give a "
        + "smaller decay"
    ]
  }

  public func onTrainBegin(_ context: any TrainingContext) {
    state = State()
    average = context.weightsSnapshot()
  }

  public func onBatchEnd(_ context: any TrainingContext, logs: Logs) {
    state.steps += 1
    let steps = Double(state.steps)
    let share = Float(1 - min(decay, (1 + steps) / (10 + steps)))
    for (name, weights) in context.weightsSnapshot() {
      average[name]?.move(toward: weights, by: share)
    }
  }

  public var evaluationWeights: [String: Tensor]? { average }

  public func savedState() throws -> CallbackState { CallbackState(json: try encodedState(), tensors: average) }

  public func restore(_ saved: CallbackState) throws {
    let names = Set(average.keys)
    guard names == Set(saved.tensors.keys) else {
      throw CallbackError.unreadableState(callback: name, reason: "its averages are those of other weights")
    }
    state = try decodedState(saved)
    average = saved.tensors
  }
}

extension Tensor {
  /// In place x ← x + (target − x)·share.
  fileprivate mutating func move(toward target: Tensor, by share: Float) {
    precondition(shape == target.shape, "move: the shapes \(shape) and \(target.shape) differ")
    withMutableElements(of: Float.self) { elements in
      target.withElements(of: Float.self) { target in
        nonisolated(unsafe) let (elements, target) = (elements, target)
        Threads.forEachPart(of: elements.count, minimum: 16_384) { part, _ in
          for index in part { elements[index] += (target[index] - elements[index]) * share }
        }
      }
    }
  }
}
