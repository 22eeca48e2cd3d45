import Callbacks
import Data
import Foundation
import Layers
import Tensor
import Testing
import Training

/// Reads what the first pixels say: pixel `p` is the class of position `p`. How sure it is, is given.
private final class PixelReader: Layer {
  let codec: LabelCodec
  let logit: Float

  init(_ codec: LabelCodec, logit: Float) {
    self.codec = codec
    self.logit = logit
  }

  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let images = x.shape[0]
    let pixels = x.elements()
    let stride = pixels.count / max(images, 1)
    var logits = [Float](repeating: -logit, count: images * codec.outputCount)
    for image in 0..<images {
      for position in 0..<codec.maximumLength {
        let chosen = Int((pixels[image * stride + position] * 255).rounded())
        logits[image * codec.outputCount + position * codec.classCount + chosen] = logit
      }
    }
    return Tensor(logits, shape: [images, codec.outputCount])
  }

  func outputShape(for input: Shape) -> Shape { [input[0], codec.outputCount] }
}

@Suite struct EvaluationTests {
  private struct Case {
    let label, read: String
    let type: String?
  }

  private let codec: LabelCodec
  private let logit: Float = 2

  init() throws { codec = try LabelCodec(charset: Charset("0123456789ab"), maximumLength: 4) }

  private func dataset(_ cases: [Case]) throws -> Dataset {
    let codec = codec
    return try Dataset(width: 4, height: 2, channels: 1, count: cases.count) { index, pixels in
      pixels.update(repeating: 0)
      for (position, chosen) in try codec.encode(cases[index].read).enumerated() { pixels[position] = UInt8(chosen) }
      return Sample(name: "\(index).png", label: cases[index].label, type: cases[index].type)
    }
  }

  /// Labels and readings that differ in all ways: a character or two, one too many, one too few.
  private var cases: [Case] {
    var random = RandomStream(seed: 11)
    let characters = codec.charset.characters
    return (0..<301).map { index in
      let label = (0..<random.integer(in: 1...4)).map { _ in characters[random.integer(in: 0..<12)] }
      var read = label
      switch random.integer(in: 0..<4) {
      case 0:
        for _ in 0..<2 { read[random.integer(in: 0..<read.count)] = characters[random.integer(in: 0..<12)] }
      case 1 where read.count > 1: read.removeLast()
      case 2 where read.count < 4: read.append("7")
      default: break
      }
      return Case(label: String(label), read: String(read), type: [nil, "digit", "mixed"][index % 3])
    }
  }

  private func evaluate(_ cases: [Case], batchSize: Int = 16) throws -> EvaluationReport {
    try Evaluator(
      model: PixelReader(codec, logit: logit), loss: BinaryCrossEntropy(), codec: codec, batchSize: batchSize
    ).evaluate(try dataset(cases))
  }

  private func share(_ cases: [Case]) -> Double {
    Double(cases.filter { $0.label == $0.read }.count) / Double(cases.count)
  }

  @Test func sharesAreThoseOfBruteForce() throws {
    let cases = cases
    let report = try evaluate(cases)
    #expect(report.count == 301 && report.inexpressible == 0)
    #expect(report.exactMatch == share(cases))
    #expect(report.exactMatch > 0.3 && report.exactMatch < 0.9)
    let types = Dictionary(grouping: cases) { $0.type ?? "unknown" }
    #expect(Set(report.byType.keys) == ["unknown", "digit", "mixed"])
    for (type, group) in types {
      #expect(report.byType[type]?.count == group.count)
      #expect(report.byType[type]?.exactMatch == share(group))
    }
    let lengths = Dictionary(grouping: cases) { "\($0.label.count)" }
    #expect(Set(report.byLength.keys) == ["1", "2", "3", "4"])
    for (length, group) in lengths {
      #expect(report.byLength[length]?.count == group.count)
      #expect(report.byLength[length]?.exactMatch == share(group))
    }
    let interval = wilsonInterval(right: cases.filter { $0.label == $0.read }.count, of: 301)
    #expect(report.exactMatchInterval == [interval.lowerBound, interval.upperBound])
    #expect(report.imagesPerSecond > 0)
  }

