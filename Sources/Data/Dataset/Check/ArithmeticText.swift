/// A sum as captchas show it, such as `19+3=?`.
struct ArithmeticText {
  /// The result; nil where the text is no sum of two whole numbers, or a division that leaves a remainder.
  let answer: Int?

  /// - Parameter text: two whole numbers with `+`, `-`, `*` (or `×`, `x`) or `/` (or `÷`) between them, with or without `=`
  ///   and `?` at the end and spaces anywhere.
  init(_ text: String) {
    let characters = text.filter { !$0.isWhitespace }
    let question = characters.prefix { $0 != "=" && $0 != "?" }
    let end = characters[question.endIndex...]
    guard end.allSatisfy({ $0 == "=" || $0 == "?" }),
      let position = question.dropFirst().firstIndex(where: { !$0.isNumber }),
      let left = Int(question[..<position]), let right = Int(question[question.index(after: position)...])
    else {
      answer = nil
      return
    }
    let result: (partialValue: Int, overflow: Bool)
    switch question[position] {
    case "+": result = left.addingReportingOverflow(right)
    case "-", "−", "–": result = left.subtractingReportingOverflow(right)
    case "*", "×", "x", "X", "·": result = left.multipliedReportingOverflow(by: right)
    case "/", "÷", ":":
      // The smallest number divided by -1 overflows, in the remainder too.
      let (remainder, overflow) = left.remainderReportingOverflow(dividingBy: right)
      result = overflow || remainder != 0 ? (0, true) : left.dividedReportingOverflow(by: right)
    default: result = (0, true)
    }
    answer = result.overflow ? nil : result.partialValue
  }
}
