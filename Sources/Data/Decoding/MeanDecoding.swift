import Foundation
import Tensor

/// Reading several models of the same head and codec by the mean of their probabilities.
extension ReadingDecoder {
  /// How many texts each model proposes.
  private static let proposalCount = 16

  /// Reads each image by the mean of several models' probabilities, each [N, positions or columns, classes].
  ///
  /// By positions the probabilities of each position are averaged and then read as those of one model.
  ///
  /// By columns that would be wrong: models trained with connectionist temporal classification show a character as a peak
  /// at one or two columns, and not at the same ones; the mean of two sure models could read it twice or not at all. What
  /// has a meaning is the mean of the probabilities of whole texts, each of which sums up all alignments. Every model proposes
  /// its most probable texts, all of them give each proposal its probability, and the largest mean wins. That is the
  /// best of all texts where each model's proposals go down to a probability that is less than this mean: a text that none
  /// proposed has no larger mean. The numbers of columns may differ.
  public func readings(meanOf probabilities: [Tensor]) -> [Reading] {
    precondition(!probabilities.isEmpty, "ReadingDecoder.readings: the mean of no models")
    guard readsColumns else { return readings(Self.mean(probabilities)) }
    let images = probabilities[0].shape[0]
    for shape in probabilities.map(\.shape) {
      precondition(
        shape.rank == 3 && shape[0] == images && shape[2] == codec.classCount,
        "ReadingDecoder.readings: \(shape) is not [\(images), columns, \(codec.classCount)]")
    }
    return Threads.map(count: images) { image in
      withImages(image, of: probabilities[...], []) { reading($0) }
    }
  }

  /// The mean of equal shapes.
  public static func mean(_ probabilities: [Tensor]) -> Tensor {
    let sum = probabilities.dropFirst().reduce(probabilities[0]) { $0 + $1 }
    return probabilities.count == 1 ? sum : sum * (1 / Float(probabilities.count))
  }

  /// The logarithm of the probability of each image's label, by columns.
  ///
  /// - Parameters:
  ///   - labels: class indices [N, positions], int32, padded at the end.
  ///   - probabilities: [N, columns, classes].
  public func logProbabilities(of labels: Tensor, _ probabilities: Tensor) -> [Double] {
    precondition(
      readsColumns && labels.shape.rank == 2 && labels.shape[0] == probabilities.shape[0],
      "ReadingDecoder.logProbabilities: labels \(labels.shape) for columns \(probabilities.shape)")
    let (positions, classes) = (labels.shape[1], labels.elements(of: Int32.self))
    return Threads.map(count: labels.shape[0]) { image in
      let label = classes[image * positions..<(image + 1) * positions].map(Int.init).filter(isCharacter)
      return withImages(image, of: [probabilities], []) { $0[0].logProbability(of: label) }
    }
  }

  /// Calls `body` with each model's probabilities of one image.
  private func withImages<Result>(
    _ image: Int, of rest: ArraySlice<Tensor>, _ found: [ColumnDecoding], _ body: ([ColumnDecoding]) -> Result
  ) -> Result {
    guard let tensor = rest.first else { return body(found) }
    let (columns, classes) = (tensor.shape[1], tensor.shape[2])
    return tensor.withElements(of: Float.self) { elements in
      let size = columns * classes
      let own = ColumnDecoding(
        probabilities: UnsafeBufferPointer(rebasing: elements[image * size..<(image + 1) * size]), columns: columns,
        classes: classes)
      return withImages(image, of: rest.dropFirst(), found + [own], body)
    }
  }

  private func reading(_ models: [ColumnDecoding]) -> Reading {
    var texts = models.flatMap { proposals(anyText, $0) }
    if options.beamWidth == 1 {
      // What each model reads by itself.
      texts += models.compactMap { text($0, $0.probabilities) }
    }
    let seen = mended(best(texts, models)) { best(models.flatMap { proposals(question, $0) }, models) }
    return reading(seen) { classes in
      let chosen = Self.logMean(models.map { $0.logProbability(of: classes.filter(isCharacter)) })
      return chosen > -.infinity ? exp(chosen - Self.logMean(models.map(logProbabilityOfMasks))) : 0
    }
  }

  /// The most probable texts of one model that fit.
  private func proposals(_ constraint: TextConstraint, _ decoding: ColumnDecoding) -> [[Int]] {
    for width in searchWidths {
      let texts = PrefixBeamSearch(constraint: constraint, width: width)
        .mostProbableTexts(decoding.probabilities, columns: decoding.columns, count: Self.proposalCount)
      if !texts.isEmpty { return texts }
    }
    return []
  }

  /// The text of the largest mean, the first of equals.
  private func best(_ proposals: [[Int]], _ models: [ColumnDecoding]) -> [Int]? {
    var seen: Set<[Int]> = []
    var best: (score: Double, text: [Int])?
    for text in proposals where seen.insert(text).inserted {
      let score = Self.logMean(models.map { $0.logProbability(of: text) })
      if best.map({ score > $0.score }) ?? true { best = (score, text) }
    }
    return best?.text
  }

  /// log(Σ eˣ / n).
  private static func logMean(_ logarithms: [Double]) -> Double {
    guard let largest = logarithms.max(), largest > -.infinity else { return -.infinity }
    return largest + log(logarithms.reduce(0) { $0 + exp($1 - largest) } / Double(logarithms.count))
  }
}
