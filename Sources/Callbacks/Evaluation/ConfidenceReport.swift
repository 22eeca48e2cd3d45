/// How far a model's confidence can be trusted, and what is gained by rejecting readings of little confidence.
public struct ConfidenceReport: Sendable, Codable, Hashable {
  /// What is left when readings below a confidence are rejected.
  public struct Coverage: Sendable, Codable, Hashable {
    public let minimumConfidence: Double
    /// How many readings are not rejected.
    public let count: Int
    /// Their share of all readings.
    public let coverage: Double
    /// The share of them that are right; nil where all are rejected.
    public let accuracy: Double?
    /// Its 95 % interval (Wilson).
    public let accuracyInterval: [Double]

    enum CodingKeys: String, CodingKey {
      case count, coverage, accuracy
      case minimumConfidence = "minimum_confidence"
      case accuracyInterval = "accuracy_ci95"
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(minimumConfidence, forKey: .minimumConfidence)
      try container.encode(count, forKey: .count)
      try container.encode(coverage, forKey: .coverage)
      // Null where there is none: every field is always there.
      try container.encode(accuracy, forKey: .accuracy)
      try container.encode(accuracyInterval, forKey: .accuracyInterval)
    }
  }

  /// The confidence below which readings must be rejected so that those which are left are as accurate as asked.
  public struct Threshold: Sendable, Codable, Hashable {
    /// The accuracy that is asked for.
    public let accuracy: Double
    /// The lowest such confidence; nil where no confidence is high enough.
    public let minimumConfidence: Double?
    /// The share of readings that are then not rejected.
    public let coverage: Double

    enum CodingKeys: String, CodingKey {
      case accuracy, coverage
      case minimumConfidence = "minimum_confidence"
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(accuracy, forKey: .accuracy)
      try container.encode(minimumConfidence, forKey: .minimumConfidence)
      try container.encode(coverage, forKey: .coverage)
    }
  }

  /// The confidences that are shown.
  public static let shownConfidences = [0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999]
  /// The accuracies that are shown.
  public static let shownAccuracies = [0.95, 0.99, 0.999]

  /// The mean distance between confidence and accuracy, 0...1: readings of confidence 0.9 should be right in 90 of 100.
  ///
  /// ECE = Σ |B| / n · |accuracy(B) − mean confidence(B)| over 15 bins of equal width. Source: Guo et al. 2017, "On
  /// Calibration of Modern Neural Networks".
  public let expectedCalibrationError: Double
  /// One for each of ``shownConfidences``.
  public let coverage: [Coverage]
  /// One for each of ``shownAccuracies``.
  public let thresholds: [Threshold]

  enum CodingKeys: String, CodingKey {
    case coverage, thresholds
    case expectedCalibrationError = "expected_calibration_error"
  }

  /// - Parameter readings: the confidence of each and whether it is right. A confidence that is NaN counts as none.
  public init(_ readings: [(confidence: Double, isRight: Bool)]) {
    let readings = readings.map { ($0.confidence.isNaN ? 0 : $0.confidence, $0.isRight) }
    expectedCalibrationError = Self.calibrationError(readings)
    coverage = Self.shownConfidences.map { Self.coverage(from: $0, readings) }
    let ordered = readings.sorted { $0.0 > $1.0 }
    thresholds = Self.shownAccuracies.map { Self.threshold($0, ordered) }
  }

  /// What is left when readings of less confidence than `minimum` are rejected.
  public static func coverage(from minimum: Double, _ readings: [(confidence: Double, isRight: Bool)]) -> Coverage {
    // NaN is less than nothing.
    let kept = readings.filter { ($0.confidence.isNaN ? 0 : $0.confidence) >= minimum }
    let right = kept.count { $0.isRight }
    let interval = wilsonInterval(right: right, of: kept.count)
    return Coverage(
      minimumConfidence: minimum, count: kept.count,
      coverage: readings.isEmpty ? 0 : Double(kept.count) / Double(readings.count),
      accuracy: kept.isEmpty ? nil : Double(right) / Double(kept.count),
      accuracyInterval: [interval.lowerBound, interval.upperBound])
  }

  /// The lowest confidence from which on readings are as accurate as asked.
  public static func threshold(
    accuracy: Double, _ readings: [(confidence: Double, isRight: Bool)]
  ) -> Threshold {
    threshold(
      accuracy, readings.map { ($0.confidence.isNaN ? 0 : $0.confidence, $0.isRight) }.sorted { $0.0 > $1.0 })
  }

  /// - Parameter ordered: the surest first.
  private static func threshold(_ accuracy: Double, _ ordered: [(Double, Bool)]) -> Threshold {
    var (right, found, kept) = (0, Double?.none, 0)
    for (index, (confidence, isRight)) in ordered.enumerated() {
      right += isRight ? 1 : 0
      // Readings of one confidence are kept or rejected together.
      if index + 1 < ordered.count && ordered[index + 1].0 == confidence { continue }
      if Double(right) >= accuracy * Double(index + 1) { (found, kept) = (confidence, index + 1) }
    }
    return Threshold(
      accuracy: accuracy, minimumConfidence: found,
      coverage: ordered.isEmpty ? 0 : Double(kept) / Double(ordered.count))
  }

  private static let bins = 15

  private static func calibrationError(_ readings: [(Double, Bool)]) -> Double {
    var sums = [(confidence: Double, right: Double)](repeating: (0, 0), count: bins)
    for (confidence, isRight) in readings {
      // The bins are open on the left, as in the source; the first takes 0 too.
      let bin = min(bins - 1, max(0, Int((confidence * Double(bins)).rounded(.up)) - 1))
      sums[bin].confidence += confidence
      sums[bin].right += isRight ? 1 : 0
    }
    return readings.isEmpty ? 0 : sums.reduce(0) { $0 + abs($1.confidence - $1.right) } / Double(readings.count)
  }
}
