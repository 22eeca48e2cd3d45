/// What texts may look like, beside their characters and lengths.
public enum DecodingGrammar: String, Codable, Sendable, CaseIterable {
  /// Any text.
  case none
  /// A text with any of `+-*=?` is a question such as `19+3=?`, and its reading is the answer.
  ///
  /// A single `-` at the beginning is the sign of a number, which is no question.
  case arithmetic

  /// The text that stands for `text` and all that mean the same: the answer of a question, and other texts as they are.
  ///
  /// Labels that are questions and labels that are answers can so be compared.
  public func canonicalText(of text: String) -> String {
    guard self == .arithmetic, let question = MathQuestion(text) else { return text }
    return "\(question.answer)"
  }

  /// Whether a text was meant as a question, whatever is wrong with it.
  func looksLikeQuestion(_ text: String) -> Bool {
    guard self == .arithmetic else { return false }
    let isNumber = text.count > 1 && text.first == "-" && text.dropFirst().allSatisfy(MathQuestion.isDigit)
    return !isNumber && text.contains { "+-*=?".contains($0) }
  }
}
