import Tensor

/// Lists of labels, right and wrong ones.
enum ListMutations {
  /// What a list of each kind looks like, with what readers tend to stumble over.
  static let valid: [(name: String, text: String)] = [
    (
      "manifest.jsonl",
      """
      {"file": "a.png", "label": "x7Kp", "type": "mixed", "text": "x7Kp", "style": "classic"}
      {"file": "b/é\\u00e9.png", "label": "3", "text": "1+2=?", "more": [1, {"a": null}], "n": -1.5e3}
      {"file": "c.png", "label": "\\ud83d\\ude00", "file": "d.png"}
      """
    ),
    (
      "labels.csv",
      "file,label,type,text,style\r\n\"a,\"\"1\"\".png\",x7,digit,,\r\nb.png,\"é\n\",math,1+2=?,s\n\nc.png,d\n"
    ),
    ("labels.tsv", "\u{FEFF}label\tfile\nx7\ta.png\n\"b \"\"2\"\"\"\tb.png\nü\tc.png\t\n"),
    ("labels.txt", "a.png\tx7\r\nb.png\té\n\n./c.png\td d\n"),
  ]

  /// Pieces that are put into lists.
  private static let pieces: [[UInt8]] =
    [
      [0], [0xFF, 0xFE], [0xC3], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xEF, 0xBB, 0xBF],
    ]
    + [
      "\"", "\"\"", ",", "\t", "\n", "\r", "\r\n", "\\", "{", "}", "[", "]", ":", "null", "true", "1e999", "../", "/",
      "\\u0000",
      "\\ud800", "\u{301}", "\u{2028}", "\u{85}", "\u{200D}", "file", "label", "{\"file\":", "\"label\": 12",
      String(repeating: "[", count: 3000), String(repeating: "{\"a\":", count: 1500),
      String(repeating: "9", count: 2000), String(repeating: "\u{301}", count: 2000),
      String(repeating: "x", count: 70_000),
    ].map { Array($0.utf8) }

  static func mutated(_ list: [UInt8], _ stream: inout RandomStream) -> [UInt8] {
    // Now and then nothing of a list at all.
    if stream.integer(in: 0...19) == 0 {
      return (0..<stream.integer(in: 0...400)).map { _ in UInt8(stream.integer(in: 0...255)) }
    }
    var list = list
    for _ in 0..<stream.integer(in: 0...3) {
      let piece = pieces[stream.integer(in: 0..<pieces.count)]
      list.insert(contentsOf: piece, at: stream.integer(in: 0...list.count))
    }
    return stream.integer(in: 0...1) == 0 ? list : ByteMutations.mutated(list, other: list, &stream)
  }
}
