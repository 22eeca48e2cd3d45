import Data
import Foundation
import Tensor

/// Every text that a model's outputs can be read as, with its probability, found by going through all choices.
struct BruteForceTexts {
  /// By text, those of no probability too.
  private(set) var probabilities: [String: Double] = [:]

  /// - Parameter rows: the probabilities, [positions or columns][classes], padding or blank last.
  init(_ rows: [[Float]], codec: LabelCodec, readsColumns: Bool) {
    var path = [Int](repeating: 0, count: rows.count)
    let classes = codec.classCount
    let characters = codec.charset.characters
    let count = rows.reduce(1) { result, _ in result * classes }
    for number in 0..<count {
      var rest = number
      for row in rows.indices {
        path[row] = rest % classes
        rest /= classes
      }
      let probability = zip(rows, path).reduce(1.0) { $0 * Double($1.0[$1.1]) }
      var text = ""
      if !readsColumns {
        // Padding may stand at the end only.
        let end = path.firstIndex(of: classes - 1) ?? path.count
        if path[end...].contains(where: { $0 != classes - 1 }) { continue }
        text = String(path[..<end].map { characters[$0] })
      } else {
        for row in path.indices where path[row] != classes - 1 && (row == 0 || path[row - 1] != path[row]) {
          text.append(characters[path[row]])
        }
      }
      probabilities[text, default: 0] += probability
    }
  }

  /// The most probable text that `fits`.
  func best(where fits: (String) -> Bool) -> (text: String, probability: Double)? {
    let found = probabilities.filter { fits($0.key) }.max { ($0.value, $1.key) < ($1.value, $0.key) }
    return found.map { ($0.key, $0.value) }
  }

  /// The sum over all texts that `fit`.
  func sum(where fits: (String) -> Bool) -> Double {
    probabilities.filter { fits($0.key) }.keys.sorted().reduce(0) { $0 + (probabilities[$1] ?? 0) }
  }
}

/// Random probabilities of one image, [rows][classes].
func randomRows(_ rows: Int, classes: Int, sharpness: Double, _ random: inout RandomStream) -> [[Float]] {
  (0..<rows).map { _ in
    let weights = (0..<classes).map { _ in exp(sharpness * random.normal()) }
    let sum = weights.reduce(0, +)
    return weights.map { Float($0 / sum) }
  }
}

extension ReadingDecoder {
  /// Reads one image.
  func reading(_ rows: [[Float]]) -> Reading {
    readings(Tensor(rows.flatMap { $0 }, shape: [1, rows.count, codec.classCount]))[0]
  }
}
