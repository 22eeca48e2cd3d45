import Data

/// A label and what was read, in the form in which they can be compared.
///
/// Where both are questions they are compared character by character as questions; otherwise a question stands for its
/// answer, so that it doesn't matter which of them the data set is labelled with.
struct ComparedReading {
  let label: String
  let text: String
  let confidence: Double
  let isRight: Bool
  /// Whether a question was read and the label is an answer.
  let answersQuestion: Bool

  init(label: String, _ reading: Reading, grammar: DecodingGrammar) {
    let answer = grammar.canonicalText(of: label)
    isRight = answer == reading.text
    answersQuestion = answer == label && reading.question != nil
    if answer != label, let question = reading.question {
      (self.label, text) = (label, question)
    } else {
      (self.label, text) = (answer, reading.text)
    }
    confidence = reading.confidence
  }
}
