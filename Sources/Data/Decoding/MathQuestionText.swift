extension MathQuestion {
  /// Understands a question as it is drawn, such as `19+3=?`: two whole numbers of any size, which may begin with zeros.
  ///
  /// Nil where the text is no question, or where a number or the answer is too large for `Int`.
  init?(_ text: String) {
    guard text.hasSuffix("=?") else { return nil }
    let sum = text.dropLast(2)
    guard let place = sum.firstIndex(where: { !Self.isDigit($0) }),
      let operation = Operation(rawValue: String(sum[place]))
    else { return nil }
    let (first, second) = (sum[..<place], sum[sum.index(after: place)...])
    // `Int` would also take a sign.
    guard second.allSatisfy(Self.isDigit), let left = Int(first), let right = Int(second) else { return nil }
    let hasOverflow =
      switch operation {
      case .add: left.addingReportingOverflow(right).overflow
      case .subtract: left.subtractingReportingOverflow(right).overflow
      case .multiply: left.multipliedReportingOverflow(by: right).overflow
      }
    if hasOverflow { return nil }
    self.operation = operation
    self.left = left
    self.right = right
  }

  static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }
}
