import Data
import Foundation
import LayerReflection
import Layers
import Models
import Tensor
import Testing

@Suite struct ModelZooTests {
  /// Widths that keep the tests quick.
  private func small(
    _ architecture: String, width: Int = 61, height: Int = 37, color: ColorMode = .rgb, dropout: Double? = nil
  ) throws -> ModelConfiguration {
    let filters = [
      "basic": [3, 4, 5], "enhanced": [3, 4, 5, 6, 7], "resnet": [3, 3, 5], "compact": [3, 4, 5],
      "enhanced_se": [3, 4, 5, 6, 7], "attention": [3, 4, 5], "crnn": [3, 4, 5],
    ]
    return ModelConfiguration(
      architecture: architecture, imageWidth: width, imageHeight: height, colorMode: color,
      codec: try LabelCodec(charset: .digits, maximumLength: 3), head: .positions, filters: filters[architecture],
      dense: [9, 8], recurrent: [5], convolutionDropout: dropout, denseDropout: dropout)
  }

  private func convolution(_ size: Int, _ input: Int, _ output: Int) -> Int { size * size * input * output + output }
  private func dense(_ input: Int, _ output: Int) -> Int { input * output + output }

  @Test func names() {
    #expect(ModelZoo.names == ["attention", "basic", "compact", "crnn", "enhanced", "enhanced_se", "resnet"])
    for name in ModelZoo.names { #expect(ModelZoo.summary(of: name)?.isEmpty == false) }
    #expect(ModelZoo.summary(of: "huge") == nil)
  }

  // MARK: Parameter counts at 200×60×3 with 504 outputs

  /// The number that Keras reports for the original system's model.
  @Test func parametersOfEnhanced() throws {
    let model = try ModelZoo.model(ModelConfiguration(architecture: "enhanced"))
    #expect(model.parameterCount == 22_041_912)
    let norms = 4 * (32 + 64 + 128 + 128 + 256 + 2048 + 1024)
    let convolutions = [(3, 32), (32, 64), (64, 128), (128, 128), (128, 256)].reduce(0) {
      $0 + convolution(3, $1.0, $1.1)
    }
    // 60×200 is halved by four poolings: 3×12.
    let head = dense(3 * 12 * 256, 2048) + dense(2048, 1024) + dense(1024, 504)
    #expect(convolutions + norms + head == 22_041_912)
  }

  @Test func parametersOfBasic() throws {
    let model = try ModelZoo.model(ModelConfiguration(architecture: "basic"))
    // Three poolings: 7×25.
    let expected =
      convolution(3, 3, 32) + convolution(3, 32, 64) + convolution(3, 64, 64) + dense(7 * 25 * 64, 1024)
      + dense(1024, 504)
    #expect(model.parameterCount == expected)
  }

  @Test func parametersOfResNet() throws {
    let model = try ModelZoo.model(ModelConfiguration(architecture: "resnet"))
    func block(_ input: Int, _ output: Int) -> Int {
      convolution(3, input, output) + convolution(3, output, output) + 2 * 4 * output
        + (input == output ? 0 : convolution(1, input, output) + 4 * output)
    }
    let blocks = [(64, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256)].reduce(0) {
      $0 + block($1.0, $1.1)
    }
    let expected =
      convolution(7, 3, 64) + 4 * 64 + blocks + dense(256, 1024) + dense(1024, 512) + dense(512, 504)
    #expect(model.parameterCount == expected)
  }

  @Test func parametersOfCompact() throws {
    let model = try ModelZoo.model(ModelConfiguration(architecture: "compact"))
    // Without biases. The stem's stride and three poolings: 60×200 → 30×100 → 15×50 → 7×25 → 3×12.
    let convolutions = 25 * 3 * 32 + 9 * 32 * 64 + 9 * 64 * 96 + 9 * 96 * 128
    #expect(model.parameterCount == convolutions + 4 * (32 + 64 + 96 + 128) + dense(3 * 12 * 128, 504))
  }

  // MARK: Shapes

  @Test(arguments: ModelZoo.names, [(61, 37), (200, 60), (50, 33), (33, 97), (17, 16)])
  func shapesAtOddSizes(_ architecture: String, _ size: (Int, Int)) throws {
    for color in ColorMode.allCases {
      let configuration = try small(architecture, width: size.0, height: size.1, color: color)
      let model = try ModelZoo.model(configuration)
      model.initialize(seed: 1)
      let input = Tensor(repeating: 0.5, shape: [2, size.1, size.0, color.channels])
      #expect(model.outputShape(for: input.shape) == [2, 33])
      let output = model(input, .inference)
      #expect(output.shape == [2, 33])
      #expect(output.elements().allSatisfy { $0.isFinite })
    }
  }

  /// The width of the flattened image shows how poolings round: down, so that 37×61 gives 2×3 after four of them; the stem
  /// of the compact model rounds up, 19×31, and two poolings give 4×7.
  @Test func sizesAfterPoolings() throws {
    func inputs(_ architecture: String) throws -> Int? {
      let model = try ModelZoo.model(small(architecture))
      return model.namedParameters.first { $0.name == "fc1/kernel" }?.parameter.shape[0]
    }
    #expect(try inputs("enhanced") == 2 * 3 * 7)
    #expect(try inputs("basic") == 4 * 7 * 5)
    #expect(try inputs("compact") == 4 * 7 * 5)
    #expect(try inputs("resnet") == 5)
  }

  @Test(arguments: ModelZoo.names)
  func nothingIsForgotten(_ architecture: String) throws {
    #expect(try misdeclaredMembers(of: ModelZoo.model(small(architecture))) == [])
    #expect(try misdeclaredMembers(of: ModelZoo.model(ModelConfiguration(architecture: architecture))) == [])
  }

  /// Every trainable parameter takes part in the result.
  @Test(arguments: ModelZoo.names)
  func everyParameterHasAGradient(_ architecture: String) throws {
    let model = try ModelZoo.model(small(architecture, dropout: 0))
    model.initialize(seed: 2)
    var stream = RandomStream(seed: 3)
    let pixels = Tensor((0..<4 * 37 * 61 * 3).map { _ in stream.unitFloat() }, shape: [4, 37, 61, 3])
    let logits = model(pixels, .training(stream: RandomStream(seed: 0)))
    let labels = Tensor((0..<12).map { Int32($0 % 11) }, shape: [4, 3])
    let gradients = BinaryCrossEntropy()(logits, labels: labels).backward()
    let trainable = model.namedParameters.filter(\.parameter.isTrainable)
    #expect(gradients.count == trainable.count)
    for item in trainable { #expect((gradients[item.parameter]?.norm ?? 0) > 0, "\(item.name)") }
  }

  @Test func namesOfParameters() throws {
    func layers(_ architecture: String) throws -> [String] {
      var seen: [String] = []
      for item in try ModelZoo.model(ModelConfiguration(architecture: architecture)).namedParameters {
        let layer = item.name.split(separator: "/").dropLast().joined(separator: "/")
        if !seen.contains(layer) { seen.append(layer) }
      }
      return seen
    }
    #expect(
      try layers("enhanced") == [
        "conv1", "bn1", "conv2", "bn2", "conv3", "bn3", "conv4", "bn4", "conv5", "bn5", "fc1", "bn_fc1", "fc2",
        "bn_fc2",
        "output",
      ])
    #expect(try layers("basic") == ["conv1", "conv2", "conv3", "fc1", "output"])
    #expect(
      try layers("compact") == ["conv1", "bn1", "conv2", "bn2", "conv3", "bn3", "conv4", "bn4", "output"])
    let resnet = try layers("resnet")
    #expect(resnet.count == 2 + 6 * 4 + 2 * 2 + 3)
    #expect(resnet.filter { $0.hasSuffix("/shortcut") } == ["res3/shortcut", "res5/shortcut"])
    #expect(
      resnet.filter { $0.hasPrefix("res3") } == [
        "res3/conv1", "res3/bn1", "res3/conv2", "res3/bn2", "res3/shortcut", "res3/bn_shortcut",
      ])
  }

  /// The seed recipe: 0.2 after the convolution blocks from the third on, 0.4 after the dense layers.
  @Test func dropoutOfEnhanced() throws {
    func rates(_ configuration: ModelConfiguration) throws -> [Double] {
      try ModelZoo.model(configuration).children.compactMap { ($0.layer as? Dropout)?.rate }
    }
    var configuration = ModelConfiguration(architecture: "enhanced")
    #expect(try rates(configuration) == [0.2, 0.2, 0.2, 0.4, 0.4])
    configuration.convolutionDropout = 0
    configuration.denseDropout = 0.1
    #expect(try rates(configuration) == [0.1, 0.1])
  }

  // MARK: Errors

  /// The text of the error that building throws.
  private func refusal(_ configuration: ModelConfiguration) -> String {
    do {
      _ = try ModelZoo.model(configuration)
      return "accepted"
    } catch { return "\(error)" }
  }

  private func expectRefusal(
    _ configuration: ModelConfiguration, naming words: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let text = refusal(configuration)
    #expect(!text.contains("\n") && text.count < 250, "\(text)", sourceLocation: sourceLocation)
    for word in words { #expect(text.contains(word), "\(text)", sourceLocation: sourceLocation) }
  }

  @Test func unknownArchitecture() {
    expectRefusal(
      ModelConfiguration(architecture: "enhancd"), naming: "model.architecture", "\"enhancd\"",
      "attention, basic, compact, crnn, enhanced, enhanced_se, resnet")
  }

  @Test func imagesThatNoModelTakes() {
    expectRefusal(
      ModelConfiguration(architecture: "basic", imageWidth: 15), naming: "model.image_width", "15", "16 to 2048")
    expectRefusal(
      ModelConfiguration(architecture: "basic", imageHeight: 0), naming: "model.image_height", "0", "16 to 2048")
    expectRefusal(ModelConfiguration(architecture: "basic", imageHeight: 4000), naming: "model.image_height", "4000")
  }

  @Test func imagesThatAreTooSmallForTheFilters() {
    let filters = [8, 8, 8, 8, 8, 8]
    expectRefusal(
      ModelConfiguration(architecture: "basic", imageWidth: 200, imageHeight: 40, filters: filters),
      naming: "model.image_height", "200×40", "basic", "larger image")
    // Here it is the width that is used up.
    expectRefusal(
      ModelConfiguration(architecture: "basic", imageWidth: 40, imageHeight: 200, filters: filters),
      naming: "model.image_width", "40×200")
    expectRefusal(
      ModelConfiguration(architecture: "compact", imageWidth: 60, imageHeight: 20, filters: filters),
      naming: "model.image_height", "60×20", "compact")
    expectRefusal(
      ModelConfiguration(architecture: "resnet", imageWidth: 60, imageHeight: 20, filters: filters),
      naming: "model.image_height", "60×20", "resnet")
  }

  @Test func sizesThatNoModelHas() {
    expectRefusal(ModelConfiguration(architecture: "basic", filters: []), naming: "model.filters")
    expectRefusal(ModelConfiguration(architecture: "basic", filters: [8, 0]), naming: "model.filters", "[8, 0]")
    expectRefusal(ModelConfiguration(architecture: "basic", dense: [-1]), naming: "model.dense", "[-1]")
    expectRefusal(ModelConfiguration(architecture: "basic", convolutionDropout: 1), naming: "model.convolution_dropout")
    expectRefusal(ModelConfiguration(architecture: "basic", denseDropout: -0.1), naming: "model.dense_dropout", "-0.1")
    expectRefusal(ModelConfiguration(architecture: "basic", denseDropout: .nan), naming: "model.dense_dropout")
    expectRefusal(ModelConfiguration(architecture: "enhanced", filters: [8, 8]), naming: "model.filters", "takes 5")
    expectRefusal(ModelConfiguration(architecture: "resnet", filters: [8]), naming: "model.filters", "stages")
    expectRefusal(ModelConfiguration(architecture: "compact", filters: [8]), naming: "model.filters", "blocks")
  }

  // MARK: Configuration

  @Test func configurationRoundTrip() throws {
    let full = ModelConfiguration(
      architecture: "resnet", imageWidth: 123, imageHeight: 45, colorMode: .grayscale,
      codec: try LabelCodec(charset: Charset("abc"), maximumLength: 4), filters: [1, 2], dense: [],
      convolutionDropout: 0.25, denseDropout: 0)
    for configuration in [full, ModelConfiguration(architecture: "basic")] {
      let data = try JSONEncoder().encode(configuration)
      #expect(try JSONDecoder().decode(ModelConfiguration.self, from: data) == configuration)
    }
  }

  /// The keys of files that exist must stay.
  @Test func configurationOfAFile() throws {
    let text = """
      {"architecture": "compact", "imageWidth": 100, "imageHeight": 40, "colorMode": "grayscale",
       "codec": {"charset": "01", "maximumLength": 3}, "filters": [4, 5], "denseDropout": 0.5}
      """
    let configuration = try JSONDecoder().decode(ModelConfiguration.self, from: Foundation.Data(text.utf8))
    #expect(
      configuration
        == ModelConfiguration(
          architecture: "compact", imageWidth: 100, imageHeight: 40, colorMode: .grayscale,
          codec: try LabelCodec(charset: Charset("01"), maximumLength: 3), filters: [4, 5], denseDropout: 0.5))
    #expect(configuration.inputShape == [1, 40, 100, 1])
  }
}
