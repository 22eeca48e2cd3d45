import Callbacks
import Data
import Foundation
import Layers
import Tensor
import Testing

@testable import Training

/// The evaluation of a reader whose readings are known, on labels that it can and cannot say.
@Suite struct InexpressibleLabelTests {
  /// Reads an image's first two bytes as the classes of its two positions, with scores of 5 against 0.
  private final class FirstBytesReader: Layer {
    static let classes = 3  // "0", "1" and padding

    func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
      let (count, size) = (x.shape[0], x.shape.count / x.shape[0])
      let values = x.elements(of: Float.self)
      var logits = [Float](repeating: 0, count: count * 2 * Self.classes)
      for image in 0..<count {
        for position in 0..<2 {
          let read = Int((values[image * size + position] * 255).rounded())
          logits[(image * 2 + position) * Self.classes + read] = 5
        }
      }
      return Tensor(logits, shape: [count, 2 * Self.classes])
    }

    func outputShape(for input: Shape) -> Shape { [input[0], 2 * Self.classes] }
  }

  private func report(_ images: [(label: String, type: String, read: (UInt8, UInt8))]) throws -> EvaluationReport {
    let dataset = try Dataset(width: 2, height: 1, channels: 1, count: images.count) { index, pixels in
      (pixels[0], pixels[1]) = images[index].read
      return Sample(name: "\(index)", label: images[index].label, type: images[index].type)
    }
    return try Evaluator(
      model: FirstBytesReader(), loss: SoftmaxCrossEntropy(),
      codec: try LabelCodec(charset: Charset("01"), maximumLength: 2), batchSize: 2
    ).evaluate(dataset)
  }

  @Test func labelsThatCannotBeSaidCountAsWrongButNotInTheLoss() throws {
    let report = try report([
      ("01", "digit", (0, 1)),  // right
      ("a1", "alpha", (0, 1)),  // first character cannot be said, second is right
      ("1", "digit", (1, 2)),  // right
      ("111", "digit", (1, 1)),  // too long, the first two are right
      ("10", "digit", (1, 1)),  // second character wrong
    ])
    #expect(report.count == 5)
    #expect(report.inexpressible == 2)
    #expect(report.exactMatch == 2.0 / 5)
    #expect(report.byType["digit"] == EvaluationReport.Share(count: 4, exactMatch: 2.0 / 4))
    #expect(report.byType["alpha"] == EvaluationReport.Share(count: 1, exactMatch: 0))
    #expect(report.byLength["2"] == EvaluationReport.Share(count: 3, exactMatch: 1.0 / 3))
    #expect(report.byLength["3"] == EvaluationReport.Share(count: 1, exactMatch: 0))
    // By hand: 2 + 1 + 1 + 2 + 1 right of 2 + 2 + 1 + 3 + 2 characters.
    #expect(report.characterAccuracy == 7.0 / 10)
    #expect(report.perPosition == [4.0 / 5, 4.0 / 5])
    #expect(report.confusions.count == 3)
    #expect(report.confusions.contains(EvaluationReport.Confusion(true: "a", predicted: "0", count: 1)))
    #expect(report.confusions.contains(EvaluationReport.Confusion(true: "1", predicted: "", count: 1)))
    #expect(report.confusions.contains(EvaluationReport.Confusion(true: "0", predicted: "1", count: 1)))
    // The mean over positions of the three labels that can be said, of which five are right: e⁵ against 1 and 1.
    let (right, wrong) = (-log(exp(5.0) / (exp(5) + 2)), -log(1 / (exp(5.0) + 2)))
    let loss = try #require(report.loss)
    #expect(abs(loss - (5 * right + wrong) / 6) < 1e-6)
  }

  @Test func withoutAnyLabelThatCanBeSaidThereIsNoLoss() throws {
    let report = try report([("ab", "alpha", (0, 1)), ("abc", "alpha", (2, 2))])
    #expect(report.loss == nil)
    #expect(report.exactMatch == 0)
    #expect(report.inexpressible == 2)
    let json = try #require(
      try JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: Any])
    #expect(json["loss"] is NSNull)
  }
}
