import Callbacks
import Data
import Foundation
import Layers
import Tensor
import Testing
import Training

/// Evaluations of a model that reads questions, and the scores beside the strict one.
@Suite struct GrammarEvaluationTests {
  /// Reads pixel `p` as the class of position `p`.
  private final class PixelReader: Layer {
    let codec: LabelCodec
    init(_ codec: LabelCodec) { self.codec = codec }

    func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
      var logits = [Float](repeating: 0, count: x.shape[0] * codec.outputCount)
      for (index, value) in x.elements().enumerated() {
        logits[index * codec.classCount + Int((value * 255).rounded())] = 6
      }
      return Tensor(logits, shape: [x.shape[0], codec.outputCount])
    }
    func outputShape(for input: Shape) -> Shape { [input[0], codec.outputCount] }
  }

  private func report(
    _ cases: [(label: String, read: String)], charset: String, grammar: DecodingGrammar
  ) throws -> EvaluationReport {
    let codec = try LabelCodec(charset: Charset(charset), maximumLength: 7)
    let dataset = try Dataset(width: 7, height: 1, channels: 1, count: cases.count) { index, pixels in
      for (place, chosen) in try codec.encode(cases[index].read).enumerated() { pixels[place] = UInt8(chosen) }
      return Sample(name: "\(index)", label: cases[index].label, type: "math")
    }
    return try Evaluator(
      model: PixelReader(codec), loss: SoftmaxCrossEntropy(), codec: codec, batchSize: 2,
      decoder: ReadingDecoder(
        codec: codec, readsColumns: false, options: DecodingOptions(grammar: grammar))
    ).evaluate(dataset)
  }

  private let cases = [
    (label: "19+3=?", read: "19+3=?"), (label: "22", read: "19+3=?"), (label: "22", read: "20+3=?"),
    (label: "19+3=?", read: "19+8=?"), (label: "5-7=?", read: "5-7=?"), (label: "-2", read: "5-7=?"),
    (label: "123", read: "123"),
  ]

  @Test func questionsAndAnswersAreMeasuredAlike() throws {
    let report = try report(cases, charset: "0123456789+-*=?", grammar: .arithmetic)
    #expect(report.exactMatch == 5.0 / 7)
    // A question's outputs have no loss for an answer.
    #expect(report.loss == nil)
    // By hand: of 7 positions of 7 images one is wrong in "23" for "22", and one in "19+8=?" for "19+3=?".
    #expect(report.recall == 47.0 / 49 && report.precision == 47.0 / 49)
    // By hand: 6 + 2 + 1 + 5 + 5 + 2 + 3 of 6 + 2 + 2 + 6 + 5 + 2 + 3 characters.
    #expect(report.characterAccuracy == 24.0 / 26)
    #expect(Set(report.confusions.map { "\($0.true)→\($0.predicted) \($0.count)" }) == ["2→3 1", "3→8 1"])
    #expect(report.examples.map(\.text) == ["19+3=?", "22", "23", "19+8=?", "5-7=?", "-2", "123"])
    #expect(report.confidence?.coverage.first?.accuracy == 5.0 / 7)
  }

  @Test func withoutTheGrammarTheyDiffer() throws {
    let report = try report(cases, charset: "0123456789+-*=?", grammar: .none)
    #expect(report.exactMatch == 3.0 / 7)
  }

  @Test func aModelOfAnswersIsMeasuredOnQuestions() throws {
    let report = try report(
      [(label: "19+3=?", read: "22"), (label: "7*8=?", read: "55")], charset: "0123456789", grammar: .arithmetic)
    #expect(report.exactMatch == 0.5 && report.inexpressible == 2)
    #expect(report.characterAccuracy == 3.0 / 4)
  }

  @Test func caseAndLookalikesAreScoredApart() throws {
    let report = try report(
      [
        (label: "aBc", read: "aBc"), (label: "aBc", read: "abC"), (label: "0I", read: "Ol"), (label: "Cv", read: "cV"),
        (label: "ab", read: "ac"),
      ],
      charset: "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", grammar: .none)
    #expect(report.exactMatch == 0.2)
    #expect(report.exactMatchCaseFolded == 0.6)
    #expect(report.exactMatchConfusablesMerged == 0.6)
    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(report))
    let keys = try #require(json as? [String: Any]).keys
    #expect(
      Set(["exact_match_case_folded", "exact_match_confusables_merged", "confidence"]).isSubset(of: keys))
  }
}
