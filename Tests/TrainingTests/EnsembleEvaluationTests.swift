import Callbacks
import Data
import Foundation
import Layers
import Tensor
import Testing
import Training

/// Evaluations of readers that take several tensors per batch and have no loss.
@Suite struct EnsembleEvaluationTests {
  /// Reads the first pixel of the first input and the last of the second one as characters, 0 as none; surer the brighter the
  /// second.
  private struct TwoInputs: BatchRecognizer {
    let codec: LabelCodec
    var options: DecodingOptions { DecodingOptions() }
    var inputCount: Int { 2 }

    func outputs(_ images: [Tensor], float16Weights: Bool) -> [Tensor] { images }

    func readings(_ outputs: [Tensor], temperature: Double) -> [Reading] {
      let (first, second) = (outputs[0], outputs[1])
      let (a, b) = (first.elements(), second.elements())
      let (sizeA, sizeB) = (a.count / first.shape[0], b.count / second.shape[0])
      return (0..<first.shape[0]).map { image in
        let digits = [a[image * sizeA], b[image * sizeB + sizeB - 1]].map { Int(($0 * 255).rounded()) }
        let text = digits.filter { $0 > 0 }.map(String.init).joined()
        let classes = (try? codec.encode(text)) ?? [Int](repeating: codec.paddingIndex, count: 2)
        return Reading(text: text, classes: classes, confidence: Double(digits[1]) / 10 / temperature)
      }
    }

    func probabilities(_ outputs: [Tensor]) -> Tensor? { nil }
    func meanLoss(_ outputs: [Tensor], labels: Tensor) -> Double? { nil }
  }

  /// The same images in two sizes, each with the digits that are to be read.
  private func datasets(_ images: [(label: String, read: (UInt8, UInt8))]) throws -> [Dataset] {
    try [2, 3].map { width in
      try Dataset(width: width, height: 1, channels: 1, count: images.count) { index, pixels in
        pixels.update(repeating: 0)
        (pixels[0], pixels[width - 1]) = images[index].read
        return Sample(name: "\(index)", label: images[index].label, type: index % 2 == 0 ? "even" : "odd")
      }
    }
  }

  @Test func allButTheLossIsMeasured() throws {
    let codec = try LabelCodec(charset: .digits, maximumLength: 2)
    let images: [(String, (UInt8, UInt8))] = [
      ("12", (1, 2)), ("34", (3, 5)), ("7", (0, 7)), ("123", (1, 2)), ("x9", (4, 9)), ("99", (9, 9)), ("5", (5, 6)),
    ]
    for batchSize in [1, 3, 128] {
      let report = try Evaluator(TwoInputs(codec: codec), batchSize: batchSize).evaluate(datasets(images))
      #expect(report.count == 7 && report.inexpressible == 2 && report.loss == nil)
      #expect(report.exactMatch == 3.0 / 7)
      #expect(report.byType["even"]?.exactMatch == 2.0 / 4 && report.byType["odd"]?.exactMatch == 1.0 / 3)
      // Right characters of all: 2/2, 1/2, 1/1, 2/3, 1/2, 2/2, 1/2.
      #expect(report.characterAccuracy == 10.0 / 14)
      // The answers are those of the readings: of 10 positions that can be said 8 are right, the others answer one wrong.
      #expect(abs(report.precision - 8.0 / 10) < 1e-12 && abs(report.recall - 8.0 / 10) < 1e-12)
      #expect(report.examples.map(\.text) == ["12", "35", "7", "99", "56", "12", "49"])
    }
  }

  @Test func theTemperatureIsThatOfTheReadings() throws {
    let codec = try LabelCodec(charset: .digits, maximumLength: 2)
    // Confidences of 0.5 over the temperature, right in one of five cases: −ln(c) − 4 ln(1 − c) is smallest at c = 0.2.
    let images: [(String, (UInt8, UInt8))] = [("15", (1, 5))] + (2...5).map { ("1", ($0, 5)) }
    let scaling = try Evaluator(TwoInputs(codec: codec)).temperatureScaling(datasets(images))
    #expect(abs(scaling.temperature - 2.5) < 1e-3)
  }
}
