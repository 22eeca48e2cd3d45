import Layers
import Tensor
import Testing

@Suite struct BatchNormPrecisionTests {
  /// Channels after a ReLU are zero nearly everywhere, and a padded corner can stand out: the statistics must not depend on
  /// which pixel comes first. Compared with two passes in Double.
  @Test func statisticsOfSparseChannels() {
    let (rows, channels) = (100_000, 9)
    var stream = RandomStream(seed: 5)
    var values = [Float](repeating: 0, count: rows * channels)
    for index in values.indices where stream.unitFloat() < 0.03 { values[index] = 0.05 * stream.unitFloat() }
    for channel in 0..<channels { values[channel] = Float(channel) }
    let norm = BatchNorm(channels, momentum: 0)
    _ = norm(Tensor(values, shape: [1, 100, 1000, channels]), .training(stream: RandomStream(seed: 0)))
    let (means, variances) = (norm.movingMean.value.elements(), norm.movingVariance.value.elements())
    for channel in 0..<channels {
      let column = stride(from: channel, to: values.count, by: channels).map { Double(values[$0]) }
      let mean = column.reduce(0, +) / Double(rows)
      let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rows)
      let (meanError, varianceError) = (Double(means[channel]) - mean, Double(variances[channel]) - variance)
      #expect(abs(meanError) <= 2e-6 * variance.squareRoot(), "mean of channel \(channel): off by \(meanError)")
      #expect(
        abs(varianceError) <= 5e-6 * variance, "variance \(variance) of channel \(channel): off by \(varianceError)")
    }
  }
}
