import LayerReflection
import Layers
import Tensor
import Testing

/// The layers of attention and squeeze-and-excitation.
@Suite struct AttentionLayerTests {
  /// A layer with given weights and what Keras makes of it; see `Fixtures/make_attention_fixtures.py`.
  struct Golden: Decodable, Sendable, CustomTestStringConvertible {
    struct Options: Decodable, Sendable {
      let type: String
      let channels: Int
      let epsilon: Float?
      let heads, keyDimension, reduction, units: Int?
      let wavelength: Double?
    }

    let name: String
    let layer: Options
    let weights: [String: FixtureTensor]
    let input, upstream, output, inputGradient: FixtureTensor
    let gradients: [String: FixtureTensor]

    var testDescription: String { name }

    func makeLayer() throws -> any Layer {
      switch layer.type {
      // The default is under test where the case names no epsilon.
      case "normalization":
        return layer.epsilon.map { LayerNormalization(layer.channels, epsilon: $0) }
          ?? LayerNormalization(layer.channels)
      case "attention":
        return MultiHeadAttention(
          layer.channels, heads: try #require(layer.heads), keyDimension: layer.keyDimension)
      case "squeezeExcitation": return SqueezeExcitation(layer.channels, reduction: try #require(layer.reduction))
      case "encoder":
        return TransformerEncoder(
          layer.channels, heads: try #require(layer.heads), units: try #require(layer.units))
      default:
        try #require(layer.type == "sinePositions")
        return SinePositionEncoding(
          layer.channels, positions: input.shape[1] + 2, wavelength: try #require(layer.wavelength))
      }
    }
  }

  @Test(arguments: try FixtureFiles.cases("attention_layers.json", of: Golden.self))
  func equalsKeras(_ golden: Golden) throws {
    let layer = try golden.makeLayer()
    #expect(misdeclaredMembers(of: layer) == [])
    #expect(Set(layer.namedParameters.map(\.name)) == Set(golden.weights.keys))
    try layer.load(Weights(golden.weights.mapValues(\.tensor)))
    #expect(layer.outputShape(for: Shape(golden.input.shape)) == Shape(golden.output.shape))

    let input = Parameter("x", value: golden.input.tensor)
    let output = layer(input.tensor(tracking: true), .training(stream: RandomStream(seed: 1)))
    expectClose(output, golden.output, "output")
    expectClose(layer(golden.input.tensor, .inference), golden.output, "output in inference")
    let gradients = (output * golden.upstream.tensor).sum().backward()
    expectClose(try #require(gradients[input]), golden.inputGradient, "gradient of the input", tolerance: 2e-5)
    #expect(gradients.count == golden.weights.count + 1)
    for item in layer.namedParameters {
      let expected = try #require(golden.gradients[item.name])
      expectClose(
        try #require(gradients[item.parameter]), expected, "gradient of \(item.name)", tolerance: 2e-5)
    }
  }

  @Test func namesAndShapesOfParameters() {
    func parameters(_ layer: any Layer) -> [String] {
      layer.namedParameters.map { "\($0.name) \($0.parameter.shape)" }
    }
    #expect(parameters(LayerNormalization(5)) == ["gamma [5]", "beta [5]"])
    #expect(
      parameters(MultiHeadAttention(6, heads: 2, keyDimension: 5)) == [
        "query/kernel [6, 10]", "query/bias [10]", "key/kernel [6, 10]", "key/bias [10]", "value/kernel [6, 10]",
        "value/bias [10]", "attention_output/kernel [10, 6]", "attention_output/bias [6]",
      ])
    #expect(
      parameters(SqueezeExcitation(64)) == [
        "squeeze/kernel [64, 4]", "squeeze/bias [4]", "excitation/kernel [4, 64]", "excitation/bias [64]",
      ])
    #expect(
      Sequential { TransformerEncoder(8, heads: 2, units: 12).named("encoder1") }.namedParameters.map(\.name).filter {
        $0.hasSuffix("kernel") || $0.hasSuffix("gamma")
      } == [
        "encoder1/self_attention_norm/gamma", "encoder1/self_attention/query/kernel",
        "encoder1/self_attention/key/kernel", "encoder1/self_attention/value/kernel",
        "encoder1/self_attention/attention_output/kernel", "encoder1/feedforward_norm/gamma",
        "encoder1/feedforward_intermediate/kernel", "encoder1/feedforward_output/kernel",
      ])
  }

  /// Without its pattern attention cannot tell positions apart: the result of a permuted sequence is the permuted result.
  @Test func attentionDoesNotSeeTheOrder() {
    let layer = TransformerEncoder(8, heads: 2, units: 12)
    layer.initialize(seed: 5)
    var stream = RandomStream(seed: 6)
    let rows = (0..<7).map { _ in (0..<8).map { _ in Float(stream.normal()) } }
    let order = [3, 0, 6, 1, 5, 2, 4]
    func result(_ rows: [[Float]]) -> [Float] {
      layer(Tensor(rows.flatMap { $0 }, shape: [1, 7, 8]), .inference).elements()
    }
    let (straight, permuted) = (result(rows), result(order.map { rows[$0] }))
    let expected = order.flatMap { from in straight[from * 8..<from * 8 + 8] }
    #expect(zip(permuted, expected).allSatisfy { abs($0 - $1) < 1e-5 })
    let pattern = SinePositionEncoding(8, positions: 7)(Tensor(zeros: [1, 7, 8]), .inference).elements()
    let patterns = (0..<7).map { position in Array(pattern[position * 8..<position * 8 + 8]) }
    #expect(Set(patterns).count == 7)
  }

  /// Dropout takes a part's whole contribution away where its rate is nearly 1, and leaves what it is added to.
  @Test func dropoutIsWithinTheSums() {
    let layer = TransformerEncoder(8, heads: 2, units: 12, dropout: 0.999_999)
    layer.initialize(seed: 5)
    var stream = RandomStream(seed: 7)
    let x = Tensor((0..<3 * 5 * 8).map { _ in Float(stream.normal()) }, shape: [3, 5, 8])
    #expect(layer(x, .training(stream: RandomStream(seed: 2))).elements() == x.elements())
    #expect(layer(x, .inference).elements() != x.elements())
    let half = TransformerEncoder(8, heads: 2, units: 12, dropout: 0.5)
    half.initialize(seed: 5)
    #expect(half(x, .inference).elements() == layer(x, .inference).elements())
    let trained = (0..<2).map { half(x, .training(stream: RandomStream(seed: UInt64($0)))).elements() }
    #expect(trained[0] != trained[1])
    #expect(half(x, .training(stream: RandomStream(seed: 0))).elements() == trained[0])
    #expect(misdeclaredMembers(of: half) == [])
  }

  @Test func misuseStopsTheProgram() async {
    await #expect(processExitsWith: .failure) { _ = MultiHeadAttention(6, heads: 4) }
    await #expect(processExitsWith: .failure) { _ = MultiHeadAttention(6, heads: 0) }
    await #expect(processExitsWith: .failure) {
      _ = MultiHeadAttention(6, heads: 2)(Tensor(zeros: [2, 6]), .inference)
    }
    await #expect(processExitsWith: .failure) { _ = MultiHeadAttention(6, heads: 2).outputShape(for: [1, 2, 5]) }
    await #expect(processExitsWith: .failure) { _ = LayerNormalization(3).outputShape(for: [2, 4]) }
    await #expect(processExitsWith: .failure) { _ = SqueezeExcitation(3).outputShape(for: [1, 2, 2, 4]) }
    await #expect(processExitsWith: .failure) { _ = SqueezeExcitation(0) }
    await #expect(processExitsWith: .failure) { _ = SinePositionEncoding(4, positions: 3).outputShape(for: [1, 4, 4]) }
  }
}