  /// A label as four characters, "·" where there is none.
  private func padded(_ text: String) -> [String] {
    text.map { String($0) } + Array(repeating: "·", count: 4 - text.count)
  }

  @Test func charactersPositionsAndConfusionsAreThoseOfBruteForce() throws {
    let cases = cases
    let report = try evaluate(cases)
    var confusions: [[String]: Int] = [:]
    var right = [0, 0, 0, 0]
    var characters = (right: 0, count: 0)
    for item in cases {
      for (position, pair) in zip(padded(item.label), padded(item.read)).enumerated() {
        if pair.0 == pair.1 { right[position] += 1 } else { confusions[[pair.0, pair.1], default: 0] += 1 }
        if pair.0 == "·" && pair.1 == "·" { continue }
        characters.count += 1
        if pair.0 == pair.1 { characters.right += 1 }
      }
    }
    #expect(report.perPosition == right.map { Double($0) / 301 })
    #expect(report.wrongCharacters == confusions.values.reduce(0, +))
    let wrong = cases.map { item in zip(padded(item.label), padded(item.read)).count { $0 != $1 } }
    let errors = Dictionary(grouping: wrong.filter { $0 > 0 }, by: { "\($0)" }).mapValues(\.count)
    #expect(report.errorsByWrongCharacters == errors && errors.count > 1)
    #expect(report.characterAccuracy == Double(characters.right) / Double(characters.count))
    #expect(confusions.count > 30 && report.confusions.count == 30)
    #expect(report.confusions.map(\.count) == confusions.values.sorted(by: >).prefix(30).map { $0 })
    for confusion in report.confusions {
      let key = [confusion.true, confusion.predicted].map { $0.isEmpty ? "·" : $0 }
      #expect(confusions[key] == confusion.count)
    }
    #expect(Set(report.confusions.map { [$0.true, $0.predicted] }).count == 30)
    // Characters that were not there were read, and others were not seen.
    #expect(report.confusions.contains { $0.true.isEmpty } && report.confusions.contains { $0.predicted.isEmpty })
  }

  @Test func lossAndAnswersAreThoseOfBruteForce() throws {
    let cases = cases
    let report = try evaluate(cases)
    var (truePositives, falsePositives, falseNegatives, loss) = (0, 0, 0, 0.0)
    // −log of the probability of the right and of the wrong answer.
    let (rightLoss, wrongLoss) = (log(1 + exp(-Double(logit))), log(1 + exp(Double(logit))))
    for item in cases {
      for (label, read) in zip(padded(item.label), padded(item.read)) {
        if label == read {
          truePositives += 1
        } else {
          falsePositives += 1
          falseNegatives += 1
        }
        let wrong = label == read ? 0 : 2
        loss += Double(wrong) * wrongLoss + Double(13 - wrong) * rightLoss
      }
    }
    let outputs = 301 * 4 * 13
    #expect(abs(try #require(report.loss) - loss / Double(outputs)) < 1e-6)
    #expect(report.precision == Double(truePositives) / Double(truePositives + falsePositives))
    #expect(report.recall == Double(truePositives) / Double(truePositives + falseNegatives))
    #expect(report.binaryAccuracy == Double(outputs - falsePositives - falseNegatives) / Double(outputs))
  }

  @Test(arguments: [1, 7, 300, 301, 1000])
  func theBatchSizeChangesNothing(batchSize: Int) throws {
    let report = try evaluate(cases, batchSize: batchSize)
    let expected = try evaluate(cases)
    #expect(abs(try #require(report.loss) - (try #require(expected.loss))) < 1e-6)
    #expect(report.exactMatch == expected.exactMatch && report.byType == expected.byType)
    #expect(report.confusions == expected.confusions && report.perPosition == expected.perPosition)
  }

