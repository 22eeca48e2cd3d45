import Callbacks
import Layers
import Optimizers
import Tensor
import Testing
import Training

/// A loss whose slope is the same everywhere: the mean of the outputs.
private struct ConstantSlope: Loss {
  static let name = "constant_slope"
  var outputActivation: OutputActivation { .sigmoid }
  func callAsFunction(_ logits: Tensor, labels: Tensor) -> Tensor { logits.mean() }
}

/// A schedule as a user writes it.
private final class InverseDecay: StepSchedule {
  let name = "inverse_decay"
  var state = ScheduledLength()
  func rate(step: Int, of steps: Int) -> Double { 0.1 / Double(step + 1) }
}

/// The rate that a callback sets is the rate that the optimizer has and that the weights move with.
@Suite struct LearningRateTests {
  /// Trains, and returns for each batch the rate that the context tells after it and the one that the weights moved with.
  private func rates(
    epochs: Int, _ callbacks: @escaping () -> [any Callback]
  ) throws -> (told: [Float], moved: [Float], changes: [LearningRateChange]) {
    var small = try SmallTraining()
    small.epochs = epochs
    small.loss = ConstantSlope()
    let output = Dense(SmallTraining.width * SmallTraining.height, small.codec.outputCount)
    let model = Sequential {
      Flatten()
      output.named("output")
    }
    let outputs = Float(small.codec.outputCount)
    var told: [Float] = []
    var moved: [Float] = []
    var changes: [LearningRateChange] = []
    small.callbacks = {
      callbacks() + [
        Recorder { point, context, _ in
          // Before each batch the bias is zero again, so that its value afterwards is exactly one step.
          if point == .batchBegin { output.bias.value = Tensor(zeros: output.bias.shape) }
          if point == .batchEnd {
            told.append(context.learningRate)
            moved.append(-output.bias.value.elements()[0] * outputs)
          }
        }
      ]
    }
    let optimizer = Optimizer(SGD(), parameters: model.namedParameters, learningRate: 0.5)
    _ = try small.trainer(
      sinks: [Watcher { if case .learningRateChanged(let change) = $0 { changes.append(change) } }], model: model,
      optimizer: optimizer
    ).fit(small.training, validation: small.validation)
    return (told, moved, changes)
  }

  private func expectSame(_ rates: [Float], _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(rates.count == expected.count, sourceLocation: sourceLocation)
    for (rate, value) in zip(rates, expected) {
      #expect(abs(Double(rate) / value - 1) < 1e-5, "\(rate) instead of \(value)", sourceLocation: sourceLocation)
    }
  }

  @Test func withoutCallbacksItIsTheOptimizersOwn() throws {
    let (told, moved, changes) = try rates(epochs: 1) { [] }
    #expect(told == [0.5, 0.5, 0.5] && changes.isEmpty)
    expectSame(moved, [0.5, 0.5, 0.5])
  }

  @Test func warmupMovesTheWeights() throws {
    let (told, moved, changes) = try rates(epochs: 4) { [WarmupLearningRate(start: 0.1, target: 0.7, epochs: 3)] }
    // start + (target − start)·(epoch + 1)/3, three batches each; then the last stays.
    let expected = [0.3, 0.5, 0.7, 0.7].flatMap { [$0, $0, $0] }
    expectSame(told, expected)
    expectSame(moved, expected)
    #expect(changes.map(\.epoch) == [0, 1, 2])
    for change in changes { #expect(change.effective == Float(change.requested)) }
    #expect(changes.map(\.earlier) == [0.5, 0.3, 0.5])
  }

  @Test func aScheduleMovesTheWeights() throws {
    let (told, moved, changes) = try rates(epochs: 2) {
      [ExponentialDecay(initialLearningRate: 0.4, decaySteps: 1, decayRate: 0.5)]
    }
    let expected = [0.4, 0.2, 0.1, 0.05, 0.025, 0.0125]
    expectSame(told, expected)
    expectSame(moved, expected)
    #expect(changes.map(\.effective) == [0.4, 0.05])
    let own = try rates(epochs: 1) { [InverseDecay()] }
    expectSame(own.told, [0.1, 0.05, 0.1 / 3])
    expectSame(own.moved, [0.1, 0.05, 0.1 / 3])
  }

  @Test func aClosureMovesTheWeights() throws {
    let (told, moved, changes) = try rates(epochs: 3) { [LearningRateSchedule(perEpoch: { $1 / Double($0 + 1) })] }
    let expected = [0.5, 0.25, 0.25 / 3].flatMap { [$0, $0, $0] }
    expectSame(told, expected)
    expectSame(moved, expected)
    #expect(changes.map(\.epoch) == [0, 1, 2])
  }

  @Test func aReductionMovesTheWeightsFromTheNextEpochOn() throws {
    // Nothing improves by that much: a reduction after each epoch but the first.
    let (told, moved, changes) = try rates(epochs: 4) {
      [ReduceLROnPlateau(factor: 0.5, patience: 1, minDelta: 1e9)]
    }
    let expected = [0.5, 0.5, 0.25, 0.125].flatMap { [$0, $0, $0] }
    expectSame(told, expected)
    expectSame(moved, expected)
    #expect(changes.map(\.effective) == [0.25, 0.125, 0.0625])
  }

  @Test func aRateSetBeforeABatchIsUsedInIt() throws {
    let (told, moved, _) = try rates(epochs: 1) {
      [
        Recorder("each batch") { point, context, _ in
          if point == .batchBegin { context.learningRate = 1 / Float(context.step + 1) }
        }
      ]
    }
    expectSame(told, [1, 0.5, 1.0 / 3])
    expectSame(moved, [1, 0.5, 1.0 / 3])
  }
}
