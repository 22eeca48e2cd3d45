/// How the factors of matrix products and convolutions are taken; sums and weights are float32 either way, and results too but
/// those that pass between convolution blocks with rounded factors.
public enum ArithmeticPrecision: String, Sendable, Codable, CaseIterable {
  /// As they are.
  case float32
  /// Rounded to bfloat16, the upper half of a float32: 8 bits of precision in the full range. Processors with AMX
  /// multiply many times as many of them at once, those of AMD with AVX512-BF16 twice as many; others get the same results within
  /// rounding, more slowly.
  ///
  /// The results for normal numbers are off by about 0.2 % of their standard deviation. In convolutions by Winograd's
  /// algorithm it is the numbers at its points that are rounded, which makes 2.5 %.
  case bfloat16
}