  @Test func labelsThatTheModelCannotSayCountAsWrong() throws {
    let cases = [
      Case(label: "12", read: "12", type: "digit"), Case(label: "12345", read: "1234", type: "digit"),
      Case(label: "1-2", read: "112", type: "math"), Case(label: "3", read: "4", type: "digit"),
    ]
    var seen: [Int] = []
    let report = try Evaluator(
      model: PixelReader(codec, logit: logit), loss: BinaryCrossEntropy(), codec: codec, batchSize: 1
    ).evaluate(try dataset(cases)) { seen.append($0) }
    #expect(seen == [1, 2, 3, 4])
    #expect(report.count == 4 && report.inexpressible == 2)
    #expect(report.exactMatch == 0.25)
    #expect(report.byType["math"]?.count == 1 && report.byType["math"]?.exactMatch == 0)
    #expect(report.byType["digit"]?.count == 3)
    #expect(Set(report.byLength.keys) == ["1", "2", "3", "5"])
    // "12", the first four of "12345", "1" and "2" of "1-2" at the first and third position; wrong: "5", "-", "3".
    #expect(report.characterAccuracy == 8.0 / 11)
    #expect(report.confusions.map { "\($0.true)→\($0.predicted)" } == ["3→4", "5→", "-→1"].sorted())
    #expect(report.recall == 7.0 / 8)
  }

  @Test func nothingToMeasureIsNoCrash() throws {
    let report = try evaluate([])
    #expect(report.count == 0 && report.exactMatch == 0 && report.exactMatchInterval == [0, 1])
    #expect(report.loss == nil && report.byType.isEmpty && report.examples.isEmpty)
    // The field is there all the same.
    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(report))
    #expect((json as? [String: Any])?["loss"] is NSNull)
  }

  @Test func theFirstImagesAreShownWithTheirConfidence() throws {
    let report = try evaluate(cases)
    #expect(report.examples.map(\.file) == (0..<10).map { "\($0).png" })
    #expect(report.examples.map(\.label) == cases.prefix(10).map(\.label))
    #expect(report.examples.map(\.text) == cases.prefix(10).map(\.read))
    let sure = pow(1 / (1 + exp(-2.0)), 4)
    for example in report.examples { #expect(abs(example.confidence - sure) < 1e-6) }
  }

  @Test func theJSONHasTheKeysThatUsersRelyOn() throws {
    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(try evaluate(cases)))
    let object = try #require(json as? [String: Any])
    let promised: Set = [
      "count", "loss", "exact_match", "exact_match_ci95", "character_accuracy", "binary_accuracy", "precision",
      "recall",
      "by_type", "by_length", "per_position", "confusions", "images_per_second",
    ]
    #expect(promised.isSubset(of: object.keys))
    #expect((object["exact_match_ci95"] as? [Double])?.count == 2)
    for group in ["by_type", "by_length"] {
      let groups = try #require(object[group] as? [String: [String: Any]])
      for value in groups.values { #expect(Set(value.keys) == ["count", "exact_match"]) }
    }
    #expect((object["per_position"] as? [Double])?.count == 4)
    let confusions = try #require(object["confusions"] as? [[String: Any]])
    for confusion in confusions { #expect(Set(confusion.keys) == ["true", "predicted", "count"]) }
  }

  /// The first four are in Newcombe 1998 (Table I, method 3); all are what statsmodels 0.14's
  /// `proportion_confint(right, count, method="wilson")` returns.
  @Test(arguments: [
    (81, 263, 0.2552885198782742, 0.36620957698280004), (15, 148, 0.06238639953073628, 0.16048724172330803),
    (0, 20, 0.0, 0.1611251580528194), (1, 29, 0.006113214292762667, 0.17175521879320294),
    (29, 29, 0.8830302015002592, 1.0), (987, 1000, 0.9778855576244203, 0.9923871796106489),
    (1, 2, 0.09453120573423068, 0.9054687942657693),
  ])
  func wilsonIntervalsAreThoseOfTheLiterature(right: Int, count: Int, low: Double, high: Double) {
    let interval = wilsonInterval(right: right, of: count)
    #expect(abs(interval.lowerBound - low) < 1e-12)
    #expect(abs(interval.upperBound - high) < 1e-12)
  }

  @Test func nothingIsKnownOfNoImages() { #expect(wilsonInterval(right: 0, of: 0) == 0...1) }
}
