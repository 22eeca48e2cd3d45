import Data
import LayerReflection
import Layers
import Models
import Tensor
import Testing

/// The models `attention` and `enhanced_se`, and what `ModelSummary` says of all.
@Suite struct AttentionModelTests {
  /// The numbers that Keras counts; see `Fixtures/count_parameters.py`.
  @Test(
    arguments: [
      ("enhanced", nil, 22_041_912, 22_034_552, [504]), ("enhanced_se", nil, 22_055_486, 22_048_126, [504]),
      ("crnn", nil, 900_575, 898_975, [50, 63]), ("attention", nil, 1_162_271, 1_160_671, [50, 63]),
      ("attention", .positions, 5_989_016, 5_987_416, [504]),
    ] as [(String, OutputAlignment?, Int, Int, [Int])])
  func parametersAreKeras(
    _ architecture: String, _ head: OutputAlignment?, _ count: Int, _ trainable: Int, _ output: [Int]
  ) throws {
    let configuration = ModelConfiguration(architecture: architecture, head: head)
    let model = try ModelZoo.model(configuration)
    #expect(model.parameterCount == count)
    let parameters = model.namedParameters.map(\.parameter).filter(\.isTrainable)
    #expect(parameters.reduce(0) { $0 + $1.shape.count } == trainable)
    #expect(model.outputShape(for: [7, 60, 200, 3]).dimensions == [7] + output)

    let summary = try ModelSummary(configuration)
    #expect(summary.parameterCount == count && summary.trainableParameterCount == trainable)
    #expect(summary.layers.last?.outputShape.dimensions == [1] + output)
    #expect(summary.columns == (output.count == 2 ? output[0] : nil))
  }

  /// A column for every four pixels, and what they hold side by side: 38 rows of pixels come to 3.
  @Test func columnsOfTheTrunk() throws {
    for (width, columns) in [(64, 16), (65, 17), (66, 17), (200, 50)] {
      let configuration = ModelConfiguration(
        architecture: "attention", imageWidth: width, imageHeight: 38, colorMode: .grayscale,
        codec: try LabelCodec(charset: .digits, maximumLength: 4), filters: [3, 4, 5, 6], dense: [8])
      let model = try ModelZoo.model(configuration)
      #expect(model.outputShape(for: [2, 38, width, 1]) == [2, columns, 11])
      model.initialize(seed: 1)
      let input = Tensor(repeating: 0.5, shape: [2, 38, width, 1])
      let output = model(input, .inference)
      #expect(output.shape == [2, columns, 11] && output.elements().allSatisfy { $0.isFinite })
      let dense = try #require(model.namedParameters.first { $0.name == "fc1/kernel" })
      #expect(dense.parameter.shape == [3 * 6, 8])
      #expect(try ModelSummary(configuration).columns == columns)
    }
  }

