/// How the factors of a matrix product are taken; sums, results and weights are float32 either way.
public enum ArithmeticPrecision: String, Sendable, Codable, CaseIterable {
  /// As they are.
  case float32
  /// Rounded to bfloat16, the upper half of a float32: 8 bits of precision in the full range. Processors with AVX512-BF16
  /// multiply twice as many of them at once; others get the same results within rounding, more slowly.
  case bfloat16
}
