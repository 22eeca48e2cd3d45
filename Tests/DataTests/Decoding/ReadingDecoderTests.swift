import Foundation
import Tensor
import Testing

@testable import Data

/// Readings beside those that are found by going through every text.
@Suite struct ReadingDecoderTests {
  private struct Masks: CustomTestStringConvertible {
    let characters: String?
    let lengths: ClosedRange<Int>?
    var testDescription: String { "\(characters ?? "all"), \(lengths.map { "\($0)" } ?? "any")" }
  }

  private static let masks = [
    Masks(characters: nil, lengths: nil), Masks(characters: "ac", lengths: nil), Masks(characters: nil, lengths: 2...2),
    Masks(characters: nil, lengths: 1...3), Masks(characters: "b", lengths: 2...3),
    Masks(characters: "ab", lengths: 3...3),
  ]

  private func fits(_ text: String, _ masks: Masks, maximum: Int) -> Bool {
    text.allSatisfy { masks.characters?.contains($0) ?? true }
      && (masks.lengths ?? 0...maximum).contains(text.count)
  }

  /// All prefixes of three characters and four columns fit in the widest beam, so that the search is exact.
  @Test(arguments: masks)
  private func columnsAreReadAsByBruteForce(_ masks: Masks) throws {
    let codec = try LabelCodec(charset: Charset("abc"), maximumLength: 3)
    let decoder = try ReadingDecoder(
      codec: codec, readsColumns: true,
      options: DecodingOptions(characters: masks.characters, lengths: masks.lengths, beamWidth: 256))
    var random = RandomStream(seed: 3)
    for trial in 0..<300 {
      // "bbb" needs five columns.
      let rows = randomRows(4 + trial % 2, classes: 4, sharpness: trial % 3 == 0 ? 0.2 : 2, &random)
      let texts = BruteForceTexts(rows, codec: codec, readsColumns: true)
      let best = try #require(texts.best { fits($0, masks, maximum: 3) })
      let reading = decoder.reading(rows)
      #expect(reading.text == best.text, "trial \(trial)")
      // Without masks the confidence is the probability itself; with them, that of someone who knows them.
      let known =
        masks.characters == nil && masks.lengths == nil
        ? 1 : texts.sum { fits($0, masks, maximum: masks.lengths == nil ? .max : 3) }
      #expect(abs(reading.confidence - best.probability / known) < 1e-6 * max(1, 1 / known), "trial \(trial)")
      #expect(reading.classes.count == 3 && codec.decode(reading.classes) == reading.text)
      #expect(reading.question == nil && reading.seenText == reading.text)
    }
  }

  @Test(arguments: masks)
  private func positionsAreReadAsByBruteForce(_ masks: Masks) throws {
    let codec = try LabelCodec(charset: Charset("abc"), maximumLength: 4)
    let decoder = try ReadingDecoder(
      codec: codec, readsColumns: false,
      options: DecodingOptions(characters: masks.characters, lengths: masks.lengths))
    var random = RandomStream(seed: 4)
    for trial in 0..<300 {
      let rows = randomRows(4, classes: 4, sharpness: trial % 3 == 0 ? 0.2 : 2, &random)
      let reading = decoder.reading(rows)
      if masks.characters == nil && masks.lengths == nil {
        // As models have always been read.
        let (text, classes) = codec.decode(scores: rows.flatMap { $0 })
        #expect(reading.text == text && reading.classes == classes)
        let product = zip(rows, classes).reduce(1.0) { $0 * Double($1.0[$1.1]) }
        #expect(abs(reading.confidence - product) < 1e-12)
        continue
      }
      let texts = BruteForceTexts(rows, codec: codec, readsColumns: false)
      let best = try #require(texts.best { fits($0, masks, maximum: 4) })
      #expect(reading.text == best.text, "trial \(trial)")
      let known = texts.sum { fits($0, masks, maximum: 4) }
      #expect(abs(reading.confidence - best.probability / known) < 1e-9, "trial \(trial)")
      #expect(codec.decode(reading.classes) == reading.text)
    }
  }

