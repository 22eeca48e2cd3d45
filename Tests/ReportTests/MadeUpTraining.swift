import Callbacks
import Foundation
import Tensor

@testable import Report

/// A training that nobody ran: its events, of which each test takes what it needs.
struct MadeUpTraining {
  var epochs = 20
  var epochsDone = 20
  /// The characters of the labels.
  var characters = Array("0123456789").map(String.init)
  var misreadCount = 6
  var type = "digit"
  /// Epochs (from 0) whose validation loss is no number.
  var spoiltEpochs: Set<Int> = []

  static let validationSamples = 400

  func plan(from initialEpoch: Int = 0) -> TrainingEvent {
    .trainBegan(
      TrainingPlan(
        epochs: epochs, initialEpoch: initialEpoch, stepsPerEpoch: 50, trainingSamples: 3200,
        validationSamples: Self.validationSamples, learningRate: 0.001, metrics: [.loss, .valLoss]))
  }

  /// Losses fall from 4 towards 0.02; the best epoch is the last.
  func logs(_ epoch: Int) -> Logs {
    let progress = Double(epoch + 1) / Double(epochs)
    var logs: Logs = [
      .loss: 4 * pow(0.004, progress), .valLoss: 4.2 * pow(0.005, progress), .exactMatch: 0.98 * progress,
      .valExactMatch: 0.96 * progress, .valCharacterAccuracy: 0.3 + 0.69 * progress, .binaryAccuracy: 0.99,
      .valBinaryAccuracy: 0.985, .precision: 0.97, .valPrecision: 0.96, .recall: 0.95, .valRecall: 0.94,
      .learningRate: 0.001 * pow(0.5, Double(epoch / 5)),
    ]
    if spoiltEpochs.contains(epoch) { logs[.valLoss] = .nan }
    return logs
  }

  /// What an epoch sends, in the loop's order.
  func events(ofEpoch epoch: Int) -> [TrainingEvent] {
    let rate = Float(0.001 * pow(0.5, Double(epoch / 5)))
    var events: [TrainingEvent] = [
      .epochBegan(epoch: epoch, of: epochs, learningRate: rate),
      .learningRateChanged(
        LearningRateChange(
          epoch: epoch, callback: "planned_schedule", earlier: 2 * rate, requested: Double(rate), effective: rate,
          isPlanned: true)),
      .validationEnded(validation(epoch)),
      .modelSaved(SavedModel(epoch: epoch, name: "best-val-loss", metric: .valLoss, value: logs(epoch)[.valLoss])),
    ]
    if epoch % 5 == 4 {
      events.append(
        .learningRateChanged(
          LearningRateChange(
            epoch: epoch, callback: "reduce_lr_on_plateau", earlier: rate, requested: Double(rate / 2),
            effective: rate / 2)))
    }
    events.append(
      .epochEnded(
        EpochSummary(
          epoch: epoch, epochs: epochs, logs: logs(epoch), learningRate: rate, seconds: 12.5, imagesPerSecond: 431.5)))
    return events
  }

  func validation(_ epoch: Int) -> ValidationSummary {
    let share = logs(epoch)[.valExactMatch] ?? 0
    let right = Int(share * Double(Self.validationSamples))
    let interval = wilsonInterval(right: right, of: Self.validationSamples)
    let confusions = misreadCount == 0 ? [] : confusions
    return ValidationSummary(
      epoch: epoch, logs: logs(epoch),
      report: EvaluationReport(
        count: Self.validationSamples, inexpressible: 0, loss: 0.1, exactMatch: misreadCount == 0 ? 1 : share,
        exactMatchInterval: [interval.lowerBound, interval.upperBound], characterAccuracy: 0.97, binaryAccuracy: 0.99,
        precision: 0.98, recall: 0.97,
        byType: [
          type: EvaluationReport.Share(count: 300, exactMatch: 0.95),
          "math": EvaluationReport.Share(count: 100, exactMatch: 0.5),
        ],
        byLength: [
          "10": EvaluationReport.Share(count: 40, exactMatch: 0.25),
          "4": EvaluationReport.Share(count: 360, exactMatch: 0.9),
        ],
        perPosition: [0.99, 0.98, 0.97, 0.5], confusions: confusions, imagesPerSecond: 900, examples: []),
      confusionMatrix: matrix(confusions), misread: (0..<misreadCount).map(misread))
  }

  private var confusions: [EvaluationReport.Confusion] {
    [
      EvaluationReport.Confusion(true: characters[0], predicted: characters[1], count: 31),
      EvaluationReport.Confusion(true: characters[2], predicted: "", count: 7),
      EvaluationReport.Confusion(true: characters[3], predicted: characters[0], count: 2),
    ]
  }

  /// All characters a hundred times right, the last one never seen.
  private func matrix(_ confusions: [EvaluationReport.Confusion]) -> ConfusionMatrix {
    let names = characters + ["unseen", ""]
    var counts = Array(repeating: Array(repeating: 0, count: names.count), count: names.count)
    for index in characters.indices { counts[index][index] = 100 }
    for confusion in confusions {
      guard let row = names.firstIndex(of: confusion.true), let column = names.firstIndex(of: confusion.predicted)
      else { continue }
      counts[row][column] = confusion.count
    }
    return ConfusionMatrix(characters: names, counts: counts)
  }

  /// A picture of noise, the worst that a PNG can be asked to hold.
  private func misread(_ index: Int) -> MisreadImage {
    var state = UInt64(index + 1)
    let pixels = (0..<60 * 200 * 3).map { _ -> UInt8 in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 33)
    }
    return MisreadImage(
      name: "image-\(index).png", type: type,
      reading: LabelledReading(label: "12\(index)5", text: "12\(index)6", confidence: 0.99 - 0.01 * Double(index)),
      picture: Tensor(pixels, shape: [60, 200, 3]))
  }
}

/// A page in a folder of its own, which is removed at the end.
final class PageFile {
  let folder: URL
  var url: URL { folder.appendingPathComponent("report.html") }

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("report-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func text() throws -> String { try String(contentsOf: url, encoding: .utf8) }

  func sink(
    title: String = "Training of runs/1", configuration: String = "seed: 42\n",
    facts: [(name: String, value: String)] = [("Processor", "A fast one")]
  ) -> ReportSink {
    ReportSink(
      url, title: title, configuration: configuration, facts: facts, now: { Date(timeIntervalSince1970: 1_700_000_000) }
    )
  }

  /// Sends a whole training, or its part from `initialEpoch`.
  func send(
    _ training: MadeUpTraining, to sink: ReportSink, from initialEpoch: Int = 0, outcome: TrainingOutcome? = .completed
  ) throws {
    try sink.receive(training.plan(from: initialEpoch))
    for epoch in initialEpoch..<training.epochsDone {
      for event in training.events(ofEpoch: epoch) { try sink.receive(event) }
    }
    if let outcome {
      try sink.receive(
        .trainEnded(outcome, epochsRun: training.epochsDone, seconds: 12.5 * Double(training.epochsDone)))
    }
  }

  /// The record that the page holds.
  func record() throws -> TrainingRecord { try EmbeddedRecord.record(inPage: Data(contentsOf: url)) }
}

extension String {
  /// How often `part` occurs.
  func count(of part: String) -> Int { components(separatedBy: part).count - 1 }
}
