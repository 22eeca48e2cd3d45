import Foundation
import Layers
import Tensor
import Testing

@Suite struct InitializerTests {
  private func draw(_ initializer: Initializer, _ shape: Shape, seed: UInt64 = 5) -> [Double] {
    var stream = RandomStream(seed: seed)
    return initializer(shape, &stream).elements().map(Double.init)
  }

  @Test func constants() {
    #expect(draw(.zeros, [3, 2]) == [Double](repeating: 0, count: 6))
    #expect(draw(.ones, [4]) == [1, 1, 1, 1])
  }

  /// The limit is √(6 / (fanIn + fanOut)), where the fans of a convolution include its area; the deviation of a uniform
  /// distribution is limit / √3.
  @Test(arguments: [([200, 300], 500.0), ([3, 3, 64, 96], 9 * 160.0), ([7, 7, 3, 64], 49 * 67.0)])
  func glorotUniform(_ shape: [Int], _ fans: Double) {
    let values = draw(.glorotUniform, Shape(shape))
    let limit = (6 / fans).squareRoot()
    let count = Double(values.count)
    #expect(values.allSatisfy { abs($0) <= limit * 1.000001 })
    // The extremes of n uniform numbers are within a few nths of the limits.
    let largest = values.max() ?? 0
    let smallest = values.min() ?? 0
    #expect(largest > limit * (1 - 40 / count) && smallest < -limit * (1 - 40 / count))
    let mean = values.reduce(0, +) / count
    #expect(abs(mean) < 5 * limit / (3 * count).squareRoot())
    let variance = values.reduce(0) { $0 + $1 * $1 } / count
    // The variance of x² for a uniform x is 4·limit⁴/45.
    #expect(abs(variance - limit * limit / 3) < 5 * limit * limit * (4 / (45 * count)).squareRoot())
  }

  @Test(arguments: [([200, 300], 200.0), ([3, 3, 64, 96], 9 * 64.0)])
  func heNormal(_ shape: [Int], _ fanIn: Double) {
    let values = draw(.heNormal, Shape(shape))
    let count = Double(values.count)
    let expected = 2 / fanIn
    let variance = values.reduce(0) { $0 + $1 * $1 } / count
    #expect(abs(variance - expected) < 5 * expected * (2 / count).squareRoot())
    #expect(abs(values.reduce(0, +) / count) < 5 * (expected / count).squareRoot())
    // A normal distribution has 4.55 % beyond two deviations; a uniform one has none.
    let beyond = values.count { abs($0) > 2 * expected.squareRoot() }
    #expect(abs(Double(beyond) / count - 0.0455) < 5 * (0.0455 * 0.9545 / count).squareRoot())
  }

  /// Rows, or columns where there are fewer, are orthogonal and of length 1; no direction is preferred.
  @Test(arguments: [[16, 64], [64, 16], [1, 5], [24, 24], [3, 4, 30]])
  func orthogonal(_ dimensions: [Int]) {
    let shape = Shape(dimensions)
    let values = draw(.orthogonal, shape)
    let (rows, columns) = (shape.rows, shape[-1])
    let count = min(rows, columns)
    func element(_ vector: Int, _ index: Int) -> Double {
      rows <= columns ? values[vector * columns + index] : values[index * columns + vector]
    }
    for a in 0..<count {
      for b in 0...a {
        let product = (0..<max(rows, columns)).reduce(0) { $0 + element(a, $1) * element(b, $1) }
        #expect(abs(product - (a == b ? 1 : 0)) < 1e-6)
      }
    }
    #expect(values == draw(.orthogonal, shape) && values != draw(.orthogonal, shape, seed: 6))
    if values.count > 500 {
      let mean = values.reduce(0, +) / Double(values.count)
      #expect(abs(mean) < 5 / (Double(values.count) * Double(max(rows, columns))).squareRoot())
    }
  }

  @Test func defaultsOfRecurrentLayers() {
    let model = Sequential { Bidirectional(LSTM(6, 8)).named("lstm") }
    model.initialize(seed: 2)
    let weights = model.weights.tensors.mapValues { $0.elements() }
    for direction in ["forward", "backward"] {
      let bias = [Float](repeating: 0, count: 8) + [Float](repeating: 1, count: 8) + [Float](repeating: 0, count: 16)
      #expect(weights["lstm/\(direction)/bias"] == bias)
      let row = weights["lstm/\(direction)/recurrent_kernel"]?.prefix(32).reduce(0) { $0 + $1 * $1 } ?? 0
      #expect(abs(row - 1) < 1e-5)
      let largest = weights["lstm/\(direction)/kernel"]?.map(abs).max() ?? 0
      let limit = (6 / Float(6 + 32)).squareRoot()
      #expect(largest <= limit && largest > 0.9 * limit)
    }
    #expect(weights["lstm/forward/kernel"] != weights["lstm/backward/kernel"])
  }

  private func model(reversed: Bool) -> Sequential {
    let first = Dense(4, 3).named("first")
    let second = Conv2D(2, 3, kernelSize: 3).named("second")
    return Sequential { reversed ? [second, first] : [first, second] }
  }

  /// A parameter's first value depends on the seed and its path, not on what else the model holds.
  @Test func valuesDependOnSeedAndPathOnly() {
    let (a, b) = (model(reversed: false), model(reversed: true))
    a.initialize(seed: 9)
    b.initialize(seed: 9)
    for (name, tensor) in a.weights.tensors {
      #expect(b.weights.tensors[name]?.elements() == tensor.elements(), "\(name)")
    }
    let before = a.weights.tensors["first/kernel"]?.elements()
    a.initialize(seed: 10)
    #expect(a.weights.tensors["first/kernel"]?.elements() != before)
    a.initialize(seed: 9)
    #expect(a.weights.tensors["first/kernel"]?.elements() == before)
  }

  @Test func equalShapesUnderOtherPathsDiffer() {
    let model = Sequential {
      Dense(5, 5).named("fc1")
      Dense(5, 5).named("fc2")
    }
    model.initialize(seed: 1)
    let weights = model.weights.tensors
    #expect(weights["fc1/kernel"]?.elements() != weights["fc2/kernel"]?.elements())
  }

  /// Kernels are Glorot uniform, biases zero, gamma and variance one, beta and mean zero, as in Keras.
  @Test func defaultsOfLayers() {
    let model = Sequential {
      Conv2D(3, 8, kernelSize: 3).named("conv")
      BatchNorm(8).named("bn")
      Dense(8, 20).named("fc")
    }
    model.initialize(seed: 2)
    let weights = model.weights.tensors.mapValues { $0.elements() }
    let constants: [String: Float] = [
      "conv/bias": 0, "fc/bias": 0, "bn/gamma": 1, "bn/beta": 0, "bn/moving_mean": 0, "bn/moving_variance": 1,
    ]
    for (name, value) in constants { #expect(weights[name]?.allSatisfy { $0 == value } == true, "\(name)") }
    for (name, fans) in [("conv/kernel", Float(9 * 11)), ("fc/kernel", 28)] {
      let largest = weights[name]?.map(abs).max() ?? 0
      let limit = (6 / fans).squareRoot()
      #expect(largest <= limit && largest > 0.9 * limit, "\(name)")
    }
  }
}
