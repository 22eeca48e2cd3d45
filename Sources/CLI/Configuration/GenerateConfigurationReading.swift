import Data
import PluginConfiguration

extension TrainingConfiguration.GenerateConfiguration {
  init(_ section: inout ConfigurationSection) throws {
    count = try section.integer("count", in: 2...100_000_000)
    fresh = try section.boolean("fresh")
    (types, typeWeights) = try section.weightedTypes("types")
    lengths = try section.lengths("lengths")
    charset = try section.optionalText("charset", "the characters to draw, or null for the model's letters and digits")
    foldCase = try section.boolean("fold_case")
    confusables = try section.boolean("confusables")
    mathLabel = try section.choice("math_label")
    style = try section.choice("style")
    fonts = try section.optionalTexts("fonts", "a list of font files or folders, or null for the style's own")
    width = try section.integer("width", in: GeneratorConfiguration.widths)
    height = try section.integer("height", in: GeneratorConfiguration.heights)
    var factors = try section.section("difficulty")
    difficulty = try GeneratorDifficulty(
      lines: factors.number("lines", in: GeneratorDifficulty.factors),
      noise: factors.number("noise", in: GeneratorDifficulty.factors),
      overlap: factors.number("overlap", in: GeneratorDifficulty.overlaps),
      blur: factors.number("blur", in: GeneratorDifficulty.factors))
    try factors.finish()
    try section.finish()
  }
}

extension GeneratorConfiguration {
  /// The images that a configuration draws; without characters of its own, of those that a model reads.
  init(_ configuration: TrainingConfiguration.GenerateConfiguration, charset: Charset) throws(GeneratorError) {
    try self.init(
      types: configuration.types, typeWeights: configuration.typeWeights, lengths: configuration.lengths,
      width: configuration.width, height: configuration.height, style: configuration.style,
      mathLabel: configuration.mathLabel,
      charset: configuration.charset ?? String(charset.characters.filter { $0.isLetter || $0.isNumber }),
      foldsCase: configuration.foldCase, includesConfusables: configuration.confusables, fonts: configuration.fonts,
      difficulty: configuration.difficulty)
  }
}

extension ConfigurationSection {
  /// Types as a list, or as a section with the weight of each.
  fileprivate mutating func weightedTypes(_ key: String) throws -> ([CaptchaType], [CaptchaType: Int]) {
    let expected = "a list of \(Self.alternatives(WeightedTypes.names)), or a section with the weight of each"
    let node = try required(key, expected)
    func type(_ name: String, origin: String) throws -> CaptchaType {
      if let type = CaptchaType(rawValue: name) { return type }
      let remedy =
        nearestName(to: name, in: WeightedTypes.names).map { "did you mean \"\($0)\"?" } ?? "give \(expected)"
      throw ConfigurationFileError(origin, "\(full(key)) is \(name.isEmpty ? "an empty text" : name); \(remedy)")
    }
    var (types, weights): ([CaptchaType], [CaptchaType: Int]) = ([], [:])
    switch node.content {
    case .list(let elements) where !elements.isEmpty:
      for element in elements {
        guard case .scalar(let name, _) = element.content else { throw invalid(key, element, expected) }
        let type = try type(name, origin: element.origin)
        if types.contains(type) {
          throw invalid(key, element, "each type once, or the weight of each, such as {digit: 2, alpha: 1}")
        }
        types.append(type)
        weights[type] = 1
      }
    case .mapping(let entries) where !entries.isEmpty:
      for entry in entries {
        let type = try type(entry.key, origin: entry.origin)
        guard case .integer(let weight) = entry.value.value, GeneratorConfiguration.weights.contains(weight) else {
          throw invalid("\(key).\(entry.key)", entry.value, "a whole number, 1 to 1000, or leave out the type")
        }
        types.append(type)
        weights[type] = weight
      }
    default: throw invalid(key, node, expected)
    }
    return (types, weights)
  }

  /// A list of texts that are not empty, each once; nil where it is null.
  fileprivate mutating func optionalTexts(_ key: String, _ expected: String) throws -> [String]? {
    guard let node = optional(key) else { return nil }
    if case .list(let elements) = node.content, elements.isEmpty { throw invalid(key, node, expected) }
    return try texts(node, key, expected)
  }

  /// A list of texts, which may be empty; null is an empty one.
  mutating func texts(_ key: String, _ expected: String) throws -> [String] {
    try optional(key).map { try texts($0, key, expected) } ?? []
  }

  private func texts(_ node: ConfigurationNode, _ key: String, _ expected: String) throws -> [String] {
    guard case .list(let elements) = node.content else { throw invalid(key, node, expected) }
    var texts: [String] = []
    for element in elements {
      guard case .scalar(let text, _) = element.content, !text.isEmpty, !element.isNull else {
        throw invalid(key, element, expected)
      }
      if texts.contains(text) { throw invalid(key, element, "each once") }
      texts.append(text)
    }
    return texts
  }
}
