import Foundation

/// What is known of the texts beforehand, and how they are searched for.
///
/// All of it holds for the text that is seen: where a question is read as its answer, for the question.
public struct DecodingOptions: Codable, Hashable, Sendable {
  /// The only characters that may be read; nil for all that the model knows.
  public var characters: String?
  /// The only lengths that may be read; nil for any up to the model's longest, and none where the model sees nothing.
  public var lengths: ClosedRange<Int>?
  public var grammar: DecodingGrammar
  /// How many beginnings of a text are followed at once through the columns of an image; 1 takes the best class of each
  /// column. Of no account for models that read by positions, of whose texts the best is always found.
  public var beamWidth: Int
  /// What logits are divided by before they become probabilities: above 1 makes readings less sure.
  public var temperature: Double
  /// Readings of less confidence are rejected, 0...1; nil for none.
  public var minimumConfidence: Double?

  public init(
    characters: String? = nil, lengths: ClosedRange<Int>? = nil, grammar: DecodingGrammar = .none, beamWidth: Int = 1,
    temperature: Double = 1, minimumConfidence: Double? = nil
  ) {
    self.characters = characters
    self.lengths = lengths
    self.grammar = grammar
    self.beamWidth = beamWidth
    self.temperature = temperature
    self.minimumConfidence = minimumConfidence
  }

  /// Keys that are missing have their defaults.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      characters: try values.decodeIfPresent(String.self, forKey: .characters),
      lengths: try values.decodeIfPresent(ClosedRange<Int>.self, forKey: .lengths),
      grammar: try values.decodeIfPresent(DecodingGrammar.self, forKey: .grammar) ?? .none,
      beamWidth: try values.decodeIfPresent(Int.self, forKey: .beamWidth) ?? 1,
      temperature: try values.decodeIfPresent(Double.self, forKey: .temperature) ?? 1,
      minimumConfidence: try values.decodeIfPresent(Double.self, forKey: .minimumConfidence))
  }

  /// Refuses what cannot be used to read texts of `codec`.
  public func validate(for codec: LabelCodec) throws(DecodingOptionsError) {
    func require(_ condition: Bool, _ key: String, _ value: String, _ remedy: String) throws(DecodingOptionsError) {
      if !condition { throw DecodingOptionsError(key: key, value: value, remedy: remedy) }
    }
    if let characters {
      try require(!characters.isEmpty, "characters", "empty", "give at least one character, or leave it out for all")
      if let other = characters.first(where: { codec.charset.index(of: $0) == nil }) {
        try require(
          false, "characters", "\"\(characters.visible)\"",
          "the model cannot read \"\(String(other).visible)\"; use some of \"\(codec.charset.text)\"")
      }
    }
    if let lengths {
      try require(
        lengths.lowerBound >= 1 && lengths.upperBound <= codec.maximumLength, "lengths",
        "\(lengths.lowerBound)...\(lengths.upperBound)", "give lengths within 1...\(codec.maximumLength)")
    }
    try require((1...1024).contains(beamWidth), "beam_width", "\(beamWidth)", "give 1 to 1024")
    try require((0.001...1000).contains(temperature), "temperature", "\(temperature)", "give 0.001 to 1000")
    if let minimumConfidence {
      try require(
        (0...1).contains(minimumConfidence), "minimum_confidence", "\(minimumConfidence)", "give 0 to 1")
    }
  }

  /// Whether a reading is not to be relied on. One without a confidence (NaN) is not.
  public func rejects(_ reading: Reading) -> Bool { minimumConfidence.map { !(reading.confidence >= $0) } ?? false }
}

/// Why texts cannot be decoded as asked, in one line that names the key.
public struct DecodingOptionsError: Error, Equatable, CustomStringConvertible, LocalizedError {
  /// As model files spell it, such as `beam_width`.
  public let key: String
  public let value: String
  public let remedy: String

  public init(key: String, value: String, remedy: String) {
    self.key = key
    self.value = value
    self.remedy = remedy
  }

  public var description: String { "decoding.\(key): \(value) is not usable; \(remedy)" }
  public var errorDescription: String? { description }
}
