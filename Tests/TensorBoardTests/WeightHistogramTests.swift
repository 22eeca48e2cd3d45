import Foundation
import Testing

@testable import TensorBoard

@Suite struct WeightHistogramTests {
  private func histogram(_ values: [Float]) -> WeightHistogram {
    values.withUnsafeBufferPointer { WeightHistogram($0) }
  }

  /// As `numpy.histogram(values, bins=30)` counts (numpy 2.4), with values on the edges of buckets.
  @Test func bucketsAreNumPys() {
    let histogram = histogram([-2, -1.5, -1.5, -1, 0.25, 0.5, 1, 3, 3, 4])
    #expect(
      histogram.counts == [
        1, 0, 2, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1,
      ])
    #expect(histogram.limits.count == 30)
    #expect(abs(histogram.limits[0] + 1.8) < 1e-12 && abs(histogram.limits[12] - 0.6) < 1e-12)
    #expect(histogram.minimum == -2 && histogram.maximum == 4 && histogram.limits[29] == 4)
    #expect(histogram.finiteCount == 10 && histogram.nonFiniteCount == 0)
    #expect(histogram.sum == 5.75 && histogram.sumOfSquares == 44.8125)
  }

  /// Counts value by value in what the limits say.
  @Test(arguments: [1, 1e-30, 3e30] as [Float])
  func everyValueIsInItsBucket(_ scale: Float) {
    let values = (0..<5000).map { scale * (sin(1.7 * Float($0)) + 0.25) }
    let histogram = histogram(values)
    var left = -Double.infinity
    for (limit, count) in zip(histogram.limits, histogram.counts) {
      let isLast = limit == histogram.limits.last
      #expect(count == values.count { Double($0) >= left && (Double($0) < limit || isLast) })
      left = limit
    }
    let sum = values.reduce(0) { $0 + Double($1) }
    #expect(histogram.sum == sum)
    #expect(histogram.sumOfSquares == values.reduce(0) { $0 + Double($1) * Double($1) })
    #expect(histogram.minimum == Double(values.min()!) && histogram.maximum == Double(values.max()!))
  }

  @Test func whatIsNotFiniteIsOnlyCounted() {
    let finite: [Float] = [1, 2, 4]
    let mixed = histogram([.nan, 1, .infinity, 2, -.infinity, 4, .signalingNaN])
    #expect(mixed.nonFiniteCount == 4 && mixed.finiteCount == 3)
    #expect(mixed.counts == histogram(finite).counts && mixed.limits == histogram(finite).limits)
    #expect(mixed.sum == 7 && mixed.sumOfSquares == 21)
    let nothing = histogram([.nan, .infinity])
    #expect(nothing.counts.isEmpty && nothing.limits.isEmpty && nothing.nonFiniteCount == 2)
    #expect(nothing.minimum == 0 && nothing.maximum == 0)
  }

  @Test func nothingOneAndEqualValues() {
    let empty = histogram([])
    #expect(empty.counts.isEmpty && empty.limits.isEmpty && empty.finiteCount == 0 && empty.sum == 0)
    let one = histogram([-3])
    #expect(one.counts == [1] && one.limits == [-3] && one.minimum == -3 && one.maximum == -3)
    let equal = histogram([Float](repeating: 0.5, count: 1000))
    #expect(equal.counts == [1000] && equal.limits == [0.5] && equal.sum == 500 && equal.sumOfSquares == 250)
    #expect(histogram([0, -0.0]).counts == [2])
  }

  @Test func extremeRanges() {
    let widest = histogram([-.greatestFiniteMagnitude, 0, .greatestFiniteMagnitude])
    #expect(widest.counts.reduce(0, +) == 3 && widest.counts[0] == 1 && widest.counts[29] == 1)
    #expect(widest.sumOfSquares.isFinite)
    let narrowest = histogram([1, Float(1).nextUp])
    #expect(narrowest.counts[0] == 1 && narrowest.counts[29] == 1 && narrowest.counts.reduce(0, +) == 2)
    let smallest = histogram([0, .leastNonzeroMagnitude])
    #expect(smallest.counts[0] == 1 && smallest.counts[29] == 1)
  }
}
