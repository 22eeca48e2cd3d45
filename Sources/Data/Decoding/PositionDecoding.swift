import Foundation

/// Reads the probabilities of a model that has a row of classes per position of the text.
struct PositionDecoding {
  /// [positions, classes], padding last.
  let probabilities: UnsafeBufferPointer<Float>
  let positions: Int
  let classes: Int

  private var padding: Int { classes - 1 }

  private func probability(_ position: Int, _ index: Int) -> Double {
    DecodingScale.positive(probabilities[position * classes + index])
  }

  /// The most probable of the texts that fit, as its characters; nil where none fits.
  ///
  /// Best are the length and the characters together: the largest product of the probabilities of what stands at each
  /// position, padding after the end (Viterbi's algorithm over position and state). Of equal texts the longest wins.
  func mostProbableText(_ constraint: TextConstraint) -> [Int]? {
    let states = constraint.stateCount
    // The logarithm of the probability that all positions from one on are padding.
    var rest = [Double](repeating: 0, count: positions + 1)
    for position in stride(from: positions - 1, through: 0, by: -1) {
      rest[position] = rest[position + 1] + log(probability(position, padding))
    }
    var scores = [Double](repeating: -.infinity, count: states)
    scores[TextConstraint.initialState] = 0
    var steps: [[(state: Int, character: Int)]] = []
    var best: (score: Double, length: Int, state: Int)?
    for length in 0...positions {
      for state in 0..<states where constraint.need(state, length: length) == 0 && scores[state] > -.infinity {
        let score = scores[state] + rest[length]
        if best.map({ score >= $0.score }) ?? true { best = (score, length, state) }
      }
      guard length < positions else { break }
      var next = [Double](repeating: -.infinity, count: states)
      var step = [(state: Int, character: Int)](repeating: (0, 0), count: states)
      for character in constraint.characters {
        let value = log(probability(length, character))
        for state in 0..<states where scores[state] > -.infinity {
          let target = constraint.next(state, character)
          guard target >= 0, scores[state] + value > next[target] else { continue }
          next[target] = scores[state] + value
          step[target] = (state, character)
        }
      }
      scores = next
      steps.append(step)
    }
    guard var (_, length, state) = best else { return nil }
    var text: [Int] = []
    while length > 0 {
      length -= 1
      text.append(steps[length][state].character)
      state = steps[length][state].state
    }
    return text.reversed()
  }

  /// The product of the probabilities of a class per position.
  func probability(of chosen: [Int]) -> Double {
    chosen.enumerated().reduce(1) { $0 * Double(probabilities[$1.offset * classes + $1.element]) }
  }

  /// The sum of the probabilities of all texts of some characters and lengths.
  func probability(allowed: [Bool], lengths: ClosedRange<Int>) -> Double {
    var rest = [Double](repeating: 1, count: positions + 1)
    for position in stride(from: positions - 1, through: 0, by: -1) {
      rest[position] = rest[position + 1] * probability(position, padding)
    }
    var (texts, sum) = (1.0, 0.0)
    for length in 0...positions {
      if lengths.contains(length) { sum += texts * rest[length] }
      guard length < positions else { break }
      var choices = 0.0
      for character in allowed.indices where allowed[character] { choices += probability(length, character) }
      texts *= choices
    }
    return sum
  }
}

/// How probabilities enter sums and logarithms.
enum DecodingScale {
  /// A probability as one that can be multiplied and divided by: the smallest positive float for 0, less for NaN, which so
  /// never wins against a number.
  @inline(__always)
  static func positive(_ probability: Float) -> Double {
    if probability >= .leastNonzeroMagnitude { return Double(probability) }
    return Double(Float.leastNonzeroMagnitude) * (probability.isNaN ? 0.5 : 1)
  }
}
