/// What an evaluation found; the fields of `evaluate --json`.
public struct EvaluationReport: Sendable, Codable {
  public struct Share: Sendable, Codable, Hashable {
    public let count: Int
    public let exactMatch: Double

    public init(count: Int, exactMatch: Double) {
      self.count = count
      self.exactMatch = exactMatch
    }

    enum CodingKeys: String, CodingKey {
      case count
      case exactMatch = "exact_match"
    }
  }

  /// How often a character was taken for another; an empty text stands for no character.
  public struct Confusion: Sendable, Codable, Hashable {
    public let `true`: String
    public let predicted: String
    public let count: Int

    public init(true: String, predicted: String, count: Int) {
      self.true = `true`
      self.predicted = predicted
      self.count = count
    }
  }

  /// One image's label and what was read.
  public struct Example: Sendable, Codable, Hashable {
    public let file: String
    public let label: String
    public let text: String
    public let confidence: Double

    public init(file: String, label: String, text: String, confidence: Double) {
      self.file = file
      self.label = label
      self.text = text
      self.confidence = confidence
    }
  }

  public let count: Int
  /// How many labels the model cannot say; they count as read wrong.
  public let inexpressible: Int
  /// The mean loss over the labels that the model can say; nil where there is none.
  public let loss: Double?
  /// The share of images whose whole text is read right.
  public let exactMatch: Double
  /// Its 95 % interval (Wilson).
  public let exactMatchInterval: [Double]
  /// The share of images whose whole text is right but for the case of letters; nil in reports of older versions.
  public let exactMatchCaseFolded: Double?
  /// The share of images whose whole text is right but for characters that look alike; see ``ConfusableCharacters``.
  public let exactMatchConfusablesMerged: Double?
  public let characterAccuracy: Double
  public let binaryAccuracy: Double
  public let precision: Double
  public let recall: Double
  public let byType: [String: Share]
  public let byLength: [String: Share]
  /// The share of images that are right at each position.
  public let perPosition: [Double]
  /// The most frequent first.
  public let confusions: [Confusion]
  public let imagesPerSecond: Double
  /// The first images of the data set.
  public let examples: [Example]
  /// How far the confidences can be trusted; nil in reports of older versions.
  public let confidence: ConfidenceReport?
  /// How many characters were read wrong, those that are missing or too many included: what ``confusions`` are the most
  /// frequent of; nil in reports of older versions.
  public let wrongCharacters: Int?
  /// How many of the images that were read wrong have how many wrong characters; nil in reports of older versions.
  public let errorsByWrongCharacters: [String: Int]?

  public init(
    count: Int, inexpressible: Int, loss: Double?, exactMatch: Double, exactMatchInterval: [Double],
    characterAccuracy: Double, binaryAccuracy: Double, precision: Double, recall: Double, byType: [String: Share],
    byLength: [String: Share], perPosition: [Double], confusions: [Confusion], imagesPerSecond: Double,
    examples: [Example], exactMatchCaseFolded: Double? = nil, exactMatchConfusablesMerged: Double? = nil,
    confidence: ConfidenceReport? = nil, wrongCharacters: Int? = nil, errorsByWrongCharacters: [String: Int]? = nil
  ) {
    self.count = count
    self.inexpressible = inexpressible
    self.loss = loss
    self.exactMatch = exactMatch
    self.exactMatchInterval = exactMatchInterval
    self.characterAccuracy = characterAccuracy
    self.binaryAccuracy = binaryAccuracy
    self.precision = precision
    self.recall = recall
    self.byType = byType
    self.byLength = byLength
    self.perPosition = perPosition
    self.confusions = confusions
    self.imagesPerSecond = imagesPerSecond
    self.examples = examples
    self.exactMatchCaseFolded = exactMatchCaseFolded
    self.exactMatchConfusablesMerged = exactMatchConfusablesMerged
    self.confidence = confidence
    self.wrongCharacters = wrongCharacters
    self.errorsByWrongCharacters = errorsByWrongCharacters
  }

  enum CodingKeys: String, CodingKey {
    case count, loss, precision, recall, confusions, examples, confidence
    case inexpressible = "inexpressible_labels"
    case exactMatch = "exact_match"
    case exactMatchInterval = "exact_match_ci95"
    case exactMatchCaseFolded = "exact_match_case_folded"
    case exactMatchConfusablesMerged = "exact_match_confusables_merged"
    case characterAccuracy = "character_accuracy"
    case binaryAccuracy = "binary_accuracy"
    case byType = "by_type"
    case byLength = "by_length"
    case perPosition = "per_position"
    case imagesPerSecond = "images_per_second"
    case wrongCharacters = "wrong_characters"
    case errorsByWrongCharacters = "errors_by_wrong_characters"
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(count, forKey: .count)
    try container.encode(inexpressible, forKey: .inexpressible)
    // Null where there is none: every field is always there.
    try container.encode(loss, forKey: .loss)
    try container.encode(exactMatch, forKey: .exactMatch)
    try container.encode(exactMatchInterval, forKey: .exactMatchInterval)
    try container.encode(characterAccuracy, forKey: .characterAccuracy)
    try container.encode(binaryAccuracy, forKey: .binaryAccuracy)
    try container.encode(precision, forKey: .precision)
    try container.encode(recall, forKey: .recall)
    try container.encode(byType, forKey: .byType)
    try container.encode(byLength, forKey: .byLength)
    try container.encode(perPosition, forKey: .perPosition)
    try container.encode(confusions, forKey: .confusions)
    try container.encode(imagesPerSecond, forKey: .imagesPerSecond)
    try container.encode(examples, forKey: .examples)
    try container.encodeIfPresent(exactMatchCaseFolded, forKey: .exactMatchCaseFolded)
    try container.encodeIfPresent(exactMatchConfusablesMerged, forKey: .exactMatchConfusablesMerged)
    try container.encodeIfPresent(confidence, forKey: .confidence)
    try container.encodeIfPresent(wrongCharacters, forKey: .wrongCharacters)
    try container.encodeIfPresent(errorsByWrongCharacters, forKey: .errorsByWrongCharacters)
  }
}
