import Tensor

/// What was read in one image.
public struct Reading: Sendable, Hashable {
  public let text: String
  /// The class of each position, padding after the text's end.
  public let classes: [Int]
  /// The product of the probabilities of what was read at each position, padding included, 0...1.
  public let confidence: Double
}

extension LabelCodec {
  /// Reads each image's probabilities, [N, maximumLength, classCount]; see `decode(scores:)`.
  public func readings(_ probabilities: Tensor) -> [Reading] {
    precondition(
      probabilities.shape.rank == 3 && probabilities.shape.rows * classCount == probabilities.shape[0] * outputCount,
      "LabelCodec.readings: \(probabilities.shape) is not [N, \(maximumLength), \(classCount)]")
    return probabilities.withElements(of: Float.self) { scores in
      stride(from: 0, to: scores.count, by: outputCount).map { start in
        let image = UnsafeBufferPointer(rebasing: scores[start..<start + outputCount])
        let (text, classes) = decode(scores: image)
        let confidence = classes.enumerated().reduce(1.0) { $0 * Double(image[$1.offset * classCount + $1.element]) }
        return Reading(text: text, classes: classes, confidence: confidence)
      }
    }
  }

  /// Reads each image's probabilities by column, [N, columns, classCount]: each column takes its best class, and what is
  /// left of the columns' runs without padding is the text.
  public func columnReadings(_ probabilities: Tensor) -> [Reading] {
    let size = probabilities.shape[1] * classCount
    return probabilities.withElements(of: Float.self) { scores in
      (0..<probabilities.shape[0]).map { image in
        var classes: [Int] = []
        var (confidence, previous) = (1.0, paddingIndex)
        for column in stride(from: image * size, to: (image + 1) * size, by: classCount) {
          var best = 0
          for index in 1..<classCount where scores[column + index] > scores[column + best] { best = index }
          confidence *= Double(scores[column + best])
          if best != paddingIndex, best != previous { classes.append(best) }
          previous = best
        }
        classes = Array(classes.prefix(maximumLength))
        let text = decode(classes)
        classes += Array(repeating: paddingIndex, count: maximumLength - classes.count)
        return Reading(text: text, classes: classes, confidence: confidence)
      }
    }
  }
}
