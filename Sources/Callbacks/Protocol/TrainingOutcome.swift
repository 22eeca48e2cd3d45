/// Why training was asked to stop before its last epoch.
public enum StopReason: Hashable, Sendable, Codable {
  /// The metric has not improved for `patience` epochs; `best` is its best value, of epoch `bestEpoch` (from 0), or nil
  /// where it never had one.
  case noImprovement(monitor: MetricKey, patience: Int, best: Double?, bestEpoch: Int?)
  /// Something became NaN or infinite; in words, such as "the loss is nan".
  case nonFinite(String)
  /// The time allowed for the run, in seconds, is used up.
  case timeBudget(seconds: Double)
  /// The user asked for it (Ctrl-C).
  case interrupted
  /// Anything else, in words that complete "stopped because …".
  case other(String)
}

/// How training ended.
public enum TrainingOutcome: Hashable, Sendable {
  /// All epochs were run.
  case completed
  /// A callback or the user asked for the end.
  case stopped(StopReason)
  /// An error ended it; the error's description.
  case failed(String)
}
