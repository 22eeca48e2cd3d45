import Foundation
import Tensor

/// A plug-in of the training loop: it is told what happens and may act through the context.
///
/// All callbacks of a training are called in the order of their list, at each of these points; each is empty by default:
///
/// | method | when |
/// |---|---|
/// | `onTrainBegin` | before the first epoch; forget what an earlier training left |
/// | `onEpochBegin` | before an epoch's first batch |
/// | `onBatchBegin`, `onBatchEnd` | around each batch |
/// | `onUpdateBegin` | within a batch, when its gradients are known and the weights not yet changed |
/// | `onValidationEnd` | after the validation part was measured, before `onEpochEnd` |
/// | `onEpochEnd` | after an epoch's batches and validation |
/// | `onTrainEnd` | after the last epoch, also when training failed |
///
/// Epochs count from 0. On resume `onTrainBegin` comes first and `restore(_:)` after it. An error thrown by a callback ends
/// the training as failed.
public protocol Callback: AnyObject {
  /// The name in configuration, messages and saved state, such as `reduce_lr_on_plateau`.
  var name: String { get }
  /// Metrics without which the callback can't work; checked before the first step.
  var requiredMetrics: [MetricKey] { get }
  /// Metrics that the callback adds to the logs at epoch end, for those that come later in the list.
  var providedMetrics: [MetricKey] { get }
  /// The names of arguments in configuration that a resumed run may change; it must have all others as they were.
  var adjustableArguments: Set<String> { get }
  /// What the callback does to things that others may want too; a list whose effects undo one another is refused or
  /// warned of before the first step.
  func effects(in plan: TrainingPlan) -> [CallbackEffect]
  /// Weights that are measured and saved in place of the training's own, such as averaged ones; nil for its own. When the
  /// training ends the model takes them over.
  var evaluationWeights: [String: Tensor]? { get }
  /// Refuses arguments that make no sense in this run, before the first step.
  ///
  /// - Throws: a `CallbackError` that names the argument and the remedy.
  func check(_ plan: TrainingPlan) throws
  /// What is allowed in this run and probably not meant, in words with a remedy.
  func warnings(for plan: TrainingPlan) -> [String]

  func onTrainBegin(_ context: any TrainingContext) throws
  func onEpochBegin(_ context: any TrainingContext) throws
  func onBatchBegin(_ context: any TrainingContext) throws
  /// - Parameter update: the batch's loss and gradients; the update can be left out.
  func onUpdateBegin(_ context: any TrainingContext, update: inout PendingUpdate) throws
  /// - Parameter logs: the epoch's running metrics.
  func onBatchEnd(_ context: any TrainingContext, logs: Logs) throws
  /// - Parameter logs: the metrics of the validation part (`val_…`).
  func onValidationEnd(_ context: any TrainingContext, logs: Logs) throws
  /// - Parameter logs: the epoch's metrics; what is added here, the callbacks later in the list and the event sinks see.
  func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) throws
  /// - Parameter outcome: how training ended.
  func onTrainEnd(_ context: any TrainingContext, outcome: TrainingOutcome) throws

  /// All that the callback must remember to go on later as if nothing had happened.
  func savedState() throws -> CallbackState
  /// Takes over what `savedState()` of an instance with the same arguments returned.
  func restore(_ state: CallbackState) throws
}

/// What a callback remembers: numbers and texts as JSON, weights as tensors.
public struct CallbackState: Sendable {
  /// A JSON value; nil where there is nothing to remember.
  public var json: String?
  /// Tensors by name.
  public var tensors: [String: Tensor]

  public init(json: String? = nil, tensors: [String: Tensor] = [:]) {
    self.json = json
    self.tensors = tensors
  }
}

extension Callback {
  public var requiredMetrics: [MetricKey] { [] }
  public var providedMetrics: [MetricKey] { [] }
  public var evaluationWeights: [String: Tensor]? { nil }
  public var adjustableArguments: Set<String> { [] }
  public func effects(in plan: TrainingPlan) -> [CallbackEffect] { [] }
  public func check(_ plan: TrainingPlan) throws {}
  public func warnings(for plan: TrainingPlan) -> [String] { [] }
  public func onTrainBegin(_ context: any TrainingContext) throws {}
  public func onEpochBegin(_ context: any TrainingContext) throws {}
  public func onBatchBegin(_ context: any TrainingContext) throws {}
  public func onUpdateBegin(_ context: any TrainingContext, update: inout PendingUpdate) throws {}
  public func onBatchEnd(_ context: any TrainingContext, logs: Logs) throws {}
  public func onValidationEnd(_ context: any TrainingContext, logs: Logs) throws {}
  public func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) throws {}
  public func onTrainEnd(_ context: any TrainingContext, outcome: TrainingOutcome) throws {}
  public func savedState() throws -> CallbackState { CallbackState() }
  public func restore(_ state: CallbackState) throws {}
}

/// A callback whose whole memory is one Codable value, which is saved and restored without further code.
public protocol StatefulCallback: Callback {
  associatedtype State: Codable
  var state: State { get set }
}

extension StatefulCallback {
  public func savedState() throws -> CallbackState { CallbackState(json: try encodedState()) }
  public func restore(_ state: CallbackState) throws { self.state = try decodedState(state) }

  /// `state` as JSON; NaN and infinities are kept as texts.
  func encodedState() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return String(decoding: try encoder.encode(state), as: UTF8.self)
  }

  func decodedState(_ saved: CallbackState) throws -> State {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return try decoder.decode(State.self, from: Foundation.Data((saved.json ?? "").utf8))
    } catch {
      throw CallbackError.unreadableState(callback: name, reason: "\(error)")
    }
  }
}
