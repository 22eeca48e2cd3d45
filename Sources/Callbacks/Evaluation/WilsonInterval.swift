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
