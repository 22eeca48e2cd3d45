/// Which way a metric gets better.
public enum MonitorMode: String, CaseIterable, Sendable {
  /// Smaller is better.
  case min
  /// Larger is better.
  case max
  /// By the metric's name: losses and errors smaller, accuracies, precision, recall and exact match larger.
  case auto
}

/// The test that all callbacks share for "is this value better than the best so far".
struct Monitor: Sendable {
  let metric: MetricKey
  /// The smallest change that counts.
  let minDelta: Double
  /// Whether NaN is treated as in Keras: a first NaN is the best for ever. Otherwise it is never the best.
  let kerasCompatible: Bool
  /// nil where the metric's name does not tell.
  private let smallerIsBetter: Bool?

  /// - Parameter minDelta: its sign does not matter, as in Keras.
  init(_ metric: MetricKey, mode: MonitorMode, minDelta: Double = 0, kerasCompatible: Bool) {
    self.metric = metric
    self.minDelta = abs(minDelta)
    self.kerasCompatible = kerasCompatible
    smallerIsBetter =
      switch mode {
      case .min: true
      case .max: false
      case .auto: metric.smallerIsBetter
      }
  }

  /// Keras's test: the sum in Double, the comparison in Float, strict.
  func isImprovement(_ value: Double, over best: Double?) -> Bool {
    if value.isNaN && !kerasCompatible { return false }
    guard let best else { return true }
    return smallerIsBetter ?? true
      ? Float(value + minDelta) < Float(best) : Float(value - minDelta) > Float(best)
  }

  /// Refuses what can't be monitored.
  func check(callback: String) throws {
    if smallerIsBetter == nil {
      throw CallbackError.invalidArgument(
        callback: callback, argument: "mode", value: "auto",
        remedy: "the name \(metric) does not tell whether smaller is better; give \"min\" or \"max\"")
    }
    if !minDelta.isFinite {
      throw CallbackError.invalidArgument(
        callback: callback, argument: "min_delta", value: "\(minDelta)", remedy: "give a finite number")
    }
  }
}

extension MetricKey {
  /// Whether smaller values are better; nil where the name does not tell.
  var smallerIsBetter: Bool? {
    func contains(_ words: [String]) -> Bool { words.contains { rawValue.contains($0) } }
    if contains(["loss", "error"]) { return true }
    return contains(["acc", "precision", "recall", "exact_match", "auc", "f1"]) ? false : nil
  }
}
