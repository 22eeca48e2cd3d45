import Testing

@testable import CLI

/// Texts in Markdown, compared with what CommonMark 0.31 says of code spans (section 6.1) and of escapes (section 2.4).
@Suite struct MarkdownTextTests {
  @Test(arguments: [
    ("a", "`a`"), ("", "` `"), ("\n", "` `"), (" ", "` `"), ("a\r\nb", "`a b`"), ("`", "`` ` ``"), ("a`b", "`` a`b ``"),
    ("```", "```` ``` ````"), ("`a``b", "``` `a``b ```"), (" a", "` a`"), (" a ", "`  a  `"),
  ])
  func aFenceHoldsAnything(_ text: String, _ code: String) { #expect(text.markdownCode == code) }

  @Test(arguments: [
    ("fast-30-minutes (2)", "fast-30-minutes (2)"), ("a_b", #"a\_b"#), ("<b>&amp;", #"\<b\>\&amp;"#), ("a\r\nb", "a b"),
    ("[x](y)", #"\[x\](y)"#), (#"\*`"#, #"\\\*\`"#), ("\u{1B}[2J", #"\\u{1B}\[2J"#),
  ])
  func textIsShownAsItIs(_ text: String, _ markdown: String) { #expect(text.markdownText == markdown) }
}
