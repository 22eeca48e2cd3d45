import Callbacks
import Tensor

@testable import TensorBoard

/// Sends the events of a training in the order of the loop.
struct FakeTraining {
  var epochs = 3
  var steps = 4
  var initialEpoch = 0
  var misread: [MisreadImage] = []
  var weights: [String: Tensor] = ["dense/kernel": Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])]
  var norms: [String: Double] = [:]
  /// The training loss of each epoch; the validation loss is twice that.
  var loss: (_ epoch: Int) -> Double = { 1 / Double($0 + 1) }

  var plan: TrainingPlan {
    TrainingPlan(
      epochs: epochs, initialEpoch: initialEpoch, stepsPerEpoch: steps, trainingSamples: 4 * steps,
      validationSamples: 2, learningRate: 0.5, metrics: [.loss, .valLoss])
  }

  func begin(_ sink: some EventSink) throws { try sink.receive(.trainBegan(plan)) }

  func batches(_ epoch: Int, _ range: ClosedRange<Int>, _ sink: some EventSink) throws {
    for step in range {
      try sink.receive(
        .batchEnded(
          BatchProgress(
            epoch: epoch, epochs: epochs, step: step, steps: steps, images: step, logs: [.loss: Double(step)],
            learningRate: 0.25, imagesPerSecond: 100, remainingSeconds: 0)))
    }
  }

  func endEpoch(_ epoch: Int, _ sink: some EventSink) throws {
    let report = EvaluationReport(
      count: 2, inexpressible: 0, loss: 2 * loss(epoch), exactMatch: 0.5, exactMatchInterval: [0, 1],
      characterAccuracy: 0.5, binaryAccuracy: 0.5, precision: 0.5, recall: 0.5, byType: [:], byLength: [:],
      perPosition: [], confusions: [], imagesPerSecond: 100, examples: [])
    let validation: Logs = [.valLoss: 2 * loss(epoch), .valExactMatch: 0.5]
    try sink.receive(
      .validationEnded(
        ValidationSummary(
          epoch: epoch, logs: validation, report: report,
          confusionMatrix: ConfusionMatrix(characters: [], counts: []), misread: misread)))
    if !norms.isEmpty { try sink.receive(.gradientsMeasured(GradientSummary(epoch: epoch, norms: norms))) }
    var logs: Logs = [.loss: loss(epoch)]
    logs.merge(validation)
    try sink.receive(
      .epochEnded(
        EpochSummary(
          epoch: epoch, epochs: epochs, logs: logs, learningRate: 0.125, seconds: 7, imagesPerSecond: 96)))
    try sink.receive(.weightsUpdated(epoch: epoch, weights: weights))
  }

  func end(_ sink: some EventSink) throws {
    try sink.receive(.trainEnded(.completed, epochsRun: epochs, seconds: 21))
  }

  func run(_ sink: some EventSink) throws {
    try begin(sink)
    for epoch in initialEpoch..<epochs {
      try batches(epoch, 1...steps, sink)
      try endEpoch(epoch, sink)
    }
    try end(sink)
  }
}
