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
}
