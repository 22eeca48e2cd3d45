import Foundation
import Layers
import Tensor
import Testing

/// A loss with what Keras makes of it.
struct LossCase: Decodable, Sendable, CustomTestStringConvertible {
  let name: String
  let loss: LossConfiguration
  let logits: FixtureTensor
  let labels: [[Int32]]
  let value: Float
  let gradient: FixtureTensor

  var testDescription: String { name }
  var labelTensor: Tensor { Tensor(labels.flatMap { $0 }, shape: [labels.count, labels[0].count]) }
}

@Suite struct LossTests {
  @Test(arguments: try FixtureFiles.cases("losses.json", of: LossCase.self))
  func equalsKeras(_ item: LossCase) throws {
    let loss = try #require(item.loss.make())
    let logits = Parameter("logits", value: item.logits.tensor)
    let value = loss(logits.tensor(tracking: true), labels: item.labelTensor)
    #expect(value.shape == [])
    #expect(abs(value.scalar - item.value) <= 2e-6 * (1 + item.value), "\(value.scalar), Keras \(item.value)")
    #expect(loss(item.logits.tensor, labels: item.labelTensor).scalar == value.scalar)
    expectClose(try #require(value.backward()[logits]), item.gradient, "gradient", tolerance: 1e-6)
  }

  @Test(arguments: try FixtureFiles.cases("binary_losses.json", of: LossCase.self))
  func equalsPyTorch(_ item: LossCase) throws {
    let loss = try #require(item.loss.make())
    let logits = Parameter("logits", value: item.logits.tensor)
    let value = loss(logits.tensor(tracking: true), labels: item.labelTensor)
    #expect(abs(value.scalar - item.value) <= 2e-6 * (1 + item.value), "\(value.scalar), PyTorch \(item.value)")
    expectClose(try #require(value.backward()[logits]), item.gradient, "gradient", tolerance: 1e-6)
  }

  /// From logits nothing is clipped: a logit of 50 for a target 0 costs 50 and keeps its slope.
  @Test func largeLogitsAreNotClipped() throws {
    let logit = Parameter("logit", value: Tensor([Float(50)], shape: [1, 1]))
    let value = logit.tensor(tracking: true).sigmoidCrossEntropy(targets: Tensor([Float(0)], shape: [1, 1]))
    #expect(value.scalar == 50)
    #expect(value.backward()[logit]?.elements() == [1])
  }

  @Test func extremeLogitsStayFinite() throws {
    let labels = Tensor([Int32(0), 1], shape: [1, 2])
    for name in LossConfiguration.names where name != "ctc" {
      let loss = try #require(LossConfiguration(name: name).make())
      for size in [Float(88), 200, 1e4, 1e30] {
        let logits = Parameter("logits", value: Tensor([size, -size, size, -size], shape: [1, 4]))
        let value = loss(logits.tensor(tracking: true), labels: labels)
        #expect(value.scalar.isFinite && value.scalar >= 0, "\(name) of \(size): \(value.scalar)")
        let gradient = value.backward()[logits]?.elements() ?? []
        #expect(gradient.count == 4 && gradient.allSatisfy(\.isFinite), "\(name) of \(size): \(gradient)")
      }
    }
  }

  @Test func focalWithoutFocusIsCrossEntropy() {
    let logits = Tensor([Float(1.5), -2, 0.25, 3, -0.5, 0], shape: [1, 6])
    let labels = Tensor([Int32(2), 0], shape: [1, 2])
    let focal = BinaryFocalCrossEntropy(gamma: 0)(logits, labels: labels).scalar
    #expect(abs(focal - BinaryCrossEntropy()(logits, labels: labels).scalar) < 1e-7)
  }

  /// Alignments of the label 0 with three columns and the classes 0, 1 and blank, each as likely: 000, 00-, 0--, -00, -0-
  /// and --0.
  @Test func theBlankOfAlignmentsIsTheLastClass() {
    let loss = ConnectionistTemporalClassification()
    let value = loss(Tensor(zeros: [2, 3, 3]), labels: Tensor([Int32(0), 2, 1, 2], shape: [2, 2]))
    #expect(value.shape == [])
    #expect(abs(Double(value.scalar) - log(27.0 / 6)) < 1e-6)
    #expect(loss.outputActivation == .softmax && loss.alignment == .columns)
    #expect(ConnectionistTemporalClassification.name == "ctc")
  }

  @Test func namesOfLosses() {
    #expect(LossConfiguration.names == ["adaptive_focal", "bce", "ctc", "focal", "softmax", "weighted_bce"])
    #expect(LossConfiguration(name: "hinge").make() == nil)
    for name in LossConfiguration.names {
      let loss = LossConfiguration(name: name).make()
      #expect(loss.map { type(of: $0).name } == name)
    }
  }

  @Test func configurationIsCodable() throws {
    let configuration = LossConfiguration(name: "focal", gamma: 1.5, alpha: 0.25)
    let data = try JSONEncoder().encode(configuration)
    #expect(try JSONDecoder().decode(LossConfiguration.self, from: data) == configuration)
    let loss = try #require(configuration.make() as? BinaryFocalCrossEntropy)
    #expect(loss.gamma == 1.5 && loss.alpha == 0.25)
    let smooth = try #require(LossConfiguration(name: "softmax", labelSmoothing: 0.1).make() as? SoftmaxCrossEntropy)
    #expect(smooth.labelSmoothing == 0.1)
  }

  @Test func probabilitiesOfLogits() {
    let logits = Tensor([Float(0), Float(log(3.0)), 0, Float(log(3.0)), 0, 0], shape: [1, 6])
    let sigmoid = OutputActivation.sigmoid.probabilities(logits, classes: 2)
    #expect(sigmoid.shape == [1, 3, 2])
    expectClose(sigmoid.elements().map(Double.init), [0.5, 0.75, 0.5, 0.75, 0.5, 0.5])
    let softmax = OutputActivation.softmax.probabilities(logits, classes: 2)
    #expect(softmax.shape == [1, 3, 2])
    expectClose(softmax.elements().map(Double.init), [0.25, 0.75, 0.25, 0.75, 0.5, 0.5])
    #expect(BinaryCrossEntropy().outputActivation == .sigmoid)
    #expect(BinaryFocalCrossEntropy().outputActivation == .sigmoid)
    #expect(SoftmaxCrossEntropy().outputActivation == .softmax)
  }

  /// The mean is over images as well: two copies of a batch cost as much as one.
  @Test func meanOverImages() throws {
    for item in try FixtureFiles.cases("losses.json", of: LossCase.self) {
      let loss = try #require(item.loss.make())
      let twice = Tensor(
        item.logits.values + item.logits.values, shape: [2 * item.logits.shape[0], item.logits.shape[1]])
      let labels = Tensor(
        (item.labels + item.labels).flatMap { $0 }, shape: [2 * item.labels.count, item.labels[0].count])
      #expect(abs(loss(twice, labels: labels).scalar - item.value) <= 2e-6 * (1 + item.value), "\(item.name)")
    }
  }
}