  @Test func layersHaveNames() throws {
    func layers(_ architecture: String) throws -> [String] {
      try ModelZoo.model(ModelConfiguration(architecture: architecture)).children.map(\.name).filter { !$0.isEmpty }
    }
    #expect(
      try layers("attention")
        == (1...7).flatMap { ["conv\($0)", "bn\($0)"] }
        + ["fc1", "bn_fc1", "encoder1", "encoder2", "encoder_norm", "output"])
    #expect(
      try layers("enhanced_se")
        == (1...5).flatMap { ["conv\($0)", "bn\($0)", "se\($0)"] } + ["fc1", "bn_fc1", "fc2", "bn_fc2", "output"])
    // Weights of the one are weights of the other where both have them.
    let enhanced = try ModelZoo.model(ModelConfiguration(architecture: "enhanced")).namedParameters.map(\.name)
    let other = try ModelZoo.model(ModelConfiguration(architecture: "enhanced_se")).namedParameters.map(\.name)
    #expect(Set(enhanced).isSubset(of: other))
    #expect(other.filter { !enhanced.contains($0) }.allSatisfy { $0.hasPrefix("se") })
  }

  @Test func headsAndLosses() throws {
    let attention = ModelConfiguration(architecture: "attention")
    #expect(try ModelZoo.head(attention) == .columns)
    #expect(try ModelZoo.head(ModelConfiguration(architecture: "enhanced_se")) == .positions)
    try ModelZoo.requireFit(ConnectionistTemporalClassification(), attention)
    #expect(throws: ModelError.self) { try ModelZoo.requireFit(BinaryCrossEntropy(), attention) }
  }

  @Test func dropoutOfAttention() throws {
    func rates(_ layer: any Layer) -> [Double] {
      layer.children.flatMap { ($0.layer as? Dropout).map { [$0.rate] } ?? rates($0.layer) }
    }
    var configuration = ModelConfiguration(architecture: "attention")
    #expect(try rates(ModelZoo.model(configuration)) == [0.1, 0.1, 0.1])
    configuration.convolutionDropout = 0.2
    configuration.denseDropout = 0
    #expect(try rates(ModelZoo.model(configuration)) == [0.2, 0.2, 0.2, 0, 0])
  }

  /// It learns: the loss of a few images that it sees again and again falls.
  @Test func attentionLearns() throws {
    let configuration = ModelConfiguration(
      architecture: "attention", imageWidth: 48, imageHeight: 16, colorMode: .grayscale,
      codec: try LabelCodec(charset: Charset("ab"), maximumLength: 3), filters: [4, 8], dense: [16], denseDropout: 0)
    let model = try ModelZoo.model(configuration)
    model.initialize(seed: 4)
    var stream = RandomStream(seed: 5)
    let pixels = Tensor((0..<4 * 16 * 48).map { _ in stream.unitFloat() }, shape: [4, 16, 48, 1])
    let labels = Tensor([0, 1, 2, 1, 1, 0, 0, 2, 2, 1, 0, 1] as [Int32], shape: [4, 3])
    let loss = ConnectionistTemporalClassification()
    var losses: [Float] = []
    for step in 0..<60 {
      let value = loss(model(pixels, .training(stream: RandomStream(seed: UInt64(step)))), labels: labels)
      losses.append(value.scalar)
      let gradients = value.backward()
      for item in model.namedParameters {
        guard let gradient = gradients[item.parameter] else { continue }
        item.parameter.value = item.parameter.value - gradient * 0.05
      }
    }
    #expect(losses.allSatisfy { $0.isFinite })
    #expect(losses[59] < 0.3 * losses[0], "\(losses[0]) … \(losses[59])")
  }

  @Test func refusals() {
    func refusal(_ configuration: ModelConfiguration) -> String {
      do {
        _ = try ModelZoo.model(configuration)
        return "accepted"
      } catch { return "\(error)" }
    }
    let heads = refusal(ModelConfiguration(architecture: "attention", dense: [64, 30]))
    #expect(heads.contains("model.dense") && heads.contains("30") && heads.contains("multiple of 4"))
    let short = refusal(ModelConfiguration(architecture: "attention", filters: [8]))
    #expect(short.contains("model.filters") && short.contains("attention") && short.contains("stages"))
    let five = refusal(ModelConfiguration(architecture: "enhanced_se", filters: [8, 8]))
    #expect(five.contains("enhanced_se architecture takes 5"))
    let narrow = refusal(ModelConfiguration(architecture: "attention", imageWidth: 40))
    #expect(narrow.contains("10 columns") && narrow.contains("need 15"))
    for text in [heads, short, five, narrow] { #expect(!text.contains("\n")) }
  }

  /// The work of the layers as `docs/performance.md` counts it: two operations per weight and output pixel.
  @Test func operationsOfEnhanced() throws {
    let summary = try ModelSummary(ModelConfiguration(architecture: "enhanced"))
    func flops(_ name: String) throws -> Int { try #require(summary.layers.first { $0.name == name }).flops }
    #expect(try flops("conv1") == 2 * 27 * 32 * 60 * 200)
    #expect(try flops("conv3") == 2 * 9 * 64 * 128 * 15 * 50)
    // With the bias, which is added by a multiplication with 1 and an addition, and ReLU's comparison.
    #expect(try flops("fc1") == 2 * 9216 * 2048 + 3 * 2048)
    #expect(summary.layers.map(\.type).prefix(3) == ["Conv2D", "BatchNorm", "MaxPool2D"])
    #expect(summary.layers.first?.outputShape == [1, 60, 200, 32])
    #expect(summary.flops == summary.layers.reduce(0) { $0 + $1.flops })
  }
}
