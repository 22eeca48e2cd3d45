/// Keeps a run that goes on after a crash from replacing a better model: one that was saved after the last state from
/// which a run can go on.
struct BetterModelGuard {
  /// The files that this part of the run wrote itself: their values are known.
  private var saved: Set<String> = []

  mutating func noteSaved(_ file: String) { saved.insert(file) }

  /// The value of the model file `file` of an earlier part of this run, where it is better than `value`; tells the event
  /// sinks that it stays.
  func better(than value: Double, in file: String, _ monitor: Monitor, _ context: any TrainingContext) -> Double? {
    guard context.plan.isResuming, !saved.contains(file), let metadata = context.modelMetadata(named: file),
      let found = metadata[monitor.metric.rawValue].flatMap(Double.init), monitor.isImprovement(found, over: value)
    else { return nil }
    context.send(
      .message(
        "\(file) stays the model of epoch \(metadata["epoch"] ?? "?"), whose \(monitor.metric) \(found) is better than "
          + "\(value): it was saved after the state from which this run went on"))
    return found
  }
}
