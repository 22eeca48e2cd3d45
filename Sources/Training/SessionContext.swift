import Callbacks
import Data
import Foundation
import Layers
import Tensor

/// What callbacks see of a running training, and what they may do to it.
extension TrainingSession: TrainingContext {
  var learningRate: Float {
    get { trainer.optimizer.learningRate }
    set { trainer.optimizer.learningRate = newValue }
  }

  func weightsSnapshot() -> [String: Tensor] { trainer.model.weights.tensors }

  var evaluationWeights: [String: Tensor] { trainer.callbacks.evaluationWeights ?? weightsSnapshot() }

  func restoreWeights(_ snapshot: [String: Tensor]) throws {
    try trainer.model.load(Weights(snapshot))
    known = nil
  }

  func saveModel(named name: String, metadata: [String: String]) throws {
    guard let directory = trainer.directory else { return }
    try requirePlain(name)
    try withEvaluationWeights { try trainer.saveModel(to: directory.model(named: name), metadata: metadata) }
  }

  func modelMetadata(named name: String) -> [String: String]? {
    guard let url = trainer.directory?.model(named: name) else { return nil }
    return try? Safetensors(contentsOf: url).metadata
  }

  private func requirePlain(_ name: String) throws {
    if let fault = RunDirectory.fault(ofModelName: name) {
      throw TrainingError("a model can't be saved or removed under the name \"\(name)\"; \(fault)")
    }
  }

  func removeModel(named name: String) throws {
    try requirePlain(name)
    guard let url = trainer.directory?.model(named: name), FileManager.default.fileExists(atPath: url.path) else {
      return
    }
    do {
      try FileManager.default.removeItem(at: url)
    } catch {
      throw TrainingError(
        "\(url.path): cannot be removed (\(error.localizedDescription)); check the folder's permissions")
    }
  }

  func readings(samples: Int) throws -> [LabelledReading] {
    precondition(samples > 0, "readings: \(samples) samples are too few to measure with")
    let count = min(samples, validation.count)
    if let known, known.step == step, known.readings.count >= count { return Array(known.readings.prefix(count)) }
    return try withEvaluationWeights {
      var readings: [LabelledReading] = []
      try evaluation.forEachBatch(of: [validation], labels: validationLabels, limit: count) { batch in
        readings += labelled(batch)
      }
      known = (step, readings)
      return Array(readings.prefix(count))
    }
  }

  func contradictoryLabels(limit: Int) throws -> [ContradictoryLabels] {
    try training.contradictorySamples(limit: limit).map { samples in
      ContradictoryLabels(names: samples.map(\.name), labels: samples.map(\.label))
    }
  }

  func requestStop(_ reason: StopReason) { stopReason = stopReason ?? reason }

  func send(_ event: TrainingEvent) {
    if withheld != nil {
      withheld?.append(event)
      return
    }
    trainer.sinks.send(event)
    if case .learningRateChanged(let change) = event, let warning = rateConflicts.warning(of: change) {
      trainer.sinks.send(.warning(warning))
    }
  }
}
