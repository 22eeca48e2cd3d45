import ArgumentParser

/// Numbers of characters as a user writes them: `4...8`, `4-8` or `6`.
struct LengthRange: ExpressibleByArgument {
  let range: ClosedRange<Int>

  init(_ range: ClosedRange<Int>) { self.range = range }

  init?(_ text: String) {
    let separator = text.contains("...") ? "..." : "-"
    let bounds = text.split(separator: separator, omittingEmptySubsequences: false).map { Int($0) }
    guard let lower = bounds.first ?? nil, let upper = bounds.last ?? nil, bounds.count <= 2, lower >= 1, lower <= upper
    else { return nil }
    range = lower...upper
  }

  init?(argument: String) { self.init(argument) }

  var text: String { range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)...\(range.upperBound)" }
  var defaultValueDescription: String { text }
}
