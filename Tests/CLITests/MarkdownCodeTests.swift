import Testing

@testable import CLI

/// Texts as Markdown's code, compared with what CommonMark 0.31 says of code spans (section 6.1).
@Suite struct MarkdownCodeTests {
  @Test(arguments: [
    ("a", "`a`"), ("", "` `"), ("\n", "` `"), (" ", "` `"), ("a\r\nb", "`a b`"), ("`", "`` ` ``"), ("a`b", "`` a`b ``"),
    ("```", "```` ``` ````"), ("`a``b", "``` `a``b ```"), (" a", "` a`"), (" a ", "`  a  `"),
  ])
  func aFenceHoldsAnything(_ text: String, _ code: String) { #expect(text.markdownCode == code) }
}
