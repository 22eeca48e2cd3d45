/// A piece of the page: text, or an element with attributes and content.
///
/// Texts and the values of attributes are escaped when the page is written, in `MarkupWriter` and nowhere else, so that no
/// label, file name or configuration can become markup.
indirect enum Markup: Sendable {
  case text(String)
  case element(name: String, attributes: [(name: String, value: String)], content: [Markup])
  /// The content of `<style>` or `<script>`, which browsers take as it is; it must not hold `</` or `<!--`.
  case verbatim(String)
}

/// Makes an element of HTML or SVG.
///
/// - Parameter attributes: those that are nil are left out.
func element(
  _ name: String, _ attributes: KeyValuePairs<String, String?> = [:], @MarkupBuilder content: () -> [Markup] = { [] }
) -> Markup {
  .element(
    name: name, attributes: attributes.compactMap { name, value in value.map { (name, $0) } }, content: content())
}

/// Lets elements, texts, conditions and loops stand below each other as an element's content.
@resultBuilder enum MarkupBuilder {
  static func buildExpression(_ element: Markup) -> [Markup] { [element] }
  static func buildExpression(_ elements: [Markup]) -> [Markup] { elements }
  static func buildExpression(_ element: Markup?) -> [Markup] { element.map { [$0] } ?? [] }
  static func buildExpression(_ text: String) -> [Markup] { [.text(text)] }
  static func buildBlock(_ parts: [Markup]...) -> [Markup] { Array(parts.joined()) }
  static func buildOptional(_ part: [Markup]?) -> [Markup] { part ?? [] }
  static func buildEither(first: [Markup]) -> [Markup] { first }
  static func buildEither(second: [Markup]) -> [Markup] { second }
  static func buildArray(_ parts: [[Markup]]) -> [Markup] { Array(parts.joined()) }
}
