import Callbacks

/// All that the page shows of a training, gathered from its events; the page holds it as JSON, for a run that goes on.
///
/// Epochs count from 0 here and from 1 on the page.
struct TrainingRecord: Codable, Sendable, Equatable {
  /// What a page must say to be read back.
  static let currentFormat = 1

  struct Plan: Codable, Sendable, Equatable {
    var epochs: Int
    var stepsPerEpoch: Int
    var trainingSamples: Int
    var validationSamples: Int
  }

  struct Epoch: Codable, Sendable, Equatable {
    var epoch: Int
    /// By metric, as Keras spells them.
    var metrics: [String: Double]
    var learningRate: Double
    var seconds: Double
    var imagesPerSecond: Double
  }

  /// A reduction of the learning rate that was not known before the training.
  struct LoweredRate: Codable, Sendable, Equatable {
    var epoch: Int
    var callback: String
    var earlier: Double
    var later: Double
  }

  struct SavedModel: Codable, Sendable, Equatable {
    var epoch: Int
    var name: String
    var metric: String?
    var value: Double?
  }

  /// Something that was said or went wrong, and how often in its epoch.
  struct Note: Codable, Sendable, Equatable {
    enum Kind: String, Codable { case message, warning, skippedUpdate, restored, resumed }

    var epoch: Int
    var kind: Kind
    var text: String
    var count = 1
  }

  struct Ending: Codable, Sendable, Equatable {
    enum Kind: String, Codable { case completed, interrupted, stopped, failed }

    var kind: Kind
    /// Why, in words.
    var text: String
  }

  var format = currentFormat
  var plan = Plan(epochs: 0, stepsPerEpoch: 0, trainingSamples: 0, validationSamples: 0)
  var epochs: [Epoch] = []
  var loweredRates: [LoweredRate] = []
  var savedModels: [SavedModel] = []
  var notes: [Note] = []
  /// Of the last epoch that was validated.
  var validation: ValidationRecord?
  /// Nil while the training runs.
  var ending: Ending?
  /// How many notes there were beyond those that are kept.
  var omittedNotes = 0

  /// What an earlier run leaves to the one that goes on with epoch `initialEpoch`.
  func beforeEpoch(_ initialEpoch: Int) -> TrainingRecord {
    var kept = self
    kept.epochs.removeAll { $0.epoch >= initialEpoch }
    kept.loweredRates.removeAll { $0.epoch >= initialEpoch }
    kept.savedModels.removeAll { $0.epoch >= initialEpoch }
    // That a run went on with this same epoch before still holds.
    kept.notes.removeAll { $0.epoch >= initialEpoch && !($0.kind == .resumed && $0.epoch == initialEpoch) }
    if let epoch = validation?.epoch, epoch >= initialEpoch { kept.validation = nil }
    kept.ending = nil
    return kept
  }
}

extension TrainingRecord {
  /// An epoch and its value of a metric.
  struct Value: Equatable {
    var epoch: Int
    var value: Double
  }

  /// A metric's values by the order of `epochs`; nil where an epoch lacks it.
  func values(of key: MetricKey) -> [Double?] { epochs.map { $0.metrics[key.rawValue] } }

  /// The best finite value of a metric and the first epoch that had it.
  func best(_ key: MetricKey, isBetter: (Double, Double) -> Bool) -> Value? {
    var best: Value?
    for epoch in epochs {
      guard let value = epoch.metrics[key.rawValue], value.isFinite else { continue }
      if best.map({ isBetter(value, $0.value) }) ?? true { best = Value(epoch: epoch.epoch, value: value) }
    }
    return best
  }

  var bestValidationLoss: Value? { best(.valLoss, isBetter: <) }
  var bestExactMatch: Value? { best(.valExactMatch, isBetter: >) }
}
