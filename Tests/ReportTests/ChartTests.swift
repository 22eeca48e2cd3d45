import Callbacks
import Testing

@testable import Report

@Suite struct ChartTests {
  // MARK: Axes

  @Test func linearAxesEndAtRoundNumbers() {
    let axis = Axis.fitting([0.13, 0.87])
    #expect(!axis.isLogarithmic)
    #expect(zip(axis.ticks, [0, 0.2, 0.4, 0.6, 0.8, 1]).allSatisfy { abs($0 - $1) < 1e-12 } && axis.ticks.count == 6)
    #expect(abs(axis.position(0.25) - 0.25) < 1e-12)
    #expect(axis.ticks.map(axis.label) == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"])
  }

  @Test func wideRangesAreLogarithmic() {
    #expect(!Axis.fitting([0.1, 2.9], logarithmicAbove: 30).isLogarithmic)
    let axis = Axis.fitting([0.1, 3.1], logarithmicAbove: 30)
    #expect(axis.isLogarithmic)
    #expect(axis.ticks.map(axis.label) == ["0.1", "0.2", "0.5", "1", "2", "5"])
    // log(1 / 0.1) / log(5 / 0.1)
    #expect(abs(axis.position(1) - 0.588591910067779) < 1e-9)
    let rates = Axis.fitting([3e-8, 0.003], logarithmicAbove: 10)
    #expect(rates.ticks.map(rates.label) == ["1e-7", "1e-6", "1e-5", "0.0001", "0.001"])
    // Zero has no logarithm.
    #expect(!Axis.fitting([0, 5], logarithmicAbove: 30).isLogarithmic)
  }

  @Test func everyValueLiesOnItsAxis() {
    let samples: [[Double]] = [
      [1], [0], [-3, 8], [1e-12, 1e12], [5, 5 + 1e-13], [0.999, 1], [.nan, 2, .infinity], [], [3e38, -3e38],
      [1e-300, 1], [1e59], [-7],
    ]
    for values in samples {
      for ratio in [Double.infinity, 30] {
        let axis = Axis.fitting(values, logarithmicAbove: ratio)
        for value in values where Axis.isDrawable(value) {
          #expect((-1e-9...1 + 1e-9).contains(axis.position(value)), "\(values) \(axis)")
        }
        #expect((2...12).contains(axis.ticks.count), "\(values) \(axis)")
        #expect(axis.ticks.allSatisfy { (-1e-9...1 + 1e-9).contains(axis.position($0)) }, "\(values) \(axis)")
      }
    }
  }

  /// Numbers of a callback of one's own: shares above 1, the smallest that there are, and beyond.
  @Test(arguments: [
    [7, 7, 7], [97.5, 98, 99], [-3], [0.5, 7], [.leastNonzeroMagnitude, .leastNonzeroMagnitude], [1e-45, 1e-40],
    [1e308, -1e308], [0, .leastNonzeroMagnitude], [.nan],
  ])
  func everyKindOfNumberHasAnAxis(values: [Double]) {
    for limits in [nil, 0...1] as [ClosedRange<Double>?] {
      for logarithmicAbove in [10, Double.infinity] {
        let axis = Axis.fitting(values, logarithmicAbove: logarithmicAbove, limits: limits)
        #expect(axis.low < axis.high && axis.low.isFinite && axis.high.isFinite)
        #expect(axis.ticks.count < 20 && axis.ticks.allSatisfy(\.isFinite))
        #expect(axis.ticks.map(axis.label).allSatisfy { !$0.isEmpty })
      }
    }
  }

  @Test func epochTicksAreWholeAndFew() {
    #expect(Axis.epochs(0...0).ticks == [0])
    #expect(Axis.epochs(0...4).ticks == [0, 1, 2, 3, 4])
    // Epochs 1, 5, 10, 15, 20.
    #expect(Axis.epochs(0...19).ticks == [0, 4, 9, 14, 19])
    for count in 1...700 {
      let axis = Axis.epochs(0...count - 1)
      #expect((1...7).contains(axis.ticks.count), "\(count)")
      #expect(axis.ticks.allSatisfy { (0...1).contains(axis.position($0)) })
    }
  }

  // MARK: Curves

  private func chart(_ values: [Double?], epochs: [Int]? = nil) -> LineChart {
    LineChart(
      identifier: "loss", title: "Loss", epochs: epochs ?? Array(values.indices),
      series: [LineChart.Series(name: "validation", style: "validation", values: values)],
      axis: Axis.fitting(values.compactMap(\.self)), format: NumberText.plain)
  }

  private func html(_ markup: Markup) -> String {
    var writer = MarkupWriter()
    writer.write(markup)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  @Test func curvesHaveGapsWhereThereIsNoNumber() {
    let page = html(chart([4, 2, .nan, 1, 0.5, .infinity, 3]).markup())
    // Two lines of two points; the last point is alone.
    #expect(page.count(of: " d=\"M") == 1 && page.count(of: "curve validation") == 1)
    let path = page.components(separatedBy: " d=\"")[1].prefix { $0 != "\"" }
    #expect(path.filter { $0 == "M" }.count == 2 && path.filter { $0 == "L" }.count == 2)
    #expect(page.contains("Not a finite number and left out: validation in epochs 3, 6."))
    #expect(page.count(of: "<circle") == 5)
  }

  /// By hand: seven epochs, 0...4 from 220 px to 0 px.
  @Test func pointsLieWhereTheyBelong() {
    let page = html(chart([4, 2, 0]).markup())
    #expect(page.contains("d=\"M166.7 0L500 110L833.3 220\""))
    #expect(page.contains("<circle class=\"point validation\" cx=\"50.000%\" cy=\"110\""))
    #expect(page.contains("<title>epoch 2\nvalidation: 2.0000</title>"))
  }

  @Test func missingEpochsLeaveAGap() {
    let page = html(chart([4, 3, 2, 1], epochs: [3, 4, 7, 8]).markup())
    let path = page.components(separatedBy: " d=\"")[1].prefix { $0 != "\"" }
    #expect(path.filter { $0 == "M" }.count == 2)
  }

  // MARK: Confusions

  @Test func theHeatMapShowsWhatOccursAndColoursErrorsAlone() {
    let map = HeatMap(
      ConfusionMatrix(
        characters: ["a", "b", "c", ""],
        counts: [[5000, 90, 0, 0], [1, 4000, 0, 3], [0, 0, 0, 0], [0, 0, 0, 12]]))
    #expect(map.characters == ["a", "b", ""])
    #expect(map.errorCount == 94)
    // 90^(k/5), rounded up.
    #expect(map.levels == [1, 3, 7, 15, 37])
    let page = html(map.markup())
    #expect(page.contains("<title>“a” read as “b”: 90 of 5,090</title>"))
    #expect(page.contains("<title>“b” read as no character: 3 of 4,004</title>"))
    #expect(page.count(of: "<path class=\"heat-5\"") == 1)
    #expect(page.count(of: "<path class=\"heat-2\"") == 1)
    #expect(page.count(of: "<path class=\"heat-1\"") == 1)
    #expect(page.count(of: "<path class=\"right\"") == 3)
  }
}
