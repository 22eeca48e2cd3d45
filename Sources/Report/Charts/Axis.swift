import Foundation

/// Where values lie along an axis: 0 at its low end, 1 at its high end.
struct Axis: Sendable, Equatable {
  let low: Double
  let high: Double
  let isLogarithmic: Bool
  /// The values with a grid line and a number.
  let ticks: [Double]

  func position(_ value: Double) -> Double {
    isLogarithmic
      ? (log10(value) - log10(low)) / (log10(high) - log10(low)) : (value - low) / (high - low)
  }

  /// The ticks' numbers.
  func label(_ tick: Double) -> String {
    isLogarithmic
      ? NumberText.logarithmicTick(tick)
      : NumberText.tick(tick, step: ticks.count > 1 ? ticks[1] - ticks[0] : abs(tick))
  }

  /// Whether a number can be drawn: NaN and infinity cannot, nor what would overflow the arithmetic of an axis or be lost in
  /// it.
  static func isDrawable(_ value: Double) -> Bool { value == 0 || (1e-60..<1e60).contains(abs(value)) }
}

extension Axis {
  /// An axis for all of `values` that can be drawn.
  ///
  /// - Parameters:
  ///   - logarithmicAbove: the ratio of the largest to the smallest above which the axis is logarithmic, where all are
  ///     positive.
  ///   - limits: what the axis never goes beyond.
  static func fitting(
    _ values: [Double], logarithmicAbove: Double = .infinity, limits: ClosedRange<Double>? = nil
  ) -> Axis {
    let drawable = values.filter(isDrawable)
    guard let smallest = drawable.min(), let largest = drawable.max() else {
      return linear(from: limits?.lowerBound ?? 0, to: limits?.upperBound ?? 1, limits: limits)
    }
    if smallest > 0, largest / smallest > logarithmicAbove { return logarithmic(from: smallest, to: largest) }
    return linear(from: smallest, to: largest, limits: limits)
  }

  /// Ends and ticks are multiples of 1, 2 or 5 times a power of ten.
  private static func linear(from smallest: Double, to largest: Double, limits: ClosedRange<Double>?) -> Axis {
    var (low, high) = (smallest, largest)
    if high - low <= 1e-9 * max(abs(low), abs(high)) {
      // One value lies in the middle.
      let margin = low == 0 ? 1 : abs(low) / 2
      (low, high) = (low - margin, high + margin)
    }
    if let limits, limits.contains(smallest), limits.contains(largest) {
      // Values beyond the limits, such as shares that someone gives as percentages, are still to be seen.
      (low, high) = (max(low, limits.lowerBound), min(high, limits.upperBound))
    }
    let step = roundStep(atLeast: (high - low) / 5)
    let (first, last) = ((low / step + 1e-9).rounded(.down), (high / step - 1e-9).rounded(.up))
    let ticks = stride(from: first, through: last, by: 1).map { $0 * step }
    return Axis(low: first * step, high: last * step, isLogarithmic: false, ticks: ticks)
  }

  /// Ends are 1, 2 or 5 times a power of ten; ticks too where few decades are seen, else powers of ten.
  private static func logarithmic(from smallest: Double, to largest: Double) -> Axis {
    func steps(of power: Int) -> [Double] { [1, 2, 5].map { $0 * pow(10, Double(power)) } }
    let powers = Int(log10(smallest).rounded(.down))...Int(log10(largest).rounded(.down)) + 1
    let all = powers.flatMap(steps)
    let low = all.last { $0 <= smallest * (1 + 1e-9) } ?? smallest
    let high = all.first { $0 >= largest * (1 - 1e-9) } ?? largest
    let between = all.filter { $0 >= low * (1 - 1e-9) && $0 <= high * (1 + 1e-9) }
    if between.count <= 9 { return Axis(low: low, high: high, isLogarithmic: true, ticks: between) }
    let decades = powers.map { pow(10, Double($0)) }.filter { $0 >= low * (1 - 1e-9) && $0 <= high * (1 + 1e-9) }
    let every = (decades.count + 5) / 6
    let ticks = stride(from: 0, to: decades.count, by: every).map { decades[$0] }
    return Axis(low: low, high: high, isLogarithmic: true, ticks: ticks)
  }

  /// An axis of epochs (from 0) that gives each the same width; its ticks are few enough for a phone.
  static func epochs(_ epochs: ClosedRange<Int>) -> Axis {
    let step = max(1, Int(roundStep(atLeast: Double(epochs.count) / 6)))
    // Numbers as people count them: 1, 5, 10, 15 …
    let shown = epochs.filter { ($0 + 1) % step == 0 || step == 1 }
    var ticks = shown.map(Double.init)
    if let first = shown.first, first - epochs.lowerBound > step / 2 { ticks.insert(Double(epochs.lowerBound), at: 0) }
    return Axis(
      low: Double(epochs.lowerBound) - 0.5, high: Double(epochs.upperBound) + 0.5, isLogarithmic: false, ticks: ticks)
  }

  private static func roundStep(atLeast least: Double) -> Double {
    let power = pow(10, log10(least).rounded(.down))
    return ([1, 2, 5].map { $0 * power }.first { $0 >= least * (1 - 1e-9) }) ?? 10 * power
  }
}
