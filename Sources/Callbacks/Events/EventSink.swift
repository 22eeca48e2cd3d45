/// Something that watches a training and never acts on it: a progress bar, a log, a table of the metrics.
public protocol EventSink: AnyObject {
  /// Takes note of an event; called in the order of the events, on the training's thread.
  ///
  /// - Throws: an error that names the file and the remedy where something can't be written.
  func receive(_ event: TrainingEvent) throws
}

/// All sinks of a training. One that fails is left out from then on, and the others show why: a full disk must not cost
/// the training.
public final class EventSinkList {
  private var sinks: [any EventSink]

  public init(_ sinks: [any EventSink]) { self.sinks = sinks }

  public func send(_ event: TrainingEvent) {
    var failures: [String] = []
    sinks.removeAll { sink in
      do {
        try sink.receive(event)
        return false
      } catch {
        failures.append("\(type(of: sink)) is left out from here on: \(error)")
        return true
      }
    }
    for failure in failures { send(.warning(failure)) }
  }
}
