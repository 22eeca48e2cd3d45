import Callbacks
import Tensor

/// A training without a trainer: holds what callbacks read and notes what they do.
final class FakeContext: TrainingContext {
  var plan: TrainingPlan
  var epoch = 0
  var step = 0
  var learningRate: Float
  /// Stands for the weights: the epoch that they are of, −1 before the first.
  var weightsOfEpoch = -1
  var measuredExactMatch = 0.0

  var events: [TrainingEvent] = []
  var saved: [(epoch: Int, name: String)] = []
  var savedMetadata: [[String: String]] = []
  var restoredWeights = false
  var stopReason: StopReason?
  var askedSamples: [Int] = []

  init(plan: TrainingPlan) {
    self.plan = plan
    learningRate = plan.learningRate
  }

  func weightsSnapshot() -> [String: Tensor] { ["epoch": Tensor(Float(weightsOfEpoch))] }

  func restoreWeights(_ snapshot: [String: Tensor]) throws {
    guard let tensor = snapshot["epoch"] else { throw CallbackError.unreadableState(callback: "fake", reason: "empty") }
    weightsOfEpoch = Int(tensor.scalar)
    restoredWeights = true
  }

  func saveModel(named name: String, metadata: [String: String]) {
    saved.append((epoch, name))
    savedMetadata.append(metadata)
  }

  func exactMatch(samples: Int) -> Double {
    askedSamples.append(samples)
    return measuredExactMatch
  }

  func requestStop(_ reason: StopReason) { stopReason = stopReason ?? reason }

  func send(_ event: TrainingEvent) { events.append(event) }
}

extension FakeContext {
  /// A context for tests that need no particular plan.
  static func any(epochs: Int = 10, stepsPerEpoch: Int = 1, rate: Float = 0.001) -> FakeContext {
    FakeContext(
      plan: TrainingPlan(
        epochs: epochs, stepsPerEpoch: stepsPerEpoch, trainingSamples: 1, validationSamples: 1, learningRate: rate,
        metrics: [.loss, .valLoss, .valExactMatch]))
  }
}