  /// The best class of each column, equal neighbours merged, blanks left out.
  @Test func theBestPathIsThatOfTheColumns() throws {
    let codec = try LabelCodec(charset: Charset("abc"), maximumLength: 8)
    let decoder = ReadingDecoder(codec: codec, readsColumns: true)
    func read(_ path: String) -> Reading {
      decoder.reading(
        path.map { character in (0..<4).map { Array("abc-")[$0] == character ? 0.7 : 0.1 } })
    }
    #expect(read("aab-b-c").text == "abbc")
    #expect(read("a-a").text == "aa" && read("aa").text == "a" && read("---").text.isEmpty)
    #expect(read("-a--b-").classes == [0, 1, 3, 3, 3, 3, 3, 3])
    var random = RandomStream(seed: 9)
    for _ in 0..<200 {
      let rows = randomRows(7, classes: 4, sharpness: 2, &random)
      let path = rows.map { row in row.firstIndex(of: row.max() ?? 0) ?? 0 }
      var text = ""
      for (index, chosen) in path.enumerated() where chosen < 3 && (index == 0 || path[index - 1] != chosen) {
        text.append(Array("abc")[chosen])
      }
      let reading = decoder.reading(rows)
      #expect(reading.text == text)
      let texts = BruteForceTexts(rows, codec: codec, readsColumns: true)
      #expect(abs(reading.confidence - (texts.probabilities[text] ?? 0)) < 1e-6)
    }
  }

  /// A best path of more characters than a label has gives way to the best text that is short enough.
  @Test func tooLongPathsAreSearchedAgain() throws {
    let codec = try LabelCodec(charset: Charset("abc"), maximumLength: 2)
    let decoder = ReadingDecoder(codec: codec, readsColumns: true)
    var random = RandomStream(seed: 10)
    var tooLong = 0
    for _ in 0..<300 {
      let rows = randomRows(4, classes: 4, sharpness: 2, &random)
      let path = rows.map { row in row.firstIndex(of: row.max() ?? 0) ?? 0 }
      let length = path.indices.count { path[$0] < 3 && ($0 == 0 || path[$0 - 1] != path[$0]) }
      guard length > 2 else { continue }
      tooLong += 1
      let texts = BruteForceTexts(rows, codec: codec, readsColumns: true)
      // Sixteen beginnings hold all thirteen texts of at most two characters.
      let best = try #require(texts.best { $0.count <= 2 })
      #expect(decoder.reading(rows).text == best.text)
    }
    #expect(tooLong > 50)
  }

  /// Numbers of PyTorch 2.15: `torch.nn.functional.ctc_loss` of float64 log-softmax, reduction "none".
  @Test(arguments: [
    ("sine", [Int](), 28.804997850077783), ("sine", [0], 21.4500066779996), ("sine", [0, 0], 16.176428601667237),
    ("sine", [1, 2, 3], 14.794308800565867), ("sine", [3, 3, 3, 3], 15.20022281989066),
    ("sine", [0, 1, 2, 3, 0, 1, 2, 3], 14.118068737134722), ("sine", [2, 2, 1, 1, 0, 0], 18.74737724652552),
    ("cosine", [], 44.62897892136448), ("cosine", [0], 6.310016663037391), ("cosine", [0, 0], 5.2679055391958105),
    ("cosine", [1, 2, 3], 28.16882563360575), ("cosine", [3, 3, 3, 3], 27.43091302285788),
    ("cosine", [0, 1, 2, 3, 0, 1, 2, 3], 16.56767851470828), ("cosine", [2, 2, 1, 1, 0, 0], 20.064695500985273),
  ])
  func textsHaveTheProbabilityOfPyTorch(_ curve: String, _ text: [Int], _ loss: Double) {
    let probabilities = (0..<12).flatMap { column -> [Float] in
      let logits = (0..<5).map { index -> Double in
        let (t, c) = (Double(column), Double(index))
        return curve == "sine" ? 2 * sin(1.3 * t + 2.1 * c) : 3 * cos(0.7 * t * c + c)
      }
      let sum = logits.map { exp($0) }.reduce(0, +)
      return logits.map { Float(exp($0) / sum) }
    }
    probabilities.withUnsafeBufferPointer {
      let decoding = ColumnDecoding(probabilities: $0, columns: 12, classes: 5)
      #expect(abs(-decoding.logProbability(of: text) - loss) < 1e-5)
    }
  }

  @Test func theTemperatureDividesLogits() throws {
    let codec = try LabelCodec(charset: Charset("ab"), maximumLength: 2)
    let logits: [Float] = [1, 2, 0.5, -1, 0, 3]
    let options = DecodingOptions(temperature: 2.5)
    let decoder = try ReadingDecoder(codec: codec, readsColumns: false, options: options)
    let reading = decoder.readings(logits: Tensor(logits, shape: [1, 6])) {
      $0.reshaped(to: [1, 2, 3]).softmax()
    }[0]
    func share(_ values: ArraySlice<Float>, _ best: Float) -> Double {
      exp(Double(best) / 2.5) / values.reduce(0) { $0 + exp(Double($1) / 2.5) }
    }
    #expect(reading.text == "b")
    #expect(abs(reading.confidence - share(logits[..<3], 2) * share(logits[3...], 3)) < 1e-6)
  }

