/// The name of a number that training reports, as Keras spells it (`loss`, `val_loss`, `val_exact_match`).
///
/// Declare the keys of a new metric in an extension:
/// ```swift
/// extension MetricKey { static let calibrationError: MetricKey = "val_calibration_error" }
/// ```
public struct MetricKey: RawRepresentable, Hashable, Comparable, Sendable, ExpressibleByStringLiteral,
  CustomStringConvertible
{
  public let rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }
  public init(stringLiteral value: String) { rawValue = value }

  public var description: String { rawValue }

  public static func < (left: MetricKey, right: MetricKey) -> Bool { left.rawValue < right.rawValue }

  /// The key of the same metric on the validation part: `loss` → `val_loss`.
  public var onValidation: MetricKey { isValidation ? self : MetricKey(rawValue: "val_" + rawValue) }

  /// Whether the metric is measured on the validation part.
  public var isValidation: Bool { rawValue.hasPrefix("val_") }
}

extension MetricKey: Codable {
  public init(from decoder: any Decoder) throws {
    rawValue = try decoder.singleValueContainer().decode(String.self)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}

extension MetricKey {
  /// The mean loss of the epoch's training batches, weighted by batch size.
  public static let loss: MetricKey = "loss"
  /// The loss over the validation part.
  public static let valLoss: MetricKey = "val_loss"
  /// The share of images whose whole text is read right, 0...1.
  public static let exactMatch: MetricKey = "exact_match"
  public static let valExactMatch: MetricKey = "val_exact_match"
  /// The share of characters read right, 0...1.
  public static let characterAccuracy: MetricKey = "character_accuracy"
  public static let valCharacterAccuracy: MetricKey = "val_character_accuracy"
  /// The share of outputs on the right side of one half, 0...1.
  public static let binaryAccuracy: MetricKey = "binary_accuracy"
  public static let valBinaryAccuracy: MetricKey = "val_binary_accuracy"
  /// Precision and recall of the outputs above one half, 0...1.
  public static let precision: MetricKey = "precision"
  public static let valPrecision: MetricKey = "val_precision"
  public static let recall: MetricKey = "recall"
  public static let valRecall: MetricKey = "val_recall"
  /// The learning rate of the epoch, before a callback reduced it at the epoch's end.
  public static let learningRate: MetricKey = "learning_rate"
}
