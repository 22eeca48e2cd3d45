import Foundation
import Tensor
import Testing

@testable import Data

@Suite struct DecodingGrammarTests {
  @Test(arguments: [
    ("19+3=?", "22"), ("20-7=?", "13"), ("7*8=?", "56"), ("3-20=?", "-17"), ("0*0=?", "0"), ("007+1=?", "8"),
    ("1234567+7654321=?", "8888888"), ("9223372036854775806+1=?", "9223372036854775807"),
    // No questions, or none whose answer is a number of the machine.
    ("9223372036854775807+1=?", nil), ("9223372036854775807*2=?", nil), ("99999999999999999999+1=?", nil),
    ("19+3", nil), ("19+3=", nil), ("19+3?", nil), ("+3=?", nil), ("19+=?", nil), ("1+2+3=?", nil), ("-1+2=?", nil),
    ("1+-2=?", nil), ("1/2=?", nil), ("abc", nil), ("", nil), ("=?", nil), ("12=?", nil), ("1 +2=?", nil),
    ("¹+2=?", nil),
  ])
  func questionsHaveTheirAnswers(_ text: String, _ answer: String?) {
    #expect(MathQuestion(text).map { "\($0.answer)" } == answer)
    #expect(DecodingGrammar.arithmetic.canonicalText(of: text) == answer ?? text)
    #expect(DecodingGrammar.none.canonicalText(of: text) == text)
  }

  @Test func drawnQuestionsAreUnderstood() {
    var random = RandomStream(seed: 2)
    for _ in 0..<500 {
      let question = MathQuestion(using: &random)
      #expect(MathQuestion(question.text) == question)
    }
  }

  @Test func whatLooksLikeAQuestion() {
    for text in ["1+2", "?", "a=b", "12-", "1-2", "*", "-", "-1=?", "-a"] {
      #expect(DecodingGrammar.arithmetic.looksLikeQuestion(text), "\(text)")
      #expect(!DecodingGrammar.none.looksLikeQuestion(text), "\(text)")
    }
    for text in ["", "12", "abc", "-12"] { #expect(!DecodingGrammar.arithmetic.looksLikeQuestion(text), "\(text)") }
  }

  /// A question of the tests' own, by regular expression.
  private func isQuestion(_ text: String) -> Bool { text.wholeMatch(of: /[0-9]+[-+*][0-9]+=\?/) != nil }
  private func looksLikeOne(_ text: String) -> Bool {
    text.contains { "+-*=?".contains($0) } && text.wholeMatch(of: /-[0-9]+/) == nil
  }

  @Test(arguments: [false, true])
  func brokenQuestionsAreMended(readsColumns: Bool) throws {
    let codec = try LabelCodec(charset: Charset("13-=?"), maximumLength: 6)
    // Lengths, so that the best text by positions is the best of all together.
    let options = DecodingOptions(lengths: 1...6, grammar: .arithmetic, beamWidth: 1024)
    let decoder = try ReadingDecoder(codec: codec, readsColumns: readsColumns, options: options)
    var random = RandomStream(seed: 6)
    var (mended, plain) = (0, 0)
    for trial in 0..<24 {
      var rows = randomRows(6, classes: 6, sharpness: 1, &random)
      // Otherwise nearly every reading would look like a question.
      if trial % 3 == 0 {
        rows = rows.map { [$0[0] + 0.3, $0[1] + 0.3, $0[2] * 0.1, $0[3] * 0.1, $0[4] * 0.1, $0[5]] }
      }
      let texts = BruteForceTexts(rows, codec: codec, readsColumns: readsColumns)
      var best = try #require(texts.best { (1...6).contains($0.count) })
      if looksLikeOne(best.text) && !isQuestion(best.text) {
        best = try #require(texts.best(where: isQuestion))
        mended += 1
      } else {
        plain += 1
      }
      let reading = decoder.reading(rows)
      #expect(reading.seenText == best.text, "trial \(trial)")
      if isQuestion(best.text) {
        let numbers = best.text.dropLast(2).split(separator: "-").compactMap { Int($0) }
        #expect(reading.text == "\(numbers[0] - numbers[1])" && reading.question == best.text)
      } else {
        #expect(reading.question == nil)
      }
      let known = texts.sum { (1...6).contains($0.count) }
      #expect(abs(reading.confidence - best.probability / known) < 1e-6, "trial \(trial)")
    }
    #expect(mended > 5 && plain > 2)
  }

  /// A best path with a gap in the question is searched again, although no beam was asked for.
  @Test func questionsAreMendedWithoutABeam() throws {
    let codec = try LabelCodec(charset: Charset("0123456789+-*=?"), maximumLength: 8)
    let decoder = try ReadingDecoder(
      codec: codec, readsColumns: true, options: DecodingOptions(grammar: .arithmetic))
    func rows(_ path: String, doubtful: [Int: Character]) -> [[Float]] {
      let characters = codec.charset.characters
      return path.enumerated().map { index, character in
        var row = [Float](repeating: 0.001, count: 16)
        row[characters.firstIndex(of: character) ?? 15] = 0.8
        if let other = doubtful[index], let place = characters.firstIndex(of: other) { row[place] = 0.18 }
        return row
      }
    }
    let right = decoder.reading(rows("19_+33_=_?", doubtful: [:]))
    #expect(right.text == "22" && right.question == "19+3=?")
    #expect(codec.decode(right.classes) == "19+3=?")
    // The operator is taken for a digit, the sign of equality is missing.
    let wrong = decoder.reading(rows("19_733___?", doubtful: [3: "*", 7: "="]))
    #expect(wrong.text == "57" && wrong.question == "19*3=?")
    #expect(wrong.confidence < right.confidence)
    // A charset without what questions need leaves the reading as it is.
    let poor = try LabelCodec(charset: Charset("12+"), maximumLength: 4)
    let other = try ReadingDecoder(
      codec: poor, readsColumns: true, options: DecodingOptions(grammar: .arithmetic))
    #expect(other.reading([[0.9, 0, 0, 0.1], [0, 0, 0.9, 0.1]]).text == "1+")
  }
}
