import LayerReflection
import Tensor
import Testing

@testable import Layers

/// Layers of a sequence that run as one operation, against the same layers called one by one.
@Suite struct LayerFusionTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    /// The position of each block and how many layers it stands for.
    let blocks: [Int: Int]
    let layers: @Sendable () -> [any Layer]
    var testDescription: String { name }

    init(_ name: String, _ blocks: [Int: Int], @ListBuilder<any Layer> _ layers: @escaping @Sendable () -> [any Layer])
    {
      (self.name, self.blocks, self.layers) = (name, blocks, layers)
    }

    /// A model with weights that are all drawn, the statistics too.
    func model() -> Sequential {
      let layers = layers()
      let model = Sequential { layers.map { NamedLayer(name: "", layer: $0) } }
      for item in model.namedParameters {
        var stream = RandomStream(seed: 7).stream(item.name)
        var value = Tensor(
          (0..<item.parameter.shape.count).map { _ in Float(stream.normal()) }, shape: item.parameter.shape)
        if item.name.hasSuffix("variance") { value = value * value }
        item.parameter.value = value
      }
      return model
    }
  }

  static let cases: [Case] = [
    Case("conv, norm", [0: 2]) {
      Conv2D(3, 5, kernelSize: 3)
      BatchNorm(5)
    },
    Case("conv, norm, ReLU", [0: 3]) {
      Conv2D(3, 17, kernelSize: 3, useBias: false)
      BatchNorm(17, momentum: 0.5)
      ReLU()
    },
    Case("conv, norm, pool", [0: 3]) {
      Conv2D(3, 17, kernelSize: 5, stride: 2)
      BatchNorm(17, epsilon: 0.1)
      MaxPool2D(3, stride: 2, padding: .same)
    },
    Case("conv, norm, ReLU, pool", [0: 4]) {
      Conv2D(3, 4, kernelSize: 3, padding: .valid)
      BatchNorm(4)
      ReLU()
      MaxPool2D()
    },
    Case("conv with ReLU, norm, pool", [0: 3]) {
      Conv2D(3, 8, kernelSize: 3, activation: .relu)
      BatchNorm(8)
      MaxPool2D(2, stride: 3)
    },
    Case("conv with ReLU, norm, ReLU, pool: a second ReLU is its own", [0: 2]) {
      Conv2D(3, 8, kernelSize: 3, activation: .relu)
      BatchNorm(8)
      ReLU()
      MaxPool2D()
    },
    Case("conv, norm, pool, ReLU: a ReLU after the pooling is its own", [0: 3]) {
      Conv2D(3, 8, kernelSize: 3)
      BatchNorm(8)
      MaxPool2D()
      ReLU()
    },
    Case("two blocks, the second by Winograd's algorithm", [0: 3, 3: 4]) {
      Conv2D(3, 16, kernelSize: 3, activation: .relu)
      BatchNorm(16)
      MaxPool2D()
      Conv2D(16, 18, kernelSize: 3)
      BatchNorm(18)
      ReLU()
      MaxPool2D(2, padding: .same)
      Flatten()
      Dense(3 * 3 * 18, 4)
    },
    Case("conv with sigmoid, norm: not fused", [:]) {
      Conv2D(3, 5, kernelSize: 3, activation: .sigmoid)
      BatchNorm(5)
      ReLU()
      MaxPool2D()
    },
    Case("dropout between conv and norm: not fused", [:]) {
      Conv2D(3, 5, kernelSize: 3)
      Dropout(0.3)
      BatchNorm(5)
    },
    Case("dropout between norm and ReLU ends the block", [0: 2]) {
      Conv2D(3, 5, kernelSize: 3)
      BatchNorm(5)
      Dropout(0.3)
      ReLU()
      MaxPool2D()
    },
    Case("two dropouts around blocks draw in their order", [1: 3, 5: 2]) {
      Dropout(0.2)
      Conv2D(3, 5, kernelSize: 3)
      BatchNorm(5)
      ReLU()
      Dropout(0.4)
      Conv2D(5, 3, kernelSize: 1)
      BatchNorm(3)
      Dropout(0.1)
    },
    Case("nothing to fuse", [:]) {
      Conv2D(3, 4, kernelSize: 3)
      ReLU()
      BatchNorm(4)
      MaxPool2D()
      Conv2D(4, 4, kernelSize: 3)
    },
    Case("a norm of a pooled result: not fused", [:]) {
      Conv2D(3, 4, kernelSize: 3)
      MaxPool2D()
      BatchNorm(4)
    },
  ]

  private func normal(_ shape: Shape, _ name: String) -> Tensor {
    var stream = RandomStream(seed: 3).stream(name)
    return Tensor((0..<shape.count).map { _ in Float(stream.normal()) }, shape: shape)
  }

  private func expectEqual(
    _ actual: Tensor?, _ expected: Tensor?, _ what: String, tolerance: Float = 1e-5,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    guard let actual, let expected else {
      #expect(actual == nil && expected == nil, "\(what): there is one of them", sourceLocation: sourceLocation)
      return
    }
    expectClose(
      actual, FixtureTensor(shape: expected.shape.dimensions, values: expected.elements()), what,
      tolerance: tolerance, sourceLocation: sourceLocation)
  }

  /// The layers one by one, as they are called outside of a sequence.
  private func single(_ model: Sequential, _ x: Tensor, _ context: ForwardContext) -> Tensor {
    model.children.reduce(x) { $1.layer($0, context) }
  }

  private func expectEqualParameters(_ a: Sequential, _ b: Sequential, tolerance: Float = 1e-5) {
    for (a, b) in zip(a.namedParameters, b.namedParameters) {
      expectEqual(a.parameter.value, b.parameter.value, a.name, tolerance: tolerance)
    }
  }

  /// Outputs, gradients and moving averages of a few steps of training; then inference with the moved averages.
  @Test(arguments: cases)
  func sequenceEqualsItsLayers(_ item: Case) {
    let (fused, unfused) = (item.model(), item.model())
    for step in 0..<3 {
      let input = Parameter("x", value: normal([3, 11, 10, 3], "input \(step)"))
      func run(_ model: Sequential, _ call: (Tensor, ForwardContext) -> Tensor) -> (
        output: Tensor, gradients: Gradients
      ) {
        let output = call(
          input.tensor(tracking: true), .training(stream: RandomStream(seed: UInt64(step))))
        let weights = normal(output.shape, "weights \(step)")
        return (output.detached, (output * weights).sum().backward())
      }
      let one = run(fused) { fused($0, $1) }
      let other = run(unfused) { single(unfused, $0, $1) }
      #expect(one.output.shape == fused.outputShape(for: input.shape))
      expectEqual(one.output, other.output, "output of step \(step)")
      expectEqual(one.gradients[input], other.gradients[input], "gradient of the input, step \(step)", tolerance: 5e-5)
      #expect(one.gradients.count == other.gradients.count && one.gradients.count > 1)
      for (a, b) in zip(fused.namedParameters, unfused.namedParameters) {
        expectEqual(
          one.gradients[a.parameter], other.gradients[b.parameter], "gradient of \(a.name), step \(step)",
          tolerance: 5e-5)
      }
      expectEqualParameters(fused, unfused)
    }
    let x = normal([3, 11, 10, 3], "inference")
    let before = fused.weights.tensors.mapValues { $0.elements() }
    let (one, other) = (fused(x, .inference), single(unfused, x, .inference))
    #expect(!one.isTracked)
    expectEqual(one, other, "inference")
    #expect(fused.weights.tensors.mapValues { $0.elements() } == before)
    // One image alone is the same.
    expectEqual(
      fused(normal([1, 11, 10, 3], "one"), .inference), single(unfused, normal([1, 11, 10, 3], "one"), .inference),
      "one image")
  }

  /// Which layers run as one.
  @Test(arguments: cases)
  func blocksAreWhereTheyShouldBe(_ item: Case) {
    let layers = item.layers()
    for position in layers.indices {
      #expect(FusedBlock(layers[position...])?.layerCount == item.blocks[position], "position \(position)")
    }
  }

  @Test func blocksKnowTheirParts() throws {
    let relu = try #require(FusedBlock([Conv2D(1, 2, kernelSize: 3), BatchNorm(2), ReLU(), MaxPool2D()]))
    #expect(relu.relu == .afterNormalization && relu.pooling != nil)
    let before = try #require(
      FusedBlock([Conv2D(1, 2, kernelSize: 3, activation: .relu), BatchNorm(2), ReLU(), MaxPool2D()]))
    #expect(before.relu == .beforeNormalization && before.pooling == nil)
    let none = try #require(FusedBlock([Conv2D(1, 2, kernelSize: 3), BatchNorm(2), MaxPool2D(), ReLU()]))
    #expect(none.relu == .none && none.pooling != nil)
    #expect(FusedBlock([]) == nil && FusedBlock([BatchNorm(2), Conv2D(2, 2, kernelSize: 1)]) == nil)
    #expect(FusedBlock([Conv2D(1, 2, kernelSize: 3)]) == nil)
  }

  /// A frozen normalisation keeps its averages, and everything that is not frozen still gets its gradient: the same bits
  /// as from the single layers.
  @Test(arguments: [["gamma"], ["gamma", "beta"], ["gamma", "kernel"], ["gamma", "beta", "kernel", "bias"]])
  func frozenNormalizationTakesTheSingleLayers(frozen: [String]) {
    let item = Case("frozen", [0: 4]) {
      Conv2D(3, 16, kernelSize: 3)
      BatchNorm(16)
      ReLU()
      MaxPool2D()
    }
    let (model, layers) = (item.model(), item.model())
    for parameter in model.namedParameters + layers.namedParameters
    where frozen.contains(parameter.parameter.name) {
      parameter.parameter.isTrainable = false
    }
    let before = model.weights.tensors.mapValues { $0.elements() }
    let input = Parameter("x", value: normal([2, 9, 8, 3], "frozen"))
    let weights = normal([2, 4, 4, 16], "weights")
    let output = model(input.tensor(tracking: true), .training(stream: RandomStream(seed: 1)))
    let expected = single(layers, input.tensor(tracking: true), .training(stream: RandomStream(seed: 1)))
    #expect(output.elements() == expected.elements())
    let gradients = (output * weights).sum().backward()
    let others = (expected * weights).sum().backward()
    #expect(gradients[input]?.elements() == others[input]?.elements() && gradients[input] != nil)
    for (a, b) in zip(model.namedParameters, layers.namedParameters) {
      #expect(gradients[a.parameter]?.elements() == others[b.parameter]?.elements(), "\(a.name)")
      #expect((gradients[a.parameter] != nil) == a.parameter.isTrainable, "\(a.name)")
    }
    #expect(model.weights.tensors.mapValues { $0.elements() } == before)
    // Thawed, it is one operation again, and its averages move.
    for parameter in model.namedParameters where frozen.contains(parameter.parameter.name) {
      parameter.parameter.isTrainable = true
    }
    let thawed = model(input.value, .training(stream: RandomStream(seed: 1)))
    #expect((thawed * weights).sum().backward().count == 4)
    #expect(model.weights.tensors["1/moving_mean"]?.elements() != before["1/moving_mean"])
  }

  /// What else is frozen does not matter to the block.
  @Test(arguments: [["kernel"], ["bias"], ["beta"], ["kernel", "bias"]])
  func otherFrozenWeightsGetNoGradient(frozen: [String]) {
    for item in Self.cases where !item.blocks.isEmpty {
      let (model, layers) = (item.model(), item.model())
      for parameter in model.namedParameters + layers.namedParameters
      where frozen.contains(parameter.parameter.name) {
        parameter.parameter.isTrainable = false
      }
      let x = normal([2, 11, 10, 3], "partly frozen")
      let output = model(x, .training(stream: RandomStream(seed: 1)))
      let expected = single(layers, x, .training(stream: RandomStream(seed: 1)))
      let weights = normal(output.shape, "weights")
      let (gradients, others) = ((output * weights).sum().backward(), (expected * weights).sum().backward())
      for (a, b) in zip(model.namedParameters, layers.namedParameters) {
        #expect((gradients[a.parameter] != nil) == a.parameter.isTrainable, "\(item.name): \(a.name)")
        expectEqual(gradients[a.parameter], others[b.parameter], "\(item.name): \(a.name)", tolerance: 5e-5)
      }
      expectEqualParameters(model, layers)
    }
  }

  /// The gradient of a picture through a finished model: inference records nothing of the weights, but of a tracked input.
  @Test(arguments: cases)
  func inferenceOfATrackedInputHasItsGradient(_ item: Case) {
    let model = item.model()
    let input = Parameter("x", value: normal([2, 11, 10, 3], "tracked"))
    let output = model(input.tensor(tracking: true), .inference)
    let expected = single(model, input.tensor(tracking: true), .inference)
    expectEqual(output, expected, "output")
    let weights = normal(output.shape, "weights")
    let (gradients, others) = ((output * weights).sum().backward(), (expected * weights).sum().backward())
    #expect(gradients.count == 1)
    expectEqual(gradients[input], others[input], "gradient of the input")
  }

  /// Paths are keys in model files: they are those of the layers, in their order.
  @Test func namesOfParametersStay() {
    let model = Sequential {
      Conv2D(3, 4, kernelSize: 3, activation: .relu).named("conv1")
      BatchNorm(4).named("bn1")
      MaxPool2D()
      Conv2D(4, 4, kernelSize: 3, useBias: false)
      BatchNorm(4)
      ReLU()
      Residual {
        Conv2D(4, 4, kernelSize: 3)
        BatchNorm(4)
      }.named("res")
    }
    #expect(
      model.namedParameters.map(\.name) == [
        "conv1/kernel", "conv1/bias", "bn1/gamma", "bn1/beta", "bn1/moving_mean", "bn1/moving_variance", "3/kernel",
        "4/gamma", "4/beta", "4/moving_mean", "4/moving_variance", "res/0/kernel", "res/0/bias", "res/1/gamma",
        "res/1/beta", "res/1/moving_mean", "res/1/moving_variance",
      ])
    #expect(model.children.map(\.name) == ["conv1", "bn1", "", "3", "4", "", "res"])
    #expect(misdeclaredMembers(of: model) == [])
  }
}
