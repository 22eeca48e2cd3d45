import Foundation
import Testing

@testable import Data

@Suite struct CharsetTests {
  @Test func theDefaultIsTheOriginalSystems() {
    // The charset string of the golden trajectories, whose last character, a space, is the padding.
    let golden = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ "
    #expect(Charset.alphanumeric.text + " " == golden)
    #expect(LabelCodec().paddingIndex == 62 && LabelCodec().classCount == 63 && LabelCodec().outputCount == 504)
    #expect(Charset.digits.text == "0123456789")
  }

  @Test func refusesBadCharsets() {
    #expect(throws: LabelError.emptyCharset) { try Charset("") }
    #expect(throws: LabelError.duplicateCharacter("b")) { try Charset("abcb") }
    #expect(throws: LabelError.invisibleCharacter(" ")) { try Charset("ab c") }
    #expect(throws: LabelError.invisibleCharacter("\u{7}")) { try Charset("a\u{7}") }
    // Of no width, turning the direction, a mark of the byte order, a hyphen that only shows at a line's end, none at all.
    for character: Character in ["\u{200B}", "\u{202E}", "\u{FEFF}", "\u{AD}", "\u{FFFF}"] {
      #expect(throws: LabelError.invisibleCharacter(character)) { try Charset("ab\(character)c") }
    }
    #expect(
      LabelError.invisibleCharacter("\u{200B}").description
        == "the charset holds a space, control, format or undefined character (U+200B); remove it")
    // One letter in two spellings, which Swift holds for equal.
    #expect(throws: LabelError.duplicateCharacter("é")) { try Charset("e\u{301}\u{E9}") }
  }

  @Test func takesAnyScript() throws {
    let charset = try Charset("中文é+")
    #expect(charset.count == 4)
    #expect(charset.index(of: "文") == 1 && charset.index(of: "x") == nil)
  }

  @Test func isCodedAsAString() throws {
    let charset = try Charset("ba+")
    let data = try JSONEncoder().encode([charset])
    #expect(String(decoding: data, as: UTF8.self) == "[\"ba+\"]")
    #expect(try JSONDecoder().decode([Charset].self, from: data) == [charset])
    #expect(throws: LabelError.duplicateCharacter("a")) {
      try JSONDecoder().decode(Charset.self, from: Foundation.Data("\"aa\"".utf8))
    }
  }
}

@Suite struct LabelCodecTests {
  /// Classes `abc` and padding, three positions.
  private func small() throws -> LabelCodec { try LabelCodec(charset: Charset("abc"), maximumLength: 3) }

  @Test func encodes() throws {
    #expect(try LabelCodec().encode("0aZ9") == [0, 10, 61, 9, 62, 62, 62, 62])
    #expect(try LabelCodec().encode("12345678") == [1, 2, 3, 4, 5, 6, 7, 8])
  }

  @Test func decodesWhatItEncodes() throws {
    for label in ["0", "abc", "Zz09Aa5b"] {
      #expect(LabelCodec().decode(try LabelCodec().encode(label)) == label)
    }
  }

  @Test func refusesBadLabels() {
    let codec = LabelCodec()
    #expect(throws: LabelError.emptyLabel) { try codec.encode("") }
    #expect(throws: LabelError.tooLong(label: "123456789", length: 9, maximum: 8)) { try codec.encode("123456789") }
    #expect(throws: LabelError.outsideCharset(label: "ab-c", character: "-", position: 3)) { try codec.encode("ab-c") }
    #expect(throws: LabelError.outsideCharset(label: "a b", character: " ", position: 2)) { try codec.encode("a b") }
    #expect(throws: LabelError.invalidMaximumLength(0)) { try LabelCodec(maximumLength: 0) }
    #expect(
      LabelError.outsideCharset(label: "ab-c", character: "-", position: 3).description
        == "label \"ab-c\": character \"-\" at position 3 is not in the charset; "
        + "correct the label or add the character to the charset")
  }

  @Test func readsScores() throws {
    let codec = try small()
    // a, c, padding
    let plain = codec.decode(scores: [0.9, 0, 0, 0.1, 0, 0.1, 0.6, 0.5, 0, 0, 0, 1])
    #expect(plain.text == "ac" && plain.classes == [0, 2, 3])
    // three characters
    #expect(codec.decode(scores: [0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0]).text == "bba")
    // nothing but padding
    let empty = codec.decode(scores: [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1])
    #expect(empty.text == "" && empty.classes == [3, 3, 3])
  }

  @Test func paddingIsLegalOnlyAtTheEnd() throws {
    let codec = try small()
    // a, padding, c: the padding in the middle takes its next best, b.
    let middle = codec.decode(scores: [1, 0, 0, 0, 0.1, 0.3, 0.2, 0.9, 0, 0, 1, 0])
    #expect(middle.text == "abc" && middle.classes == [0, 1, 2])
    // padding, b, padding: the first takes c; the last stays.
    let first = codec.decode(scores: [0, 0.1, 0.2, 1, 0, 1, 0, 0, 0, 0, 0, 1])
    #expect(first.text == "cb" && first.classes == [2, 1, 3])
  }

  @Test func equalScoresTakeTheFirstClass() throws {
    let codec = try small()
    // As numpy's argmax: the first of equals, so padding, the last, only wins when it is larger.
    #expect(codec.decode(scores: [Float](repeating: 0.5, count: 12)).classes == [0, 0, 0])
    #expect(codec.decode(scores: [Float](repeating: -.infinity, count: 12)).classes == [0, 0, 0])
  }

  @Test func notANumberNeverWins() throws {
    let codec = try small()
    let nan = Float.nan
    #expect(codec.decode(scores: [nan, -1, -2, nan, -5, nan, -4, -6, nan, nan, nan, -9]).classes == [1, 2, 3])
    #expect(codec.decode(scores: [Float](repeating: nan, count: 12)).classes == [0, 0, 0])
  }

  @Test func isCodable() throws {
    let codec = try small()
    let data = try JSONEncoder().encode(codec)
    #expect(try JSONDecoder().decode(LabelCodec.self, from: data) == codec)
    #expect(throws: LabelError.invalidMaximumLength(0)) {
      try JSONDecoder().decode(
        LabelCodec.self, from: Foundation.Data("{\"charset\":\"ab\",\"maximumLength\":0}".utf8))
    }
  }
}
