/// How hard drawn images are to read, relative to their style as it is.
///
/// ```swift
/// let easy = try GeneratorDifficulty(lines: 0.5, noise: 0, blur: 0)
/// ```
/// Images of the type ``CaptchaType/math`` have neither lines nor dots nor blur, so that only ``overlap`` changes them.
public struct GeneratorDifficulty: Codable, Sendable, Hashable {
  /// Factor on the numbers of lines, thin lines and arcs; 0 draws none.
  public let lines: Double
  /// Factor on the number of dots; 0 draws none.
  public let noise: Double
  /// The share by which neighbouring characters move closer together, about the middle of the text; less than 0 moves
  /// them apart, as far as the image has room.
  public let overlap: Double
  /// Factor on the probability that an image is blurred, which ends at 1; 0 blurs none. How strong the blur is does not
  /// change.
  public let blur: Double

  /// The values that ``lines``, ``noise`` and ``blur`` may have.
  public static let factors = 0.0...10.0
  /// The values that ``overlap`` may have.
  public static let overlaps = -0.5...0.75
  /// The style as it is.
  public static let original = GeneratorDifficulty()

  private init() { (lines, noise, overlap, blur) = (1, 1, 0, 1) }

  /// Checks the values and keeps them.
  ///
  /// - Throws: ``GeneratorError/invalidConfiguration(key:value:remedy:)``, also for values that are no numbers.
  public init(lines: Double = 1, noise: Double = 1, overlap: Double = 0, blur: Double = 1) throws(GeneratorError) {
    self.lines = lines
    self.noise = noise
    self.overlap = overlap
    self.blur = blur
    let ranges = [
      ("lines", lines, Self.factors), ("noise", noise, Self.factors), ("overlap", overlap, Self.overlaps),
      ("blur", blur, Self.factors),
    ]
    for (key, value, range) in ranges where !range.contains(value) {
      throw .invalidConfiguration(
        key: "difficulty.\(key)", value: "\(value)", remedy: "use \(range.lowerBound) to \(range.upperBound)")
    }
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      lines: values.decodeIfPresent(Double.self, forKey: .lines) ?? 1,
      noise: values.decodeIfPresent(Double.self, forKey: .noise) ?? 1,
      overlap: values.decodeIfPresent(Double.self, forKey: .overlap) ?? 0,
      blur: values.decodeIfPresent(Double.self, forKey: .blur) ?? 1)
  }
}

extension ClosedRange<Int> {
  /// The range from `factor` times the lower bound to `factor` times the upper one, rounded; no bound is less than
  /// `minimum`.
  func scaled(by factor: Double, atLeast minimum: Int = .min) -> ClosedRange<Int> {
    func scaled(_ bound: Int) -> Int { Swift.max(minimum, Int((Double(bound) * factor).rounded())) }
    return scaled(lowerBound)...scaled(upperBound)
  }
}
