/// How the factors of matrix products and convolutions are taken; sums, results and weights are float32 either way.
public enum ArithmeticPrecision: String, Sendable, Codable, CaseIterable {
  /// As they are.
  case float32
  /// Rounded to bfloat16, the upper half of a float32: 8 bits of precision in the full range. Processors with AVX512-BF16
  /// multiply twice as many of them at once; others get the same results within rounding, more slowly.
  ///
  /// A product of normal numbers is off by about 0.2 % of its standard deviation. In convolutions by Winograd's algorithm the
  /// numbers at its points are rounded, which is off by about 2.5 %; convolutions of other windows stay float32.
  case bfloat16
}
