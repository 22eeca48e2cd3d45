import Foundation
import Optimizers
import PluginConfiguration
import Tensor
import Testing

@Suite struct OptimizerTests {
  /// A parameter with enough elements for several threads and an incomplete last block.
  private func parameter(_ count: Int, _ seed: UInt64, trainable: Bool = true) -> Parameter {
    Parameter("kernel", value: noise(count, seed), isTrainable: trainable)
  }

  private func noise(_ count: Int, _ seed: UInt64) -> Tensor {
    var stream = RandomStream(seed: seed)
    return Tensor((0..<count).map { _ in stream.float(in: -1..<1) }, shape: [count])
  }

  private func vector(_ elements: Float...) -> Tensor { Tensor(elements, shape: [elements.count]) }

  private func gradients(_ pairs: [(Parameter, Tensor)]) -> Gradients {
    var gradients = Gradients()
    for (parameter, gradient) in pairs { gradients[parameter] = gradient }
    return gradients
  }

  @Test func longParametersFollowTheFormulaInEveryElement() {
    let count = 70_003
    let weights = parameter(count, 1)
    let optimizer = Optimizer(
      .adamW(amsgrad: true), parameters: [NamedParameter(name: "w", parameter: weights)], learningRate: 0.01,
      clipping: .byNorm(1))
    var expected = weights.value.elements().map(Double.init)
    var mean = [Double](repeating: 0, count: count)
    var square = mean
    var largest = mean
    for step in 1...3 {
      let gradient = noise(count, UInt64(10 + step))
      optimizer.apply(gradients([(weights, gradient)]))
      let values = gradient.elements().map(Double.init)
      let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let rate = 0.01 * (1 - pow(0.999, Double(step))).squareRoot() / (1 - pow(0.9, Double(step)))
      for index in 0..<count {
        let g = values[index] / max(norm, 1)
        mean[index] += (g - mean[index]) * 0.1
        square[index] += (g * g - square[index]) * 0.001
        largest[index] = max(largest[index], square[index])
        expected[index] -= expected[index] * 0.004 * 0.01
        expected[index] -= rate * mean[index] / (largest[index].squareRoot() + 1e-7)
      }
    }
    let worst = zip(weights.value.elements(), expected).map { abs(Double($0) - $1) }.max() ?? .infinity
    #expect(worst < 2e-6)
  }

  @Test func frozenAndUnusedParametersStay() {
    let (moving, frozen, unused) = (parameter(5, 1), parameter(5, 2, trainable: false), parameter(5, 3))
    let before = (moving.value.elements(), frozen.value.elements(), unused.value.elements())
    let optimizer = Optimizer(
      SGD(),
      parameters: [
        NamedParameter(name: "a", parameter: moving), NamedParameter(name: "b", parameter: frozen),
        NamedParameter(name: "c", parameter: unused),
      ], learningRate: 0.5, weightDecay: 0.1)
    let gradient = noise(5, 4)
    optimizer.apply(gradients([(moving, gradient), (frozen, gradient)]))
    #expect(frozen.value.elements() == before.1)
    #expect(unused.value.elements() == before.2)
    for (index, value) in moving.value.elements().enumerated() {
      #expect(abs(value - (before.0[index] * 0.95 - 0.5 * gradient.elements()[index])) < 1e-6)
    }
  }

  @Test func threadCountDoesNotChangeABit() {
    let earlier = Threads.count
    defer { Threads.count = earlier }
    let results = [1, 3].map { threads in
      Threads.count = threads
      let weights = parameter(50_001, 5)
      let optimizer = Optimizer(
        Adam(), parameters: [NamedParameter(name: "w", parameter: weights)], clipping: .byValue(0.5))
      for step in 0..<3 { optimizer.apply(gradients([(weights, noise(50_001, UInt64(step)))])) }
      return weights.value.elements()
    }
    #expect(results[0] == results[1])
  }

  @Test func summaryCountsTheParametersThatClippingShrank() {
    let (small, large) = (parameter(4, 1), parameter(4, 2))
    let optimizer = Optimizer(
      SGD(), parameters: [NamedParameter(name: "s", parameter: small), NamedParameter(name: "l", parameter: large)],
      clipping: .byNorm(1))
    let summary = optimizer.apply(
      gradients([
        (small, vector(0.5, 0, 0, 0)), (large, vector(3, 4, 0, 0)),
      ]))
    #expect(summary.isUpdate)
    #expect(summary.clippedParameters == 1)
    #expect(summary.largestGradientNorm == 5)
  }

