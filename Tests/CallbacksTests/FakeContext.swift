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
  var measuredReadings: [LabelledReading]?
  var contradictions: [ContradictoryLabels] = []
  /// The metadata of the model files that are there.
  var files: [String: [String: String]] = [:]

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

  var evaluationWeights: [String: Tensor] { weightsSnapshot() }

  func restoreWeights(_ snapshot: [String: Tensor]) throws {
    guard let tensor = snapshot["epoch"] else { throw CallbackError.unreadableState(callback: "fake", reason: "empty") }
    weightsOfEpoch = Int(tensor.scalar)
    restoredWeights = true
  }

  func saveModel(named name: String, metadata: [String: String]) {
    saved.append((epoch, name))
    savedMetadata.append(metadata)
    files[name] = metadata
  }

  func modelMetadata(named name: String) -> [String: String]? { files[name] }

  func removeModel(named name: String) { files[name] = nil }

  /// Ten thousand readings, so that every share of a trace is exact, unless a test gives its own.
  func readings(samples: Int) -> [LabelledReading] {
    askedSamples.append(samples)
    if let measuredReadings { return Array(measuredReadings.prefix(samples)) }
    let count = 10_000
    let right = Int((measuredExactMatch * Double(count)).rounded())
    return (0..<count).map { LabelledReading(label: "7", text: $0 < right ? "7" : "", confidence: 1) }
  }

  func contradictoryLabels(limit: Int) -> [ContradictoryLabels] { Array(contradictions.prefix(limit)) }

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
