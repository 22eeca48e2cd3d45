import Callbacks
import Data
import Foundation
import Tensor

/// Finds the temperature at which a model's confidence says how often it is right.
///
/// Logits are divided by one number, the temperature, before they become probabilities. It is chosen so that the mean log
/// loss of "the reading is right" under the confidence is smallest,
///
///     −1/n Σ (right ? log c : log(1 − c)),
///
/// which is smallest where readings of confidence c are right in the share c of cases. Guo et al. minimise the loss of the
/// labels instead. For texts that is another number: it asks that each position or column is calibrated, while it is the
/// confidence of the whole reading by which readings are rejected, and neighbouring positions do not err independently.
///
/// Source: Guo et al. 2017, "On Calibration of Modern Neural Networks".
public struct TemperatureScaling: Sendable {
  public let temperature: Double
  /// The mean log loss at temperature 1 and at the one that was found.
  public let logLossBefore: Double
  public let logLoss: Double
  /// What confidences are worth at temperature 1 and at the one that was found.
  public let before: ConfidenceReport
  public let after: ConfidenceReport
  /// The readings at the temperature that was found.
  public let readings: [(confidence: Double, isRight: Bool)]
  /// Whether readings are both right and wrong; otherwise there is nothing to learn from and the temperature is 1.
  public let isFitted: Bool

  /// The temperatures among which is searched.
  public static let range = 0.125...8.0
  /// Confidences come from float32 probabilities, of which one cannot be nearer to 1 and still differ from it.
  private static let leastDoubt = 0x1p-24
  private static let gridCount = 25
  private static let tolerance = 1e-4

  /// - Parameter readings: the confidence of each reading at a temperature, and whether it is right.
  public init(readings: (_ temperature: Double) -> [(confidence: Double, isRight: Bool)]) {
    let unscaled = readings(1)
    let right = unscaled.count { $0.isRight }
    isFitted = right > 0 && right < unscaled.count
    temperature = isFitted ? Self.best { Self.logLoss(readings($0)) } : 1
    let scaled = isFitted ? readings(temperature) : unscaled
    (before, after) = (ConfidenceReport(unscaled), ConfidenceReport(scaled))
    (logLossBefore, logLoss) = (Self.logLoss(unscaled), Self.logLoss(scaled))
    self.readings = scaled
  }

  static func logLoss(_ readings: [(confidence: Double, isRight: Bool)]) -> Double {
    let sum = readings.reduce(0) { sum, reading in
      let confidence = reading.confidence.isNaN ? 0 : reading.confidence
      let probability = reading.isRight ? confidence : 1 - confidence
      return sum - log(max(Self.leastDoubt, probability))
    }
    return readings.isEmpty ? 0 : sum / Double(readings.count)
  }

  /// The temperature of the smallest loss: the best of a grid, then golden-section search between its neighbours, both over
  /// the logarithm.
  private static func best(_ loss: (Double) -> Double) -> Double {
    let (low, high) = (log(range.lowerBound), log(range.upperBound))
    let grid = (0..<gridCount).map { low + (high - low) * Double($0) / Double(gridCount - 1) }
    let losses = grid.map { loss(exp($0)) }
    let place = losses.indices.min { losses[$0] < losses[$1] } ?? 0
    var (left, right) = (grid[max(0, place - 1)], grid[min(gridCount - 1, place + 1)])
    let ratio = (5.0.squareRoot() - 1) / 2
    var inner = (left: right - ratio * (right - left), right: left + ratio * (right - left))
    var values = (left: loss(exp(inner.left)), right: loss(exp(inner.right)))
    while right - left > tolerance {
      if values.left <= values.right {
        right = inner.right
        inner = (right - ratio * (right - left), inner.left)
        values = (loss(exp(inner.left)), values.left)
      } else {
        left = inner.left
        inner = (inner.right, left + ratio * (right - left))
        values = (values.right, loss(exp(inner.right)))
      }
    }
    return exp((left + right) / 2)
  }
}

extension Evaluator {
  /// Finds the temperature for the recogniser's decoding, whose own temperature is of no account.
  ///
  /// The outputs for all images are kept in memory, 4 bytes per output and image.
  /// - Parameters:
  ///   - datasets: the same images once for each input of the recogniser, in its size and colours.
  ///   - progress: called after each batch with the number of images done.
  /// - Throws: why images can't be read.
  public func temperatureScaling(
    _ datasets: [Dataset], progress: (Int) -> Void = { _ in }
  ) throws -> TemperatureScaling {
    let recognizer = evaluation.recognizer
    var batches: [(indices: ArraySlice<Int>, outputs: [Tensor])] = []
    try evaluation.computeEachBatch(of: datasets) { indices, outputs in
      batches.append((indices, outputs.map(\.detached)))
      progress(indices.endIndex)
    }
    let answers = datasets[0].samples.map { recognizer.options.grammar.canonicalText(of: $0.label) }
    return TemperatureScaling { temperature in
      batches.flatMap { batch in
        let readings = recognizer.readings(batch.outputs, temperature: temperature)
        return zip(batch.indices, readings).map { ($1.confidence, answers[$0] == $1.text) }
      }
    }
  }

  /// Finds the temperature on one data set.
  public func temperatureScaling(
    _ dataset: Dataset, progress: (Int) -> Void = { _ in }
  ) throws -> TemperatureScaling {
    try temperatureScaling([dataset], progress: progress)
  }
}