  /// Keras, measured: squares that overflow make a clipped gradient zero, an infinite element makes itself NaN.
  @Test(arguments: [(Float(1e20), Float(1)), (.infinity, .nan)])
  func clippingByNormOfHugeGradients(element: Float, expected: Float) {
    let weights = Parameter("w", value: vector(1, 1))
    let optimizer = Optimizer(
      SGD(), parameters: [NamedParameter(name: "w", parameter: weights)], learningRate: 1, clipping: .byNorm(1))
    optimizer.apply(gradients([(weights, vector(element, 1))]))
    let result = weights.value.elements()
    #expect(expected.isNaN ? result[0].isNaN : result[0] == expected)
    #expect(result[1] == 1)
  }

  @Test func momentsOfIdleWeightsBecomeZero() throws {
    let weights = Parameter("w", value: vector(1))
    let optimizer = Optimizer(Adam(), parameters: [NamedParameter(name: "w", parameter: weights)])
    optimizer.apply(gradients([(weights, vector(1e-30))]))
    for _ in 0..<400 { optimizer.apply(gradients([(weights, vector(0))])) }
    let mean = try #require(optimizer.state().tensors["m/w"])
    #expect(mean.scalar == 0)
  }

  // MARK: State

  /// Cut at every step, in the middle of an accumulation too, and go on in a new optimizer: the bits must be the same.
  @Test(arguments: ["adam", "amsgrad", "adamw", "sgd"])
  func resumedEqualsUninterrupted(rule: String) throws {
    let arguments: [String: ConfigurationValue] =
      rule == "sgd"
      ? ["momentum": 0.9, "gradient_accumulation_steps": 2] : ["clipnorm": 1, "gradient_accumulation_steps": 2]
    let configuration = ComponentConfiguration(rule, arguments)
    for cut in 0...6 {
      let (whole, parted) = (parameter(1001, 1), parameter(1001, 1))
      let uninterrupted = try OptimizerRegistry.standard.makeOptimizer(
        configuration, parameters: [NamedParameter(name: "w", parameter: whole)])
      var optimizer = try OptimizerRegistry.standard.makeOptimizer(
        configuration, parameters: [NamedParameter(name: "w", parameter: parted)])
      uninterrupted.learningRate = 0.02
      optimizer.learningRate = 0.02
      for step in 0..<7 {
        if step == cut {
          let state = optimizer.state()
          let counters = try JSONDecoder().decode(
            OptimizerState.Counters.self, from: JSONEncoder().encode(state.counters))
          optimizer = try OptimizerRegistry.standard.makeOptimizer(
            configuration, parameters: [NamedParameter(name: "w", parameter: parted)])
          try optimizer.restore(OptimizerState(counters: counters, tensors: state.tensors))
        }
        let gradient = noise(1001, UInt64(20 + step))
        uninterrupted.apply(gradients([(whole, gradient)]))
        optimizer.apply(gradients([(parted, gradient)]))
      }
      #expect(whole.value.elements() == parted.value.elements(), "cut before step \(cut)")
      #expect(uninterrupted.iterations == optimizer.iterations)
    }
  }

  @Test func savedStateIsACopy() {
    let weights = parameter(10, 1)
    let optimizer = Optimizer(Adam(), parameters: [NamedParameter(name: "w", parameter: weights)])
    optimizer.apply(gradients([(weights, noise(10, 2))]))
    let state = optimizer.state()
    let before = state.tensors["m/w"]?.elements()
    optimizer.apply(gradients([(weights, noise(10, 3))]))
    #expect(state.tensors["m/w"]?.elements() == before)
    #expect(optimizer.state().tensors["m/w"]?.elements() != before)
  }

  @Test func stateThatDoesNotFitIsRefused() {
    let optimizer = Optimizer(Adam(), parameters: [NamedParameter(name: "w", parameter: parameter(10, 1))])
    let state = optimizer.state()
    var missing = state
    missing.tensors["v/w"] = nil
    #expect(throws: OptimizerStateError.missing("v/w")) { try optimizer.restore(missing) }
    var extra = state
    extra.tensors["vhat/w"] = Tensor(zeros: [10])
    #expect(throws: OptimizerStateError.unexpected("vhat/w")) { try optimizer.restore(extra) }
    var reshaped = state
    reshaped.tensors["m/w"] = Tensor(zeros: [11])
    #expect(throws: OptimizerStateError.wrongShape("m/w", saved: [11], expected: [10])) {
      try optimizer.restore(reshaped)
    }
  }
}
