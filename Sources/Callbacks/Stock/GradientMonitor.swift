import Foundation
import Tensor

/// Measures how large the gradients of each layer are, and warns of layers that no longer learn and of gradients that explode.
///
/// Adds the epoch's mean norm of all gradients to the logs (`gradient_norm`) and sends the layers' own to the event sinks.
/// - A layer is dead when its gradient is next to nothing beside that of the whole model in every measured step of an epoch.
/// - A layer's gradient explodes when it is not finite, or `explosionFactor` times its geometric mean over the steps before.
public final class GradientMonitor: StatefulCallback {
  public struct State: Codable, Sendable {
    /// The sums of the norms in this epoch, by layer.
    var sums: [String: Double] = [:]
    var totalSum = 0.0
    /// The steps that were measured in this epoch.
    var measured = 0
    /// The layers that had no gradient to speak of in any of them.
    var silent: [String] = []
    /// By layer the sums of the norms' logarithms over all measured steps and their number.
    var logarithms: [String: Double] = [:]
    var counts: [String: Int] = [:]
    /// The layers that were warned of in this epoch, and of their silence in the epoch before.
    var warned: [String] = []
    var dead: [String] = []
  }

  public let name = "gradient_monitor"
  public var state = State()

  private let every: Int
  private let explosionFactor: Double

  /// A gradient below this share of the whole model's is none.
  private static let silence = 1e-8
  /// Before so many measured steps nothing is known of what is usual.
  private static let usualSteps = 10

  /// - Parameters:
  ///   - every: measure every so many steps.
  ///   - explosionFactor: how many times its usual norm makes an explosion.
  public init(every: Int = 10, explosionFactor: Double = 100) {
    self.every = every
    self.explosionFactor = explosionFactor
  }

  public var providedMetrics: [MetricKey] { [.gradientNorm] }

  public func effects(in plan: TrainingPlan) -> [CallbackEffect] { [.measures(.gradientNorm)] }

  public func check(_ plan: TrainingPlan) throws {
    try require(every > 0, "every", every, "give 1 or more")
    try require(
      explosionFactor > 1 && explosionFactor.isFinite, "explosion_factor", explosionFactor, "give a number above 1")
  }

  public func onTrainBegin(_ context: any TrainingContext) { state = State() }

  public func onUpdateBegin(_ context: any TrainingContext, update: inout PendingUpdate) {
    guard context.step % every == 0 else { return }
    let norms = Self.norms(update)
    for (layer, norm) in norms { warnOfExplosion(layer, norm, context) }
    let total = norms.reduce(0) { $0 + $1.norm * $1.norm }.squareRoot()
    // One bad batch must not hide what the others show.
    guard total.isFinite else { return }
    let silent = norms.filter { $0.norm <= Self.silence * total || $0.norm == 0 }.map(\.layer)
    state.silent = state.measured == 0 ? silent : state.silent.filter(silent.contains)
    state.measured += 1
    state.totalSum += total
    for (layer, norm) in norms {
      state.sums[layer, default: 0] += norm
      guard norm > 0 else { continue }
      state.logarithms[layer, default: 0] += log(norm)
      state.counts[layer, default: 0] += 1
    }
  }

  /// The norm of all gradients of each layer together, in the order of the layers' names: sums must not depend on the
  /// order of a dictionary, or a resumed training would not be the same to the last bit.
  private static func norms(_ update: PendingUpdate) -> [(layer: String, norm: Double)] {
    func layer(_ name: String) -> String {
      let path = name.split(separator: "/").dropLast().joined(separator: "/")
      return path.isEmpty ? name : path
    }
    // A layer that is not used at all has no gradient: it counts as zero.
    var squares: [String: Double] = [:]
    for name in update.namesWithoutGradient { squares[layer(name), default: 0] += 0 }
    for (name, gradient) in update.namedGradients {
      let norm = gradient.norm
      squares[layer(name), default: 0] += norm * norm
    }
    return squares.sorted { $0.key < $1.key }.map { ($0.key, $0.value.squareRoot()) }
  }

  private func warnOfExplosion(_ layer: String, _ norm: Double, _ context: any TrainingContext) {
    guard !state.warned.contains(layer) else { return }
    let count = state.counts[layer] ?? 0
    let usual = count < Self.usualSteps ? .infinity : exp((state.logarithms[layer] ?? 0) / Double(count))
    guard !norm.isFinite || norm > explosionFactor * usual else { return }
    state.warned.append(layer)
    let comparison = usual.isFinite ? ", usually \(Self.text(usual))" : ""
    context.send(
      .warning(
        "\(name): the gradient of \(layer) explodes: its norm is \(Self.text(norm)) in step \(context.step + 1)"
          + "\(comparison); clip the gradients (clipnorm) or lower the learning rate"))
  }

  public func onEpochEnd(_ context: any TrainingContext, logs: inout Logs) {
    defer {
      state.sums = [:]
      state.totalSum = 0
      state.measured = 0
      state.warned = []
    }
    guard state.measured > 0 else { return }
    let count = Double(state.measured)
    logs[.gradientNorm] = state.totalSum / count
    context.send(.gradientsMeasured(GradientSummary(epoch: context.epoch, norms: state.sums.mapValues { $0 / count })))
    for layer in state.silent where !state.dead.contains(layer) {
      context.send(
        .warning(
          "\(name): \(layer) is dead: in \(state.measured) measured steps of the epoch no gradient has reached it; lower the "
            + "learning rate, normalise before the activation, or look whether it is used at all"))
    }
    state.dead = state.silent
  }

  private static func text(_ norm: Double) -> String { norm.formatted(.number.precision(.significantDigits(3))) }
}

extension MetricKey {
  /// The mean norm of all gradients together over the epoch's measured steps.
  public static let gradientNorm: MetricKey = "gradient_norm"
}
