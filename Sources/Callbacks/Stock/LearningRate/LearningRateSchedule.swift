/// A learning rate of your own, as a closure.
/// ```swift
/// LearningRateSchedule(perEpoch: { epoch in epoch < 30 ? 0.001 : 0.0001 })
/// LearningRateSchedule(perEpoch: { epoch, rate in epoch < 10 ? rate : rate * 0.9 })
/// LearningRateSchedule(perStep: { step in 0.01 / (1 + 0.001 * Double(step)) })
/// ```
/// The epoch's last rate is logged as `learning_rate`. A closure must give the same rate whenever it is asked for the
/// same step, since a training that resumes asks again; one that remembers something is a callback with a state. Source:
/// Keras 3 `LearningRateScheduler`.
public final class LearningRateSchedule: Callback {
  private enum Form {
    case perEpoch((_ epoch: Int) throws -> Double)
    case changePerEpoch((_ epoch: Int, _ rate: Double) throws -> Double)
    case perStep((_ step: Int) throws -> Double)
  }

  public let name = "learning_rate_schedule"
  private let form: Form

  /// Sets the rate at the begin of each epoch, whatever it was before.
  ///
  /// - Parameter rate: the rate for an epoch, from 0: finite and at least 0, else the training ends with an error.
  public init(perEpoch rate: @escaping (_ epoch: Int) throws -> Double) { form = .perEpoch(rate) }

  /// Changes the rate at the begin of each epoch, beside others that change it too.
  ///
  /// - Parameter rate: the rate for an epoch, from 0, made of the one that the optimizer has: finite and at least 0, else
  ///   the training ends with an error.
  public init(perEpoch rate: @escaping (_ epoch: Int, _ rate: Double) throws -> Double) { form = .changePerEpoch(rate) }

  /// Sets the rate before each batch, whatever it was before.
  ///
  /// - Parameter rate: the rate for a step, from 0 over all epochs: finite and at least 0, else the training ends with an
  ///   error. It is asked once more for the first step of each epoch, to report the rate.
  public init(perStep rate: @escaping (_ step: Int) throws -> Double) { form = .perStep(rate) }

  public var providedMetrics: [MetricKey] { [.learningRate] }

  public func effects(in plan: TrainingPlan) -> [CallbackEffect] {
    switch form {
    case .perEpoch, .perStep: [.setsLearningRate(epochs: 0..<Int.max)]
    case .changePerEpoch: [.changesLearningRate(firstEpoch: 0)]
    }
  }

  public func onEpochBegin(_ context: any TrainingContext) throws {
    let (rate, place): (Double, String)
    switch form {
    case .perEpoch(let closure): (rate, place) = (try closure(context.epoch), "epoch \(context.epoch)")
    case .changePerEpoch(let closure):
      (rate, place) = (try closure(context.epoch, Double(context.learningRate)), "epoch \(context.epoch)")
    case .perStep(let closure): (rate, place) = (try closure(context.step), "step \(context.step)")
    }
    try requireUsable(rate, at: place)
    context.setLearningRate(rate, by: name, isPlanned: true)
  }

  public func onBatchBegin(_ context: any TrainingContext) throws {
    guard case .perStep(let closure) = form else { return }
    let rate = try closure(context.step)
    try requireUsable(rate, at: "step \(context.step)")
    context.learningRate = Float(rate)
  }

  public func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) {
    logs[.learningRate] = Double(context.learningRate)
  }
}
