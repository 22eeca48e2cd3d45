import Callbacks
import Data
import Foundation
import Layers
import Optimizers
import Tensor
import Training

/// A training of a tiny model on a few made-up images, with everything that makes resuming hard: shuffling, dropout, running
/// statistics, moments, a short last batch, an optimizer that sums up gradients over epoch boundaries.
struct SmallTraining {
  var images = 10
  var validationImages = 5
  var epochs = 3
  var batchSize = 4
  var seed: UInt64 = 7
  var modelSeed: UInt64 = 1
  var precision = ArithmeticPrecision.float32
  var filters = 4
  var loss: any Loss = BinaryCrossEntropy()
  var modelMetadata = ["model": "small"]
  var accumulationSteps = 2
  var prefetch = 2
  var callbacks: () -> [any Callback] = { [] }

  static let width = 8
  static let height = 6

  let codec: LabelCodec

  init() throws { codec = try LabelCodec(charset: .digits, maximumLength: 2) }

  func model(width: Int = width, height: Int = height) -> Sequential {
    let model = Sequential {
      Conv2D(1, filters, kernelSize: 3).named("conv")
      BatchNorm(filters).named("bn")
      ReLU()
      MaxPool2D()
      Dropout(0.2)
      Flatten()
      Dense(filters * (width / 2) * (height / 2), codec.outputCount).named("output")
    }
    model.initialize(seed: modelSeed)
    return model
  }

  func trainer(
    directory: RunDirectory? = nil, sinks: [any EventSink] = [], model: (any Layer)? = nil,
    optimizer: Optimizer? = nil, metrics: [any Metric]? = nil
  ) -> Trainer {
    let model = model ?? self.model()
    return Trainer(
      model: model, loss: loss,
      optimizer: optimizer
        ?? Optimizer(
          Adam(amsgrad: true), parameters: model.namedParameters, learningRate: 0.01, clipping: .byNorm(1),
          accumulationSteps: accumulationSteps),
      codec: codec, callbacks: callbacks(), sinks: sinks,
      options: TrainingOptions(
        epochs: epochs, batchSize: batchSize, evaluationBatchSize: 3, seed: seed, precision: precision,
        prefetch: prefetch),
      directory: directory, modelMetadata: modelMetadata, metrics: metrics)
  }

  var training: Dataset { get throws { try Self.dataset(images, name: "training") } }
  var validation: Dataset { get throws { try Self.dataset(validationImages, name: "validation") } }

  /// Images whose left and right halves are as bright as the label's digits, with noise; every third label is short.
  static func dataset(_ count: Int, name: String) throws -> Dataset {
    try Dataset(width: width, height: height, channels: 1, count: count) { index, pixels in
      var random = RandomStream(seed: 3).stream(name, index)
      let digits = (0..<(index % 3 == 2 ? 1 : 2)).map { _ in random.integer(in: 0...9) }
      for pixel in pixels.indices {
        let half = pixel % width / (width / 2)
        let brightness = half < digits.count ? 20 + 20 * digits[half] : 0
        pixels[pixel] = UInt8(brightness + random.integer(in: 0...15))
      }
      return Sample(name: "\(name)-\(index).png", label: digits.map(String.init).joined(), type: "digit")
    }
  }

  /// Trains in one go.
  @discardableResult
  func fit(directory: RunDirectory? = nil, sinks: [any EventSink] = []) throws -> (Trainer, TrainingResult) {
    let trainer = trainer(directory: directory, sinks: sinks)
    return (trainer, try trainer.fit(training, validation: validation))
  }
}

/// A folder that is removed with its content when the value goes.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("training-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  var run: RunDirectory { RunDirectory(url.appendingPathComponent("run")) }
}

/// What happened, in order.
final class Journal {
  var lines: [String] = []
}

/// A callback that writes down how it is called, and then does what a test asks for.
final class Recorder: Callback {
  /// A point of the loop, without numbers.
  enum Point: String {
    case trainBegin, epochBegin, batchBegin, updateBegin, batchEnd, validationEnd, epochEnd, trainEnd
  }

  let name: String
  var requiredMetrics: [MetricKey] = []
  var providedMetrics: [MetricKey] = []
  private let journal: Journal
  private let act: (Point, any TrainingContext, inout Logs) throws -> Void

  init(
    _ name: String = "recorder", _ journal: Journal = Journal(),
    act: @escaping (Point, any TrainingContext, inout Logs) throws -> Void = { _, _, _ in }
  ) {
    self.name = name
    self.journal = journal
    self.act = act
  }

  private func note(_ point: Point, _ context: any TrainingContext, _ logs: inout Logs, _ detail: String) throws {
    journal.lines.append("\(name) \(point)\(detail.isEmpty ? "" : " \(detail)")")
    try act(point, context, &logs)
  }

  private func note(_ point: Point, _ context: any TrainingContext, logs: Logs = [:], _ detail: String = "") throws {
    var logs = logs
    try note(point, context, &logs, detail)
  }

  func onTrainBegin(_ context: any TrainingContext) throws { try note(.trainBegin, context) }
  func onEpochBegin(_ context: any TrainingContext) throws { try note(.epochBegin, context, "\(context.epoch)") }
  func onBatchBegin(_ context: any TrainingContext) throws { try note(.batchBegin, context, "\(context.step)") }
  func onUpdateBegin(_ context: any TrainingContext, update: inout PendingUpdate) throws {
    try note(.updateBegin, context, "\(context.step)")
  }
  func onBatchEnd(_ context: any TrainingContext, logs: Logs) throws {
    try note(.batchEnd, context, logs: logs, "\(context.step)")
  }
  func onValidationEnd(_ context: any TrainingContext, logs: Logs) throws {
    try note(.validationEnd, context, logs: logs, "\(context.epoch)")
  }
  func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) throws {
    try note(.epochEnd, context, &logs, "\(context.epoch)")
  }
  func onTrainEnd(_ context: any TrainingContext, outcome: TrainingOutcome) throws {
    try note(.trainEnd, context, "\(outcome)")
  }
}

/// A sink that hands every event to a closure.
final class Watcher: EventSink {
  private let watch: (TrainingEvent) throws -> Void
  init(_ watch: @escaping (TrainingEvent) throws -> Void) { self.watch = watch }
  func receive(_ event: TrainingEvent) throws { try watch(event) }
}

/// What a test throws.
struct Mishap: Error, Equatable, CustomStringConvertible {
  let description: String
}

extension Tensor {
  /// The elements' bits: NaN is equal to itself, 0 is not −0.
  var bits: [UInt32] { elements().map(\.bitPattern) }
}

extension Layer {
  var weightBits: [String: [UInt32]] { weights.tensors.mapValues(\.bits) }
}
