import Callbacks

/// Tells other sinks, once the training has begun, what was done before.
final class OpeningLinesSink: EventSink {
  private let warnings: [String]
  private let lines: [String]
  private let sinks: EventSinkList

  /// - Parameter sinks: those that stand before this one, and so know of the beginning already.
  init(warnings: [String], _ lines: [String], to sinks: [any EventSink]) {
    self.warnings = warnings
    self.lines = lines
    self.sinks = EventSinkList(sinks)
  }

  func receive(_ event: TrainingEvent) {
    guard case .trainBegan = event else { return }
    for warning in warnings { sinks.send(.warning(warning)) }
    for line in lines { sinks.send(.message(line)) }
  }
}
