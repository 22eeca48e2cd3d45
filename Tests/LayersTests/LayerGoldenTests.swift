import Foundation
import LayerReflection
import Layers
import Tensor
import Testing

/// One layer with given weights and what Keras makes of it.
struct LayerCase: Decodable, Sendable, CustomTestStringConvertible {
  struct Options: Decodable, Sendable {
    let type: String
    let units: [Int]?
    let size: Int?
    let stride: Int?
    let padding: Padding?
    let bias: Bool?
    let activation: Activation?
    let momentum: Float?
    let epsilon: Float?
  }

  let name: String
  let layer: Options
  let training: Bool
  let frozen: Bool
  let weights: [String: FixtureTensor]
  let inputs: [FixtureTensor]
  let upstream: FixtureTensor
  let output: FixtureTensor
  let inputGradient: FixtureTensor
  let gradients: [String: FixtureTensor]
  let changed: [String: FixtureTensor]

  var testDescription: String { name }

  func makeLayer() throws -> any Layer {
    let units = layer.units ?? []
    switch layer.type {
    case "conv":
      return Conv2D(
        units[0], units[1], kernelSize: try #require(layer.size), stride: layer.stride ?? 1,
        padding: try #require(layer.padding), useBias: layer.bias ?? true, activation: layer.activation ?? .linear)
    case "conv1d":
      return Conv1D(
        units[0], units[1], kernelSize: try #require(layer.size), stride: layer.stride ?? 1,
        padding: try #require(layer.padding), useBias: layer.bias ?? true, activation: layer.activation ?? .linear)
    case "lstm": return LSTM(units[0], units[1])
    case "reversed lstm": return LSTM(units[0], units[1], reversed: true)
    case "bidirectional": return Bidirectional(LSTM(units[0], units[1]))
    case "dense": return Dense(units[0], units[1], activation: layer.activation ?? .linear)
    case "norm":
      // The defaults are under test where the case names no others.
      guard let momentum = layer.momentum, let epsilon = layer.epsilon else { return BatchNorm(units[0]) }
      return BatchNorm(units[0], momentum: momentum, epsilon: epsilon)
    case "pool":
      return MaxPool2D(
        WindowSize(try #require(layer.size)), stride: layer.stride.map { WindowSize($0) },
        padding: try #require(layer.padding))
    case "average": return GlobalAveragePool()
    case "flatten": return Flatten()
    case "relu": return ReLU()
    case "sigmoid": return Sigmoid()
    case "residual":
      return Residual {
        Conv2D(units[0], units[1], kernelSize: 3).named("conv1")
        BatchNorm(units[1]).named("bn1")
        ReLU()
        Conv2D(units[1], units[1], kernelSize: 3).named("conv2")
        BatchNorm(units[1]).named("bn2")
      } shortcut: {
        if units[0] != units[1] {
          Conv2D(units[0], units[1], kernelSize: 1).named("shortcut")
          BatchNorm(units[1]).named("bn_shortcut")
        }
      }
    case "sequence":
      return Sequential {
        Conv2D(2, 4, kernelSize: 3, activation: .relu).named("conv1")
        BatchNorm(4).named("bn1")
        MaxPool2D()
        Flatten()
        Dense(24, 5).named("output")
      }
    default: throw CocoaError(.fileReadCorruptFile, userInfo: [NSLocalizedDescriptionKey: layer.type])
    }
  }
}

/// Every layer against Keras 3.15.1.
@Suite struct LayerGoldenTests {
  private static func cases() throws -> [LayerCase] {
    try FixtureFiles.cases("layers.json") + FixtureFiles.cases("sequences.json")
  }

  @Test(arguments: try Self.cases())
  func equalsKeras(_ item: LayerCase) throws {
    let layer = try item.makeLayer()
    #expect(misdeclaredMembers(of: layer) == [])
    #expect(Set(layer.namedParameters.map(\.name)) == Set(item.weights.keys))
    try layer.load(Weights(item.weights.mapValues(\.tensor)))
    if item.frozen {
      for item in layer.namedParameters { item.parameter.isTrainable = false }
    }

    var output = Tensor(0)
    var gradients = Gradients()
    var input = Parameter("x", value: Tensor(0))
    for values in item.inputs {
      input = Parameter("x", value: values.tensor)
      let context = item.training ? ForwardContext.training(stream: RandomStream(seed: 1)) : .inference
      #expect(layer.outputShape(for: input.shape).rank == item.output.shape.count)
      output = layer(input.tensor(tracking: true), context)
      #expect(layer.outputShape(for: input.shape) == output.shape)
    }
    expectClose(output, item.output, "output")
    gradients = (output * item.upstream.tensor).sum().backward()
    expectClose(try #require(gradients[input]), item.inputGradient, "gradient of the input")

    for (name, parameter) in layer.namedParameters.map({ ($0.name, $0.parameter) }) {
      if item.training, let expected = item.gradients[name] {
        expectClose(try #require(gradients[parameter], "no gradient of \(name)"), expected, "gradient of \(name)")
      } else {
        #expect(gradients[parameter] == nil, "\(name) must have no gradient")
      }
      expectClose(parameter.value, try #require(item.changed[name] ?? item.weights[name]), "\(name) after the call")
    }
  }

  /// Without gradients the results are the same: layers may take another path then.
  @Test(arguments: try Self.cases().filter { !$0.training || $0.changed.isEmpty })
  func inferenceEqualsKeras(_ item: LayerCase) throws {
    let layer = try item.makeLayer()
    try layer.load(Weights(item.weights.mapValues(\.tensor)))
    let output = layer(try #require(item.inputs.last).tensor, .inference)
    #expect(!output.isTracked)
    expectClose(output, item.output, "output")
    for (name, parameter) in layer.namedParameters.map({ ($0.name, $0.parameter) }) {
      #expect(parameter.value.elements() == item.weights[name]?.values, "\(name) must not change in inference")
    }
  }

  @Test func namesAndOrderOfParameters() {
    #expect(Conv2D(3, 4, kernelSize: 3).parameters.map(\.name) == ["kernel", "bias"])
    #expect(Conv2D(3, 4, kernelSize: 3, useBias: false).parameters.map(\.name) == ["kernel"])
    #expect(Dense(3, 4).parameters.map(\.name) == ["kernel", "bias"])
    let norm = BatchNorm(4)
    #expect(norm.parameters.map(\.name) == ["gamma", "beta", "moving_mean", "moving_variance"])
    #expect(norm.parameters.map(\.isTrainable) == [true, true, false, false])
    #expect(LSTM(3, 4).parameters.map(\.name) == ["kernel", "recurrent_kernel", "bias"])
    #expect(LSTM(3, 4).parameters.map(\.shape) == [[3, 16], [4, 16], [16]])
    #expect(
      Bidirectional(LSTM(3, 4)).namedParameters.map(\.name) == [
        "forward/kernel", "forward/recurrent_kernel", "forward/bias", "backward/kernel", "backward/recurrent_kernel",
        "backward/bias",
      ])
    #expect(Conv1D(3, 4, kernelSize: 5).parameters.map(\.name) == ["kernel", "bias"])
    #expect(Conv1D(3, 4, kernelSize: 5, useBias: false).parameters.map(\.name) == ["kernel"])
    #expect(Conv1D(3, 4, kernelSize: 5).kernel.shape == [5, 3, 4])
    #expect(Conv2D(3, 4, kernelSize: 5).kernel.shape == [5, 5, 3, 4])
    #expect(Dense(3, 4).kernel.shape == [3, 4])
    #expect(Conv2D(3, 4, kernelSize: 5).parameterCount == 5 * 5 * 3 * 4 + 4)
    #expect(norm.parameterCount == 16)
  }
}
