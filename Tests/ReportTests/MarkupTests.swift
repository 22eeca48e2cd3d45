import Testing

@testable import Report

@Suite struct MarkupTests {
  private func text(_ markup: Markup) -> String {
    var writer = MarkupWriter()
    writer.write(markup)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  @Test func textsAndAttributesAreEscaped() {
    let hostile = "</title><script>alert('a' & \"b\")</script>\u{0}\u{1B}"
    let escaped =
      "&lt;/title&gt;&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)&lt;/script&gt;\u{FFFD}\u{FFFD}"
    #expect(
      text(element("p", ["title": hostile]) { hostile }) == "<p title=\"\(escaped)\">\(escaped)</p>")
  }

  @Test func lettersOfAllScriptsStayAsTheyAre() {
    let texts = ["שלום", "\u{202E}abc", "👩‍👩‍👧", "验证码", "a\n\tb"]
    for sample in texts { #expect(text(.text(sample)) == sample) }
  }

  @Test func elementsNestAndNilLeavesAnAttributeOut() {
    let list = element("ul", ["id": "a", "class": nil]) {
      for number in 1...2 { element("li") { "\(number)" } }
      if isShown(false) { "never" }
      element("img", ["alt": ""])
    }
    #expect(text(list) == "<ul id=\"a\"><li>1</li><li>2</li><img alt=\"\"></ul>")
  }

  private func isShown(_ value: Bool) -> Bool { value }

  @Test func numbers() {
    #expect(NumberText.plain(0.12345) == "0.1235")
    #expect(NumberText.plain(0.00012345) == "1.23e-04")
    #expect(NumberText.plain(.nan) == "NaN" && NumberText.plain(-.infinity) == "−∞")
    #expect(NumberText.percent(0.97254) == "97.25\u{A0}%")
    #expect(NumberText.count(1_234_567) == "1,234,567" && NumberText.count(-1000) == "−1,000")
    #expect(NumberText.count(1, "image") == "1 image" && NumberText.count(2, "image") == "2 images")
    #expect(NumberText.duration(12.34) == "12.3\u{A0}s")
    #expect(NumberText.duration(59.97) == "1\u{A0}min\u{A0}00\u{A0}s")
    #expect(NumberText.duration(7620) == "2\u{A0}h\u{A0}07\u{A0}min")
    #expect(NumberText.rate(0.00003) == "3e-05" && NumberText.rate(0.001) == "0.001")
    #expect(NumberText.coordinate(12.34) == "12.3" && NumberText.coordinate(-0.51) == "-0.5")
    #expect(NumberText.coordinate(-0.01) == "0" && NumberText.coordinate(7) == "7")
    #expect(NumberText.place(0.375) == "37.500%" && NumberText.place(1) == "100.000%")
    #expect(NumberText.place(0.00001) == "0.001%" && NumberText.place(-0.025) == "-2.500%")
    #expect(NumberText.tick(0.25, step: 0.05) == "0.25" && NumberText.tick(20, step: 20) == "20")
    #expect(NumberText.logarithmicTick(1e-5) == "1e-5" && NumberText.logarithmicTick(0.05) == "0.05")
  }

  @Test func epochsInWords() {
    #expect(EpochText.list([2]) == "epoch 3")
    #expect(EpochText.list([0, 1, 2, 4, 6, 7]) == "epochs 1–3, 5, 7–8")
    #expect(EpochText.list(stride(from: 0, to: 20, by: 2).map(\.self)) == "epochs 1, 3, 5, 7, 9, 11 and more")
  }
}
