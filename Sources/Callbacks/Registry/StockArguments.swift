import PluginConfiguration

// How the stock callbacks read their arguments from a configuration; those that change the learning rate are in a file of
// their own.

extension ConfigurationArguments {
  /// `monitor`, by default `val_loss`.
  mutating func monitor() throws -> MetricKey {
    MetricKey(rawValue: try string("monitor", default: MetricKey.valLoss.rawValue))
  }

  mutating func kerasCompatible() throws -> Bool { try boolean("keras_compatible", default: false) }
}

extension EarlyStopping {
  convenience init(arguments: inout ConfigurationArguments) throws {
    self.init(
      monitor: try arguments.monitor(),
      mode: try arguments.choice("mode", default: .auto),
      minDelta: try arguments.number("min_delta", default: 0),
      patience: try arguments.integer("patience", default: 0, in: 0...),
      baseline: try arguments.optionalNumber("baseline"),
      startEpoch: try arguments.integer("start_from_epoch", default: 0, in: 0...),
      restoreBestWeights: try arguments.boolean("restore_best_weights", default: false),
      kerasCompatible: try arguments.kerasCompatible())
  }

  /// The original system's arguments: `start_epoch` counts from 1.
  convenience init(delayed arguments: inout ConfigurationArguments) throws {
    self.init(
      monitor: try arguments.monitor(),
      mode: try arguments.choice("mode", default: .auto),
      minDelta: try arguments.number("min_delta", default: 0),
      patience: try arguments.integer("patience", default: 0, in: 0...),
      startEpoch: max(0, try arguments.integer("start_epoch", in: 0...) - 1),
      restoreBestWeights: try arguments.boolean("restore_best_weights", default: true),
      kerasCompatible: try arguments.kerasCompatible())
  }
}

extension ModelCheckpoint {
  convenience init(arguments: inout ConfigurationArguments) throws {
    self.init(
      fileName: try arguments.string("filename", default: "best-val-loss"),
      monitor: try arguments.monitor(),
      mode: try arguments.choice("mode", default: .auto),
      saveBestOnly: try arguments.boolean("save_best_only", default: true),
      every: try arguments.integer("every", default: 1, in: 1...),
      keep: try arguments.optionalInteger("keep", in: 1...),
      initialBest: try arguments.optionalNumber("initial_value_threshold"),
      kerasCompatible: try arguments.kerasCompatible())
  }
}

extension ExactMatchCheckpoint {
  convenience init(arguments: inout ConfigurationArguments) throws {
    self.init(
      fileName: try arguments.string("filename", default: "best-exact-match"),
      every: try arguments.integer("every", default: 5, in: 1...),
      samples: try arguments.integer("samples", default: 2000, in: 1...))
  }
}

extension ExponentialMovingAverage {
  convenience init(arguments: inout ConfigurationArguments) throws {
    self.init(decay: try arguments.number("decay", default: 0.999, in: 0...1))
  }
}

extension TerminateOnNonFinite {
  convenience init(arguments: inout ConfigurationArguments) throws {
    self.init(
      mode: try arguments.choice("mode", default: .stop),
      maximumSkips: try arguments.integer("max_skips", default: 10, in: 1...))
  }
}

extension GradientMonitor {
  convenience init(arguments: inout ConfigurationArguments) throws {
    self.init(
      every: try arguments.integer("every", default: 10, in: 1...),
      explosionFactor: try arguments.number("explosion_factor", default: 100, in: 1...))
  }
}

extension StuckDetector {
  convenience init(arguments: inout ConfigurationArguments) throws {
    self.init(
      patience: try arguments.integer("patience", default: 5, in: 1...),
      samples: try arguments.integer("samples", default: 1000, in: 1...))
  }
}
