import LayerReflection
import Layers
import Tensor
import Testing

/// Paths, lists and weights of layers that hold layers.
@Suite struct LayerTreeTests {
  @Test func pathsOfNestedLayers() {
    let model = Sequential {
      Conv2D(3, 4, kernelSize: 3)
      ReLU()
      Residual {
        Conv2D(4, 4, kernelSize: 3).named("conv1")
      }.named("res1")
      Sequential {
        Dense(4, 2)
        Dense(2, 2).named("last")
      }.named("head")
      Dense(2, 1)
    }
    #expect(
      model.namedParameters.map(\.name) == [
        "0/kernel", "0/bias", "res1/conv1/kernel", "res1/conv1/bias", "head/0/kernel", "head/0/bias",
        "head/last/kernel",
        "head/last/bias", "4/kernel", "4/bias",
      ])
    #expect(model.parameterCount == (9 * 12 + 4) + (9 * 16 + 4) + (8 + 2) + (4 + 2) + (2 + 1))
    #expect(misdeclaredMembers(of: model) == [])
  }

  @Test func unnamedLayersOfBodyAndShortcutHaveDifferentPaths() {
    let block = Residual {
      Conv2D(3, 4, kernelSize: 3)
      BatchNorm(4)
    } shortcut: {
      Conv2D(3, 4, kernelSize: 1)
      BatchNorm(4)
    }
    let names = block.namedParameters.map(\.name)
    #expect(
      names == [
        "0/kernel", "0/bias", "1/gamma", "1/beta", "1/moving_mean", "1/moving_variance", "shortcut0/kernel",
        "shortcut0/bias", "shortcut1/gamma", "shortcut1/beta", "shortcut1/moving_mean", "shortcut1/moving_variance",
      ])
    #expect(misdeclaredMembers(of: Sequential { block }) == [])
  }

  @Test func listBuilderTakesConditionsAndLoops() {
    func model(_ isDeep: Bool) -> Sequential {
      Sequential {
        if isDeep { Dense(2, 2).named("extra") }
        for index in 1...2 { Dense(2, 2).named("fc\(index)") }
        if isDeep { Sigmoid() } else { ReLU() }
      }
    }
    #expect(model(true).children.map(\.name) == ["extra", "fc1", "fc2", ""])
    #expect(model(false).children.map(\.name) == ["fc1", "fc2", ""])
  }

  // The proof must be able to fail: each of these layers forgets something.
  private final class ForgetfulParameter: Layer {
    private let scale = Parameter("scale", value: Tensor(1))
    func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor { x * context.value(of: scale).scalar }
    func outputShape(for input: Shape) -> Shape { input }
  }

  private final class ForgetfulList: Layer {
    private let layers: [any Layer]? = [Dense(2, 2), ReLU()]
    func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor { x }
    func outputShape(for input: Shape) -> Shape { input }
  }

  private final class Inventive: Layer {
    var parameters: [Parameter] { Parameter("new", value: Tensor(1)) }
    func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor { x }
    func outputShape(for input: Shape) -> Shape { input }
  }

  @Test func reflectionFindsWhatIsForgotten() {
    #expect(misdeclaredMembers(of: ForgetfulParameter()).count == 1)
    #expect(misdeclaredMembers(of: ForgetfulList()).count == 2)
    #expect(misdeclaredMembers(of: Sequential { ForgetfulParameter() }).count == 1)
    #expect(!misdeclaredMembers(of: Inventive()).isEmpty)
  }

  @Test func everyLayerListsWhatItHolds() {
    let layers: [any Layer] = [
      Conv2D(3, 4, kernelSize: 3), Conv2D(3, 4, kernelSize: 3, useBias: false), Dense(3, 4), BatchNorm(3),
      MaxPool2D(), GlobalAveragePool(), Flatten(), Dropout(0.5), ReLU(), Sigmoid(),
      LSTM(3, 4), Bidirectional(LSTM(3, 4)), Bidirectional(LSTM(3, 4), backward: LSTM(3, 4, reversed: true)),
      Conv1D(3, 4, kernelSize: 3), Conv1D(3, 4, kernelSize: 3, useBias: false),
      Sequential { Dense(1, 2) },
      Residual {
        Dense(2, 2)
      },
      Residual {
        Dense(2, 3)
      } shortcut: {
        Dense(2, 3).named("shortcut")
      },
    ]
    for layer in layers { #expect(misdeclaredMembers(of: layer) == []) }
  }

  @Test func weightsRoundTrip() throws {
    func model() -> Sequential {
      Sequential {
        Dense(3, 2).named("fc")
        BatchNorm(2).named("bn")
      }
    }
    let (source, target) = (model(), model())
    source.initialize(seed: 3)
    target.initialize(seed: 4)
    try target.load(source.weights)
    for (a, b) in zip(source.namedParameters, target.namedParameters) {
      #expect(a.parameter.value.elements() == b.parameter.value.elements(), "\(a.name)")
    }
    // A snapshot stays as it is when training goes on.
    let snapshot = source.weights
    let before = try #require(snapshot.tensors["bn/moving_mean"]).elements()
    let x = Tensor([Float(1), 2, 3, 4, 5, 6], shape: [2, 3])
    _ = source(x, .training(stream: RandomStream(seed: 0)))
    #expect(source.weights.tensors["bn/moving_mean"]?.elements() != before)
    #expect(snapshot.tensors["bn/moving_mean"]?.elements() == before)
  }

  @Test func unfitWeightsAreRefusedAndChangeNothing() throws {
    let model = Sequential { Dense(3, 2).named("fc") }
    model.initialize(seed: 1)
    let before = model.namedParameters.map { $0.parameter.value.elements() }
    func message(_ change: (inout Weights) -> Void) -> String {
      var weights = model.weights
      weights.tensors["fc/bias"] = Tensor([Float(5), 5], shape: [2])
      change(&weights)
      do {
        try model.load(weights)
        return "accepted"
      } catch { return "\(error)" }
    }
    let missing = message { $0.tensors["fc/kernel"] = nil }
    #expect(missing.contains("missing fc/kernel") && !missing.contains("unknown"))
    let unknown = message { $0.tensors["other/kernel"] = Tensor(1) }
    #expect(unknown.contains("unknown other/kernel") && !unknown.contains("missing"))
    let shape = message { $0.tensors["fc/kernel"] = Tensor(zeros: [2, 3]) }
    #expect(shape.contains("fc/kernel") && shape.contains("[2, 3]") && shape.contains("[3, 2]"))
    let type = message { $0.tensors["fc/kernel"] = Tensor([Int32](repeating: 0, count: 6), shape: [3, 2]) }
    #expect(type.contains("fc/kernel") && type.contains("int32"))
    for text in [missing, unknown, shape, type] {
      #expect(!text.contains("\n") && text.contains("use the configuration"), "\(text)")
    }
    #expect(model.namedParameters.map { $0.parameter.value.elements() } == before)
  }

  @Test func misuseStopsTheProgram() async {
    await #expect(processExitsWith: .failure) {
      _ = Sequential {
        Dense(1, 1).named("fc")
        Dense(1, 1).named("fc")
      }
    }
    await #expect(processExitsWith: .failure) {
      _ = Residual {
        Dense(1, 1).named("fc")
      } shortcut: {
        Dense(1, 1).named("fc")
      }
    }
    await #expect(processExitsWith: .failure) {
      _ = Residual { Dense(1, 2).named("fc") }.outputShape(for: [1, 1])
    }
    await #expect(processExitsWith: .failure) { _ = Dense(1, 1).named("a/b") }
    await #expect(processExitsWith: .failure) { _ = Dropout(1) }
  }
}
