import Callbacks
import PluginConfiguration

/// Ends the training once a metric has been at a target for some epochs in a row.
///
/// A callback of one's own is a class like this one, of which only `name` and one `on…` method are required:
/// - `requiredMetrics` is checked before the first step, so that a misspelt metric costs no night of training.
/// - `check` refuses arguments that make no sense, at the same time.
/// - `state` is saved with the training and restored on resume; conform to `Callback` where there is nothing to remember.
public final class StopAtTarget: StatefulCallback {
  public struct State: Codable, Sendable {
    /// How many epochs in a row have reached the target.
    public internal(set) var reached = 0
  }

  public let name = "stop_at_target"
  public var state = State()

  private let monitor: MetricKey
  private let target: Double
  private let epochs: Int

  /// - Parameters:
  ///   - monitor: a metric of which more is better, 0...1.
  ///   - target: what it must reach.
  ///   - epochs: for how many epochs in a row.
  public init(monitor: MetricKey = .valExactMatch, target: Double, epochs: Int = 1) {
    self.monitor = monitor
    self.target = target
    self.epochs = epochs
  }

  public var requiredMetrics: [MetricKey] { [monitor] }

  public func check(_ plan: TrainingPlan) throws {
    guard epochs > 0 else {
      throw CallbackError.invalidArgument(
        callback: name, argument: "epochs", value: "\(epochs)", remedy: "give 1 or more")
    }
  }

  public func onTrainBegin(_ context: any TrainingContext) { state = State() }

  public func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) {
    guard let value = logs[monitor] else { return }
    state.reached = value >= target ? state.reached + 1 : 0
    // What is added to the logs, later callbacks, the progress and metrics.csv show.
    logs["epochs_at_target"] = Double(state.reached)
    if state.reached >= epochs {
      context.requestStop(.other("\(monitor) has reached \(target) for \(epochs) epochs"))
    }
  }
}

extension CallbackRegistry {
  /// Makes the callback available by name, as configuration files ask for it:
  /// `- name: stop_at_target` with `target: 0.9`.
  public mutating func registerStopAtTarget() {
    register("stop_at_target") { arguments in
      StopAtTarget(
        monitor: MetricKey(rawValue: try arguments.string("monitor", default: "val_exact_match")),
        target: try arguments.number("target", in: 0...1),
        epochs: try arguments.integer("epochs", default: 1, in: 1...))
    }
  }
}
