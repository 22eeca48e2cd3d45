import Layers
import Tensor
import Testing

/// Parameters by patterns of their paths.
@Suite struct ParameterPatternTests {
  private let model = Sequential {
    Conv2D(1, 2, kernelSize: 3).named("conv1")
    BatchNorm(2).named("bn1")
    Residual {
      Conv2D(2, 2, kernelSize: 3).named("conv1")
      BatchNorm(2).named("bn1")
    }.named("res1")
    Flatten()
    Dense(2, 3).named("output")
  }

  @Test(arguments: [
    ("conv*", ["conv1/kernel", "conv1/bias"]), ("conv1", ["conv1/kernel", "conv1/bias"]),
    ("*/bias", ["conv1/bias", "res1/conv1/bias", "output/bias"]),
    ("res1/bn?", ["res1/bn1/gamma", "res1/bn1/beta", "res1/bn1/moving_mean", "res1/bn1/moving_variance"]),
    ("*[ck]onv1/kernel", ["conv1/kernel", "res1/conv1/kernel"]), ("output/kernel", ["output/kernel"]),
    ("conv", []), ("kernel", []), ("", []), ("conv1/", []),
  ])
  func patternsChooseParameters(_ pattern: String, _ expected: [String]) {
    #expect(model.parameters(matching: pattern).map(\.name) == expected)
  }

  @Test func everythingMatchesAStar() {
    #expect(model.parameters(matching: "*").map(\.name) == model.namedParameters.map(\.name))
    #expect(model.namedParameters.last?.layerPaths == ["output", "output/bias"])
  }
}
