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
  /// - Parameters:
  ///   - progress: called after each batch with the number of images done.
  /// - Throws: `LabelError` for a label that the model cannot read.
  public func evaluate(_ dataset: Dataset, progress: (Int) -> Void = { _ in }) throws -> EvaluationReport {
    let labels = try dataset.encodedLabels(codec: evaluation.codec)
    let start = ContinuousClock.now
    var tally = EvaluationTally(codec: evaluation.codec)
    evaluation.forEachBatch(of: dataset, labels: labels) { batch in
      tally.add(batch, of: dataset)
      progress(batch.indices.endIndex)
      return true
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
  public let loss: Double
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
    case exactMatch = "exact_match"
    case exactMatchInterval = "exact_match_ci95"
    case characterAccuracy = "character_accuracy"
    case binaryAccuracy = "binary_accuracy"
    case byType = "by_type"
    case byLength = "by_length"
    case perPosition = "per_position"
    case imagesPerSecond = "images_per_second"
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
