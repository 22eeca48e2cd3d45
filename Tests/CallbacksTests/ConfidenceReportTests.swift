import Callbacks
import Foundation
import Testing

@Suite struct ConfidenceReportTests {
  /// Confidences and whether readings are right, without any randomness.
  private func readings(_ power: Double = 1) -> [(confidence: Double, isRight: Bool)] {
    (0..<500).map { index in
      let confidence = (Double(index * 37 % 503) + 0.5) / 503
      return (pow(confidence, power), Double(index * index % 11) / 11 < confidence)
    }
  }

  /// What numpy says of the same readings, with bins as Guo et al. have them.
  @Test func theCalibrationErrorIsNumpys() {
    #expect(abs(ConfidenceReport(readings()).expectedCalibrationError - 0.13612326043737574) < 1e-12)
    #expect(abs(ConfidenceReport(readings(0.5)).expectedCalibrationError - 0.07687318985629053) < 1e-12)
    #expect(ConfidenceReport([]).expectedCalibrationError == 0)
    #expect(ConfidenceReport([(1, true), (0, false)]).expectedCalibrationError == 0)
    #expect(ConfidenceReport([(1, false), (.nan, true)]).expectedCalibrationError == 1)
  }

  /// Counted by numpy.
  @Test func coverageIsNumpys() {
    let report = ConfidenceReport(readings())
    let expected = [(500, 317), (249, 221), (99, 98), (49, 49), (25, 25), (5, 5), (1, 1), (0, 0)]
    #expect(report.coverage.map(\.minimumConfidence) == [0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999])
    for (row, (count, right)) in zip(report.coverage, expected) {
      #expect(row.count == count && row.coverage == Double(count) / 500)
      #expect(row.accuracy == (count == 0 ? nil : Double(right) / Double(count)))
      let interval = wilsonInterval(right: right, of: count)
      #expect(row.accuracyInterval == [interval.lowerBound, interval.upperBound])
    }
  }

  /// The lowest of all confidences above which readings are accurate enough, tried one by one.
  @Test(arguments: [0.5, 0.7, 0.95, 0.99, 0.999, 1])
  func thresholdsAreThoseOfBruteForce(_ accuracy: Double) {
    let readings = readings()
    let good = readings.map(\.confidence).filter { limit in
      let kept = readings.filter { $0.confidence >= limit }
      return Double(kept.filter(\.isRight).count) >= accuracy * Double(kept.count)
    }
    let threshold = ConfidenceReport.threshold(accuracy: accuracy, readings)
    #expect(threshold.minimumConfidence == good.min())
    let kept = readings.filter { $0.confidence >= good.min() ?? 2 }.count
    #expect(threshold.coverage == Double(kept) / 500 && threshold.accuracy == accuracy)
  }

  @Test func equalConfidencesAreKeptTogether() {
    let readings = [(0.9, true), (0.9, false), (0.5, true), (0.5, true)].map { (confidence: $0.0, isRight: $0.1) }
    #expect(ConfidenceReport.threshold(accuracy: 0.75, readings).minimumConfidence == 0.5)
    #expect(ConfidenceReport.threshold(accuracy: 0.9, readings).minimumConfidence == nil)
    #expect(ConfidenceReport.threshold(accuracy: 0.9, readings).coverage == 0)
    #expect(ConfidenceReport.threshold(accuracy: 0.9, []).minimumConfidence == nil)
  }

  @Test func everyFieldIsInTheJSON() throws {
    let data = try JSONEncoder().encode(ConfidenceReport([(0.2, false)]))
    let object = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(Set(object.keys) == ["expected_calibration_error", "coverage", "thresholds"])
    let coverage = try #require(object["coverage"] as? [[String: Any]])
    let fields: Set = ["minimum_confidence", "count", "coverage", "accuracy", "accuracy_ci95"]
    #expect(coverage.allSatisfy { Set($0.keys) == fields } && coverage.last?["accuracy"] is NSNull)
    let thresholds = try #require(object["thresholds"] as? [[String: Any]])
    #expect(thresholds.allSatisfy { $0["minimum_confidence"] is NSNull && $0["coverage"] as? Double == 0 })
    #expect(try JSONDecoder().decode(ConfidenceReport.self, from: data) == ConfidenceReport([(0.2, false)]))
  }

  @Test func lookalikesAreMerged() {
    #expect(ConfusableCharacters.merged("0Oo1Il2Zz5Ss8B9gqCcVvWwXx") == "00011122255588999CCVVWWXX")
    #expect(ConfusableCharacters.merged("abdeJ3?é") == "abdeJ3?é")
    // No character stands in two groups.
    let all = ConfusableCharacters.groups.joined()
    #expect(Set(all).count == all.count)
  }
}
