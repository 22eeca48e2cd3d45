import Foundation

/// Reads the probabilities of a model that has a row of classes per column of the image.
///
/// An alignment gives each column a class; its text is what stays when equal neighbours become one and blanks are taken
/// out. The probability of a text is the sum over all its alignments, each the product of its columns.
///
/// Source: Graves et al. 2006, "Connectionist temporal classification".
struct ColumnDecoding {
  /// [columns, classes], the blank last.
  let probabilities: UnsafeBufferPointer<Float>
  let columns: Int
  let classes: Int

  private var blank: Int { classes - 1 }

  @inline(__always)
  private func probability(_ column: Int, _ index: Int) -> Double {
    DecodingScale.positive(probabilities[column * classes + index])
  }

  /// The text of the alignment that takes the best allowed class of each column, the first of equals.
  func bestPath(_ allowed: [Bool]) -> [Int] {
    var text: [Int] = []
    var last = blank
    for column in 0..<columns {
      let row = UnsafeBufferPointer(rebasing: probabilities[column * classes..<(column + 1) * classes])
      var best = -Float.infinity
      var chosen = blank
      for index in 0..<blank where row[index] > best && allowed[index] {
        best = row[index]
        chosen = index
      }
      if row[blank] > best { chosen = blank }
      if chosen != last && chosen != blank { text.append(chosen) }
      last = chosen
    }
    return text
  }

  /// The logarithm of a text's probability (the forward algorithm).
  func logProbability(of text: [Int]) -> Double {
    let length = text.count
    // By how many characters are done: the sums of alignments that end with a blank, and with the last character.
    var blanks = [Double](repeating: 0, count: length + 1)
    var characters = [Double](repeating: 0, count: length + 1)
    blanks[0] = 1
    var scale = ScaledSum()
    for column in 0..<columns {
      let blankProbability = probability(column, blank)
      var sum = 0.0
      for done in stride(from: length, to: 0, by: -1) {
        let character = text[done - 1]
        var before = characters[done] + blanks[done - 1]
        // Equal characters need a blank between them.
        if done > 1 && text[done - 2] != character { before += characters[done - 1] }
        blanks[done] = (blanks[done] + characters[done]) * blankProbability
        characters[done] = before * probability(column, character)
        sum += blanks[done] + characters[done]
      }
      blanks[0] *= blankProbability
      scale.rescale(sum + blanks[0]) { factor in
        for done in 0...length {
          blanks[done] *= factor
          characters[done] *= factor
        }
      }
    }
    return scale.logarithm(of: blanks[length] + characters[length])
  }

  /// The logarithm of the sum of the probabilities of all texts of some characters.
  func logProbability(allowed: [Bool]) -> Double {
    (0..<columns).reduce(0) { result, column in
      var sum = probability(column, blank)
      for index in 0..<blank where allowed[index] { sum += probability(column, index) }
      return result + log(sum)
    }
  }

  /// The logarithm of the sum of the probabilities of all texts of some characters and lengths.
  func logProbability(allowed: [Bool], lengths: ClosedRange<Int>) -> Double {
    let longest = lengths.upperBound
    let indices = allowed.indices.filter { allowed[$0] }
    let count = indices.count
    // By length: the sums of alignments that end with a blank, with each character, and with any character.
    var blanks = [Double](repeating: 0, count: longest + 1)
    var characters = [Double](repeating: 0, count: (longest + 1) * count)
    var totals = [Double](repeating: 0, count: longest + 1)
    blanks[0] = 1
    var scale = ScaledSum()
    for column in 0..<columns {
      let blankProbability = probability(column, blank)
      let row = indices.map { probability(column, $0) }
      var sum = 0.0
      for length in stride(from: longest, to: 0, by: -1) {
        let before = blanks[length - 1] + totals[length - 1]
        var total = 0.0
        for (offset, value) in row.enumerated() {
          let place = length * count + offset
          // A character can't follow itself, but it may go on. The difference of two sums may round to below 0.
          characters[place] = (characters[place] + max(0, before - characters[place - count])) * value
          total += characters[place]
        }
        blanks[length] = (blanks[length] + totals[length]) * blankProbability
        totals[length] = total
        sum += blanks[length] + total
      }
      blanks[0] *= blankProbability
      scale.rescale(sum + blanks[0]) { factor in
        for index in blanks.indices {
          blanks[index] *= factor
          totals[index] *= factor
        }
        for index in characters.indices { characters[index] *= factor }
      }
    }
    return scale.logarithm(of: lengths.reduce(0) { $0 + blanks[$1] + totals[$1] })
  }
}

/// The factor that was taken out of sums which become smaller from column to column, so that they stay numbers.
private struct ScaledSum {
  private var logScale = 0.0

  /// Calls `multiply` with a factor for all sums where they have become small.
  @inline(__always)
  mutating func rescale(_ sum: Double, _ multiply: (_ factor: Double) -> Void) {
    guard sum < 1e-100, sum > 0 else { return }
    logScale += log(sum)
    multiply(1 / sum)
  }

  func logarithm(of sum: Double) -> Double { log(sum) + logScale }
}
