import Foundation

/// Numbers as the page shows them, with spaces that no line breaks at.
enum NumberText {
  /// A loss or another plain number: four decimals, small and large ones with an exponent.
  static func plain(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "−∞" : "∞" }
    let isExtreme = value != 0 && (abs(value) < 0.001 || abs(value) >= 100_000)
    return String(format: isExtreme ? "%.2e" : "%.4f", value)
  }

  /// A learning rate: four significant digits.
  static func rate(_ value: Double) -> String { value.isFinite ? String(format: "%.4g", value) : plain(value) }

  /// What something was multiplied by: two significant digits.
  static func factor(_ value: Double) -> String { String(format: "%.2g", value) }

  /// A share of 0...1 as a percentage: `97.25 %`.
  static func percent(_ share: Double, digits: Int = 2) -> String {
    share.isFinite ? String(format: "%.\(digits)f\u{A0}%%", 100 * share) : plain(share)
  }

  /// A whole number with a comma between thousands.
  static func count(_ number: Int) -> String {
    var digits = Array(String(number.magnitude))
    for index in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: index) }
    return (number < 0 ? "−" : "") + String(digits)
  }

  /// `1 image`, `1,200 images`.
  static func count(_ number: Int, _ singular: String, _ plural: String? = nil) -> String {
    "\(count(number)) \(number == 1 ? singular : plural ?? singular + "s")"
  }

  /// `12.3 s`, `3 min 05 s` or `2 h 07 min`.
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "–" }
    if seconds < 59.95 { return String(format: "%.1f\u{A0}s", max(0, seconds)) }
    let whole = Int(seconds.rounded())
    return whole < 3600
      ? String(format: "%d\u{A0}min\u{A0}%02d\u{A0}s", whole / 60, whole % 60)
      : String(format: "%d\u{A0}h\u{A0}%02d\u{A0}min", whole / 3600, whole / 60 % 60)
  }

  /// Images per second.
  static func speed(_ imagesPerSecond: Double) -> String {
    String(format: imagesPerSecond < 100 ? "%.1f" : "%.0f", imagesPerSecond)
  }

  /// A tick of an axis: as few digits as tell it apart from its neighbours, which are `step` away.
  static func tick(_ value: Double, step: Double) -> String {
    if value == 0 { return "0" }
    if abs(value) >= 100_000 || abs(value) < 0.001 { return exponent(value) }
    let digits = min(6, max(0, Int((-log10(step) - 1e-9).rounded(.up))))
    return String(format: "%.\(digits)f", value)
  }

  /// A tick of a logarithmic axis: `0.0001`, `1e-5`.
  static func logarithmicTick(_ value: Double) -> String {
    (0.0000999..<100_000).contains(value) ? String(format: "%g", value) : exponent(value)
  }

  /// `2e-5`, without the zeros that `printf` writes.
  private static func exponent(_ value: Double) -> String {
    let parts = String(format: "%.3g", value).split(separator: "e")
    guard parts.count == 2, let power = Int(parts[1]) else { return String(format: "%g", value) }
    return "\(parts[0])e\(power)"
  }

  /// A coordinate in a figure, with a tenth of a unit.
  ///
  /// A page has thousands, and `String(format:)` takes microseconds for each.
  static func coordinate(_ value: Double) -> String {
    guard abs(value) < 1e12 else { return "0" }
    let tenths = Int((value * 10).rounded())
    let text = "\(tenths.magnitude / 10)" + (tenths % 10 == 0 ? "" : ".\(tenths.magnitude % 10)")
    return tenths < 0 ? "-" + text : text
  }

  /// A place along a figure's width, 0...1, as a percentage with three decimals for SVG.
  static func place(_ share: Double) -> String {
    guard abs(share) < 1e12 else { return "0%" }
    let thousandths = Int((share * 100_000).rounded())
    let fraction = String(thousandths.magnitude % 1000 + 1000).dropFirst()
    return (thousandths < 0 ? "-" : "") + "\(thousandths.magnitude / 1000).\(fraction)%"
  }
}
