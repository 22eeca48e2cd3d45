import Layers
import Tensor
import Testing

/// A batch and what Keras's metrics are after it.
struct MetricStep: Decodable, Sendable {
  let probabilities: FixtureTensor
  let labels: [[Int32]]
  let expected: [String: Double]

  var batch: MetricBatch {
    let labels = Tensor(labels.flatMap { $0 }, shape: [labels.count, labels[0].count])
    return MetricBatch(probabilities: probabilities.tensor, labels: labels, predicted: labels)
  }
}

@Suite struct MetricTests {
  /// Uneven batches, values of exactly 0.5, a first batch without positives.
  @Test func binaryMetricsEqualKeras() throws {
    let steps = try FixtureFiles.cases("metrics.json", of: MetricStep.self)
    let fresh: [any Metric] = [BinaryAccuracy(), Precision(), Recall()]
    for var metric in fresh {
      for round in 1...2 {
        for (index, step) in steps.enumerated() {
          metric.update(step.batch)
          let expected = try #require(step.expected[metric.name])
          #expect(abs(metric.result - expected) < 1e-6, "\(metric.name), batch \(index), round \(round)")
        }
        metric.reset()
        #expect(metric.result == 0)
      }
    }
  }

  @Test func nothingSeenIsZero() {
    let metrics: [any Metric] = [
      BinaryAccuracy(), Precision(), Recall(), ExactMatch(), CharacterAccuracy(padding: 2), PerPositionAccuracy(),
    ]
    #expect(metrics.map(\.result) == [0, 0, 0, 0, 0, 0])
    #expect(
      metrics.map(\.name) == [
        "binary_accuracy", "precision", "recall", "exact_match", "character_accuracy", "position_accuracy",
      ])
  }

  @Test func countsOfOneBatch() {
    // Labels 0 and 2 of three classes; yes-answers: {0, 1} and {1}.
    let batch = MetricBatch(
      probabilities: Tensor([Float(0.9), 0.6, 0.5, 0.1, 0.8, 0.5], shape: [1, 2, 3]),
      labels: Tensor([Int32(0), 2], shape: [1, 2]), predicted: Tensor([Int32(0), 1], shape: [1, 2]))
    var counts = BinaryCounts()
    counts.add(batch)
    #expect(counts.truePositives == 1 && counts.falsePositives == 2)
    #expect(counts.falseNegatives == 1 && counts.trueNegatives == 2)
    #expect(counts.accuracy == 0.5 && counts.precision == 1.0 / 3 && counts.recall == 0.5)
  }

  /// Class 9 is padding.
  private func reading(_ labels: [[Int32]], _ predicted: [[Int32]]) -> MetricBatch {
    let shape: Shape = [labels.count, labels[0].count]
    return MetricBatch(
      probabilities: Tensor((0..<10 * shape.count).map { Float($0 * 7 % 10) / 10 }, shape: [shape[0], shape[1], 10]),
      labels: Tensor(labels.flatMap { $0 }, shape: shape),
      predicted: Tensor(predicted.flatMap { $0 }, shape: shape))
  }

  private var first: MetricBatch {
    reading(
      [[1, 2, 3], [4, 5, 9], [6, 9, 9]],
      [[1, 2, 3], [4, 9, 9], [6, 9, 7]])
  }

  private var second: MetricBatch { reading([[8, 9, 9]], [[8, 9, 9]]) }

  @Test func exactMatch() {
    var metric = ExactMatch()
    metric.update(first)
    #expect(metric.result == 1.0 / 3)
    metric.update(second)
    #expect(metric.result == 0.5)
    metric.reset()
    #expect(metric.result == 0)
  }

  /// First batch: 3 of 3; 1 of 2 (a character is missing); 1 of 2 (one too many). Second: 1 of 1.
  @Test func characterAccuracy() {
    var metric = CharacterAccuracy(padding: 9)
    metric.update(first)
    #expect(metric.result == 5.0 / 7)
    metric.update(second)
    #expect(metric.result == 6.0 / 8)
    metric.reset()
    metric.update(second)
    #expect(metric.result == 1)
  }

  /// First batch: 3, 2 and 2 of 3 images are right.
  @Test func perPositionAccuracy() {
    var metric = PerPositionAccuracy()
    metric.update(first)
    expectClose(metric.accuracies, [1, 2.0 / 3, 2.0 / 3], tolerance: 1e-12)
    metric.update(second)
    expectClose(metric.accuracies, [1, 0.75, 0.75], tolerance: 1e-12)
    #expect(abs(metric.result - 2.5 / 3) < 1e-12)
    metric.reset()
    #expect(metric.accuracies == [] && metric.result == 0)
  }

  /// A measurement that is saved after one batch and taken up by a new instance goes on as if nothing had happened.
  @Test func countsRestoreAMeasurement() {
    let metrics: [any Metric] = [
      BinaryAccuracy(), Precision(), Recall(), ExactMatch(), CharacterAccuracy(padding: 9), PerPositionAccuracy(),
    ]
    for metric in metrics {
      var (whole, fresh) = (metric, metric)
      #expect(fresh.counts.allSatisfy { $0 == 0 })
      whole.update(first)
      fresh.counts = whole.counts
      whole.update(second)
      fresh.update(second)
      #expect(fresh.counts == whole.counts && fresh.result == whole.result, "\(metric.name)")
      fresh.reset()
      var empty = metric
      empty.counts = fresh.counts
      empty.update(second)
      fresh.update(second)
      #expect(empty.result == fresh.result, "\(metric.name) from an empty state")
    }
  }
}
