import Foundation
import Tensor
import Testing

@testable import Data

/// Votes by hand, and means beside those that are found by going through every text.
@Suite struct VoteTests {
  private func reading(_ text: String, _ confidence: Double, question: String? = nil) -> Reading {
    Reading(text: text, question: question, classes: [], confidence: confidence)
  }

  private func vote(_ readings: Reading...) throws -> Reading {
    Reading.vote(readings, codec: try LabelCodec(charset: Charset("0123456789ab+=?"), maximumLength: 7))
  }

  @Test func mostVotesWin() throws {
    let result = try vote(reading("a", 0.99), reading("b", 0.25), reading("b", 0.5))
    // The mean of 0.25 and 0.5, times two thirds.
    #expect(result.text == "b" && abs(result.confidence - 0.375 * 2 / 3) < 1e-15)
    #expect(result.classes == [11, 15, 15, 15, 15, 15, 15])
    #expect(try vote(reading("7", 0.5), reading("7", 0.75)).confidence == 0.625)
    #expect(
      try vote(reading("7", 0.5)) == Reading(text: "7", classes: [7] + [Int](repeating: 15, count: 6), confidence: 0.5))
  }

  @Test func equalVotesAreDecidedByConfidenceAndThenByOrder() throws {
    let surer = try vote(
      reading("a", 0.5), reading("b", 0.25), reading("b", 0.125), reading("a", 0.125), reading("1", 0.9))
    #expect(surer.text == "a" && surer.confidence == 0.625 / 5)
    #expect(try vote(reading("a", 0.5), reading("b", 0.25), reading("b", 0.5), reading("a", 0.125)).text == "b")
    #expect(try vote(reading("b", 0.5), reading("a", 0.5)).text == "b")
    #expect(try vote(reading("b", .nan), reading("a", 0)).text == "b")
    #expect(try vote(reading("b", .nan), reading("a", 0.1)).text == "a")
  }

  /// A label is never empty, so that a model which reads nothing says nothing.
  @Test func nothingIsNoVote() throws {
    let result = try vote(reading("", 0), reading("", 0.9), reading("a", 0.75))
    #expect(result.text == "a" && result.confidence == 0.25)
    let nothing = try vote(reading("", 0.5), reading("", 0.25))
    #expect(nothing.text.isEmpty && nothing.confidence == 0.375 && nothing.classes == [Int](repeating: 15, count: 7))
  }

  @Test func questionsVoteForTheirAnswers() throws {
    let result = try vote(
      reading("22", 0.5, question: "19+3=?"), reading("23", 0.9), reading("22", 0.25, question: "20+2=?"))
    #expect(result.text == "22" && result.question == "19+3=?" && result.seenText == "19+3=?")
    #expect(result.classes == [1, 9, 12, 3, 13, 14, 15])
    let answers = try vote(reading("22", 0.5), reading("22", 0.25, question: "20+2=?"))
    #expect(answers.question == nil && answers.classes == [2, 2, 15, 15, 15, 15, 15])
  }
}

@Suite struct MeanDecodingTests {
  private func tensor(_ rows: [[Float]]) -> Tensor {
    Tensor(rows.flatMap { $0 }, shape: [1, rows.count, rows[0].count])
  }

  @Test func positionsAreAveraged() throws {
    let codec = try LabelCodec(charset: Charset("ab"), maximumLength: 2)
    let decoder = ReadingDecoder(codec: codec, readsColumns: false)
    // Each alone reads "aa" and "b"; the mean is [0.4, 0.6, 0], [0.375, 0.125, 0.5].
    let one = tensor([[0.75, 0.25, 0], [0.75, 0.25, 0]])
    let two = tensor([[0.05, 0.95, 0], [0, 0, 1]])
    #expect(decoder.readings(one)[0].text == "aa" && decoder.readings(two)[0].text == "b")
    let reading = decoder.readings(meanOf: [one, two])[0]
    #expect(reading.text == "b" && reading.classes == [1, 2])
    #expect(abs(reading.confidence - 0.6 * 0.5) < 1e-7)
    #expect(decoder.readings(meanOf: [one]) == decoder.readings(one))
  }

