import Data
import Foundation
import Layers
import Tensor

/// Measures a model on a data set, in full.
public struct Evaluator {
  private let evaluation: BatchEvaluation

  public init(model: any Layer, loss: any Loss, codec: LabelCodec, batchSize: Int = 128) {
    evaluation = BatchEvaluation(model: model, loss: loss, codec: codec, batchSize: batchSize)
  }

  /// Reads every image of `dataset` and compares.
  ///
  /// A label that the model cannot say, because it is too long or has a character outside the charset, counts as read
  /// wrong; the loss and the numbers about single outputs, which need an encoded label, leave it out.
  /// - Parameters:
  ///   - progress: called after each batch with the number of images done.
  public func evaluate(_ dataset: Dataset, progress: (Int) -> Void = { _ in }) -> EvaluationReport {
    let codec = evaluation.codec
    var encoded: [(index: Int, label: String)] = []
    var others: [Int] = []
    for (index, label) in dataset.labels.enumerated() {
      if (try? codec.encode(label)) == nil { others.append(index) } else { encoded.append((index, label)) }
    }
    let start = ContinuousClock.now
    var tally = EvaluationTally(codec: codec)
    // Cannot fail, since every one of these labels was encoded above.
    if let labels = try? EncodedLabels(encoded.map(\.label), codec: codec) {
      let expressible = dataset.subset(encoded.map(\.index))
      evaluation.forEachBatch(of: expressible, labels: labels) { batch in
        tally.add(batch, of: expressible)
        progress(batch.indices.endIndex)
        return true
      }
    }
    let inexpressible = dataset.subset(others)
    evaluation.readEachBatch(of: inexpressible) { indices, readings in
      tally.add(readings, of: inexpressible.samples[indices.startIndex..<indices.endIndex])
      progress(encoded.count + indices.endIndex)
    }
    return tally.report(seconds: start.secondsSince)
  }
}

/// What an evaluation found; the fields of `evaluate --json`.
public struct EvaluationReport: Sendable, Codable {
  public struct Share: Sendable, Codable, Hashable {
    public let count: Int
    public let exactMatch: Double

    enum CodingKeys: String, CodingKey {
      case count
      case exactMatch = "exact_match"
    }
  }

  /// How often a character was taken for another; an empty text stands for no character.
  public struct Confusion: Sendable, Codable, Hashable {
    public let `true`: String
    public let predicted: String
    public let count: Int
  }

  /// One image's label and what was read.
  public struct Example: Sendable, Codable, Hashable {
    public let file: String
    public let label: String
    public let text: String
    public let confidence: Double
  }

  public let count: Int
  /// How many labels the model cannot say; they count as read wrong.
  public let inexpressible: Int
  /// The mean loss over the labels that the model can say; nil where there is none.
  public let loss: Double?
  /// The share of images whose whole text is read right.
  public let exactMatch: Double
  /// Its 95 % interval (Wilson).
  public let exactMatchInterval: [Double]
  public let characterAccuracy: Double
  public let binaryAccuracy: Double
  public let precision: Double
  public let recall: Double
  public let byType: [String: Share]
  public let byLength: [String: Share]
  /// The share of images that are right at each position.
  public let perPosition: [Double]
  /// The most frequent first.
  public let confusions: [Confusion]
  public let imagesPerSecond: Double
  /// The first images of the data set.
  public let examples: [Example]

  enum CodingKeys: String, CodingKey {
    case count, loss, precision, recall, confusions, examples
    case inexpressible = "inexpressible_labels"
    case exactMatch = "exact_match"
    case exactMatchInterval = "exact_match_ci95"
    case characterAccuracy = "character_accuracy"
    case binaryAccuracy = "binary_accuracy"
    case byType = "by_type"
    case byLength = "by_length"
    case perPosition = "per_position"
    case imagesPerSecond = "images_per_second"
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(count, forKey: .count)
    try container.encode(inexpressible, forKey: .inexpressible)
    // Null where there is none: every field is always there.
    try container.encode(loss, forKey: .loss)
    try container.encode(exactMatch, forKey: .exactMatch)
    try container.encode(exactMatchInterval, forKey: .exactMatchInterval)
    try container.encode(characterAccuracy, forKey: .characterAccuracy)
    try container.encode(binaryAccuracy, forKey: .binaryAccuracy)
    try container.encode(precision, forKey: .precision)
    try container.encode(recall, forKey: .recall)
    try container.encode(byType, forKey: .byType)
    try container.encode(byLength, forKey: .byLength)
    try container.encode(perPosition, forKey: .perPosition)
    try container.encode(confusions, forKey: .confusions)
    try container.encode(imagesPerSecond, forKey: .imagesPerSecond)
    try container.encode(examples, forKey: .examples)
  }
}

/// The interval in which the true share lies with 95 % confidence, when `right` of `count` were right.
///
/// Source: Wilson 1927.
public func wilsonInterval(right: Int, of count: Int) -> ClosedRange<Double> {
  guard count > 0 else { return 0...1 }
  let (n, z) = (Double(count), 1.959963984540054)
  let share = Double(right) / n
  let centre = (share + z * z / (2 * n)) / (1 + z * z / n)
  let radius = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
  return max(0, centre - radius)...min(1, centre + radius)
}