  @Test func nothingIsReadWhereNothingFits() throws {
    let codec = try LabelCodec(charset: Charset("ab"), maximumLength: 4)
    let decoder = try ReadingDecoder(
      codec: codec, readsColumns: true, options: DecodingOptions(characters: "a", lengths: 3...4))
    var random = RandomStream(seed: 1)
    // Three equal characters need five columns.
    let reading = decoder.reading(randomRows(4, classes: 3, sharpness: 1, &random))
    #expect(reading.text.isEmpty && reading.confidence == 0 && reading.classes == [2, 2, 2, 2])
    #expect(decoder.reading(randomRows(5, classes: 3, sharpness: 1, &random)).text == "aaa")
  }

  @Test func impossibleNumbersAreNoCrash() throws {
    let codec = try LabelCodec(charset: Charset("ab"), maximumLength: 3)
    for readsColumns in [false, true] {
      for options in [DecodingOptions(), DecodingOptions(characters: "a", lengths: 1...2, beamWidth: 3)] {
        let decoder = try ReadingDecoder(codec: codec, readsColumns: readsColumns, options: options)
        for value in [Float.nan, 0, -.infinity, .infinity] {
          let reading = decoder.reading([[Float]](repeating: [value, value, value], count: 3))
          #expect(reading.classes.count == 3)
        }
      }
    }
    // NaN never wins against a number.
    let decoder = try ReadingDecoder(codec: codec, readsColumns: false, options: DecodingOptions(lengths: 2...2))
    #expect(decoder.reading([[.nan, 0.1, 0], [0.2, .nan, 0], [0, 0, 1]]).text == "ba")
  }

  @Test func imagesAreReadInOrder() throws {
    let codec = try LabelCodec(charset: Charset("abc"), maximumLength: 5)
    let decoder = try ReadingDecoder(codec: codec, readsColumns: true, options: DecodingOptions(beamWidth: 4))
    var random = RandomStream(seed: 5)
    let images = (0..<67).map { _ in randomRows(9, classes: 4, sharpness: 2, &random) }
    let readings = decoder.readings(Tensor(images.flatMap { $0.flatMap { $0 } }, shape: [67, 9, 4]))
    #expect(readings == images.map(decoder.reading))
    #expect(decoder.readings(Tensor([Float](), shape: [0, 9, 4])).isEmpty)
  }
}

@Suite struct DecodingOptionsTests {
  private let codec = LabelCodec(charset: .digits)

  @Test(arguments: [
    (DecodingOptions(characters: ""), "characters"), (DecodingOptions(characters: "12a"), "characters"),
    (DecodingOptions(lengths: 0...3), "lengths"), (DecodingOptions(lengths: 3...9), "lengths"),
    (DecodingOptions(beamWidth: 0), "beam_width"), (DecodingOptions(beamWidth: 1025), "beam_width"),
    (DecodingOptions(temperature: 0), "temperature"), (DecodingOptions(temperature: .nan), "temperature"),
    (DecodingOptions(minimumConfidence: 1.5), "minimum_confidence"),
  ])
  func wrongOptionsAreRefusedByKey(_ options: DecodingOptions, _ key: String) {
    do {
      _ = try ReadingDecoder(codec: codec, readsColumns: true, options: options)
      Issue.record("accepted")
    } catch {
      #expect(error.key == key && error.description.contains("decoding.\(key): "))
    }
  }

  @Test func optionsAreCoded() throws {
    let options = DecodingOptions(
      characters: "123", lengths: 4...8, grammar: .arithmetic, beamWidth: 10, temperature: 1.25, minimumConfidence: 0.9)
    let data = try JSONEncoder().encode(options)
    #expect(try JSONDecoder().decode(DecodingOptions.self, from: data) == options)
    // A file that says nothing decodes as without it.
    #expect(try JSONDecoder().decode(DecodingOptions.self, from: Foundation.Data("{}".utf8)) == DecodingOptions())
  }

  @Test func readingsOfLittleConfidenceAreRejected() {
    func rejects(_ minimum: Double?, _ confidence: Double) -> Bool {
      DecodingOptions(minimumConfidence: minimum).rejects(Reading(text: "1", classes: [1], confidence: confidence))
    }
    #expect(!rejects(nil, 0) && !rejects(0.9, 0.9) && rejects(0.9, 0.8999) && rejects(0, .nan))
  }
}