  /// Two models that are sure of "ab" and see the characters at other columns: the mean of the columns is "aabb" or less,
  /// the mean of the texts is "ab".
  @Test func peaksNeedNotLieAtTheSameColumns() throws {
    let codec = try LabelCodec(charset: Charset("ab"), maximumLength: 4)
    let decoder = ReadingDecoder(codec: codec, readsColumns: true)
    func columns(_ path: String) -> Tensor {
      tensor(path.map { character in Array("ab-").map { $0 == character ? 0.98 : 0.01 } })
    }
    let (one, two) = (columns("a---b---"), columns("--a---b-"))
    #expect(decoder.readings(one)[0].text == "ab" && decoder.readings(two)[0].text == "ab")
    let byColumns = decoder.readings(ReadingDecoder.mean([one, two]))[0]
    let byTexts = decoder.readings(meanOf: [one, two])[0]
    #expect(byTexts.text == "ab" && byTexts.confidence > 0.8)
    #expect(byColumns.confidence < 0.3)
  }

  /// With all texts of three characters and few columns among the proposals, the mean is exact.
  @Test(arguments: [nil, "ac"], [nil, 1...2])
  func columnsAreReadAsByBruteForce(_ characters: String?, _ lengths: ClosedRange<Int>?) throws {
    let codec = try LabelCodec(charset: Charset("abc"), maximumLength: 3)
    func fits(_ text: String) -> Bool {
      text.allSatisfy { characters?.contains($0) ?? true } && (lengths ?? 0...3).contains(text.count)
    }
    var random = RandomStream(seed: 12)
    var different = 0
    for width in [1, 256] {
      let decoder = try ReadingDecoder(
        codec: codec, readsColumns: true,
        options: DecodingOptions(characters: characters, lengths: lengths, beamWidth: width))
      for trial in 0..<100 {
        let models = (0..<3).map { randomRows(3 + ($0 + trial) % 3, classes: 4, sharpness: 2, &random) }
        let texts = models.map { BruteForceTexts($0, codec: codec, readsColumns: true).probabilities }
        func mean(_ text: String) -> Double { texts.reduce(0) { $0 + ($1[text] ?? 0) } / 3 }
        let all = Set(texts.flatMap(\.keys))
        let best = try #require(all.filter(fits).max { (mean($0), $1) < (mean($1), $0) })
        let reading = decoder.readings(meanOf: models.map(tensor))[0]
        #expect(reading.text == best, "trial \(trial)")
        // Where lengths are not given, those that are longer count too.
        let known =
          characters == nil && lengths == nil
          ? 1
          : all.filter { text in
            text.allSatisfy { characters?.contains($0) ?? true } && (lengths?.contains(text.count) ?? true)
          }.sorted().reduce(0) { $0 + mean($1) }
        #expect(abs(reading.confidence - mean(best) / known) < 1e-5, "trial \(trial)")
        let own = decoder.readings(tensor(models[0]))[0].text
        different += own == best ? 0 : 1
      }
    }
    #expect(different > 10)
  }

  @Test func questionsAreMended() throws {
    let codec = try LabelCodec(charset: Charset("12+=?"), maximumLength: 5)
    let decoder = try ReadingDecoder(
      codec: codec, readsColumns: true, options: DecodingOptions(grammar: .arithmetic))
    func columns(_ path: String, _ share: Float) -> Tensor {
      tensor(path.map { character in Array("12+=?-").map { $0 == character ? share : (1 - share) / 5 } })
    }
    let reading = decoder.readings(meanOf: [columns("1+2-=?", 0.9), columns("1-+-2=?", 0.6)])[0]
    #expect(reading.text == "3" && reading.question == "1+2=?")
    // Both see a second sign in place of the number, one of them less surely.
    let mended = decoder.readings(meanOf: [columns("1+++=?", 0.5), columns("1-++=?", 0.5)])[0]
    #expect(mended.question.map { MathQuestion($0) != nil } == true)
  }

  @Test func labelsHaveTheProbabilityOfAllTheirAlignments() throws {
    let codec = try LabelCodec(charset: Charset("abc"), maximumLength: 3)
    let decoder = ReadingDecoder(codec: codec, readsColumns: true)
    var random = RandomStream(seed: 2)
    let images = (0..<3).map { _ in randomRows(5, classes: 4, sharpness: 1, &random) }
    let labels = ["ab", "c", "bbb"]
    let found = decoder.logProbabilities(
      of: try EncodedLabels(labels, codec: codec).classes(at: 0..<3),
      Tensor(images.flatMap { $0.flatMap { $0 } }, shape: [3, 5, 4]))
    for (image, (label, value)) in zip(images, zip(labels, found)) {
      let texts = BruteForceTexts(image, codec: codec, readsColumns: true)
      #expect(abs(exp(value) - (texts.probabilities[label] ?? 0)) < 1e-7)
    }
  }
}
