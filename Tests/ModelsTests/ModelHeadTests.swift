import Data
import Foundation
import Layers
import Models
import Tensor
import Testing

/// What the rows of a model's outputs stand for.
@Suite struct ModelHeadTests {
  /// PyTorch's layers of the same sizes have so many weights (`Benchmarks/peers/torch_models.py`), running averages among them
  /// and one bias per gate.
  @Test func parametersOfTheRecurrentModel() throws {
    #expect(try ModelZoo.model(ModelConfiguration(architecture: "crnn")).parameterCount == 900_575)
  }

  @Test(arguments: ModelZoo.names, OutputAlignment.allCases)
  func everyArchitectureHasEitherHead(_ architecture: String, _ head: OutputAlignment) throws {
    let codec = try LabelCodec(charset: .digits, maximumLength: 4)
    let configuration = ModelConfiguration(
      architecture: architecture, imageWidth: 200, imageHeight: 60, colorMode: .grayscale, codec: codec, head: head)
    #expect(try ModelZoo.head(configuration) == head)
    let model = try ModelZoo.model(configuration)
    let logits = model(Tensor(repeating: 0.5, shape: [2, 60, 200, 1]), .inference)
    #expect(logits.shape == model.outputShape(for: [2, 60, 200, 1]))
    switch head {
    case .positions: #expect(logits.shape == [2, codec.outputCount])
    case .columns:
      #expect(logits.shape.rank == 3 && logits.shape[0] == 2 && logits.shape[2] == codec.classCount)
      #expect(logits.shape[1] >= 2 * codec.maximumLength - 1)
    }
  }

  @Test func architecturesHaveAHeadOfTheirOwn() throws {
    #expect(try ModelZoo.head(ModelConfiguration(architecture: "crnn")) == .columns)
    #expect(try ModelZoo.head(ModelConfiguration(architecture: "enhanced")) == .positions)
  }

  /// Eight equal characters need fifteen columns.
  @Test func tooFewColumnsAreRefused() throws {
    func model(_ width: Int) throws {
      _ = try ModelZoo.model(ModelConfiguration(architecture: "crnn", imageWidth: width))
    }
    try model(57)
    let error = #expect(throws: ModelError.self) { try model(56) }
    let text = error?.description ?? ""
    #expect(text.contains("model.head") && text.contains("14 columns") && text.contains("15"), "\(text)")
  }

  @Test func aLossMustFitTheHead() throws {
    let (crnn, basic) = (ModelConfiguration(architecture: "crnn"), ModelConfiguration(architecture: "basic"))
    try ModelZoo.requireFit(ConnectionistTemporalClassification(), crnn)
    try ModelZoo.requireFit(BinaryCrossEntropy(), basic)
    let columns = #expect(throws: ModelError.self) { try ModelZoo.requireFit(BinaryCrossEntropy(), crnn) }
    #expect(columns?.description.contains("model.head: positions, or loss.name: ctc") == true)
    let positions = #expect(throws: ModelError.self) {
      try ModelZoo.requireFit(ConnectionistTemporalClassification(), basic)
    }
    #expect(positions?.description.contains("model.head: columns, or another loss") == true)
    #expect(throws: ModelError.self) {
      _ = try Recognizer(
        description: ModelDescription(configuration: crnn, loss: LossConfiguration(name: "bce")),
        model: try ModelZoo.model(crnn))
    }
  }
}
