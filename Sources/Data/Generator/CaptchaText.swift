import Tensor

/// A sum of the type ``CaptchaType/math``, drawn as `19+3=?`.
struct MathQuestion: Hashable {
  enum Operation: String, CaseIterable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
  }

  let operation: Operation
  let left: Int
  let right: Int

  /// Every character that a question is made of.
  static let characters: [Character] = Array("0123456789+-*=?")

  /// Draws a question: operands 1 to 20, to 10 for products; the larger one first in differences, so that no result is
  /// negative.
  init(using random: inout RandomStream) {
    operation = Operation.allCases[random.uniform(0...2)]
    let operands = operation == .multiply ? 1...10 : 1...20
    let first = random.uniform(operands)
    let second = random.uniform(operands)
    left = operation == .subtract ? max(first, second) : first
    right = operation == .subtract ? min(first, second) : second
  }

  var text: String { "\(left)\(operation.rawValue)\(right)=?" }

  var answer: Int {
    switch operation {
    case .add: left + right
    case .subtract: left - right
    case .multiply: left * right
    }
  }
}

extension RandomStream {
  /// A uniform integer in `range` from one 32-bit word.
  ///
  /// Without the rejection step of `integer(in:)`: for ranges below 2^22 values the probabilities differ by less than
  /// 0.1 %, which no picture shows, and every draw takes the same number of words.
  @inline(__always)
  mutating func uniform(_ range: ClosedRange<Int>) -> Int {
    let count = UInt64(range.upperBound - range.lowerBound + 1)
    return range.lowerBound + Int((UInt64(nextWord()) * count) >> 32)
  }
}
