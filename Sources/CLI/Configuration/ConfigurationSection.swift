import PluginConfiguration
import Yams

/// Reads the keys of one section one by one; `finish()` then refuses those that nobody asked for.
struct ConfigurationSection {
  /// The section's key path, empty for the whole configuration.
  private let path: String
  private let node: ConfigurationNode
  private let entries: [ConfigurationNode.Entry]
  private var known: [String] = []

  init(_ node: ConfigurationNode, path: String = "") throws {
    guard case .mapping(let entries) = node.content else {
      throw ConfigurationFileError(node.origin, "\(path) is \(node.kind); give a section with keys")
    }
    self.path = path
    self.node = node
    self.entries = entries
  }

  /// The value of a key; nil where it is absent or null.
  mutating func optional(_ key: String) -> ConfigurationNode? {
    known.append(key)
    guard let value = entries.last(where: { $0.key == key })?.value, !value.isNull else { return nil }
    return value
  }

  mutating func required(_ key: String, _ expected: String) throws -> ConfigurationNode {
    if let value = optional(key) { return value }
    let origin = entries.last { $0.key == key }?.value.origin ?? node.origin
    throw ConfigurationFileError(origin, "\(full(key)) is missing; give \(expected)")
  }

  mutating func section(_ key: String) throws -> ConfigurationSection {
    try ConfigurationSection(required(key, "a section with keys"), path: full(key))
  }

  mutating func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int {
    let expected =
      range.upperBound == .max ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
    let node = try required(key, "a whole number, \(expected)")
    guard case .integer(let value) = node.value, range.contains(value) else {
      throw invalid(key, node, "a whole number, \(expected)")
    }
    return value
  }

  mutating func number(_ key: String, in range: ClosedRange<Double>) throws -> Double {
    let expected = "a number from \(range.lowerBound) to \(range.upperBound)"
    let node = try required(key, expected)
    guard let value = Self.number(node), range.contains(value) else { throw invalid(key, node, expected) }
    return value
  }

  mutating func optionalNumber(_ key: String, from lower: Double, below upper: Double) throws -> Double? {
    guard let node = optional(key) else { return nil }
    guard let value = Self.number(node), value >= lower, value < upper else {
      throw invalid(key, node, "a number from \(lower)" + (upper.isFinite ? " to below \(upper)" : ""))
    }
    return value
  }

  mutating func boolean(_ key: String) throws -> Bool {
    let node = try required(key, "true or false")
    guard case .boolean(let value) = node.value else { throw invalid(key, node, "true or false") }
    return value
  }

  mutating func text(_ key: String, _ expected: String) throws -> String {
    let node = try required(key, expected)
    guard case .scalar(let text, _) = node.content, !text.isEmpty else { throw invalid(key, node, expected) }
    return text
  }

  mutating func optionalText(_ key: String, _ expected: String) throws -> String? {
    guard let node = optional(key) else { return nil }
    guard case .scalar(let text, _) = node.content, !text.isEmpty else { throw invalid(key, node, expected) }
    return text
  }

  mutating func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, _ type: Choice.Type = Choice.self
  ) throws -> Choice where Choice.RawValue == String {
    let expected = Self.alternatives(Choice.allCases.map(\.rawValue))
    let node = try required(key, expected)
    guard let choice = Self.choice(node, Choice.self) else { throw invalid(key, node, expected) }
    return choice
  }

  mutating func optionalChoice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, _ type: Choice.Type = Choice.self
  ) throws -> Choice? where Choice.RawValue == String {
    guard let node = optional(key) else { return nil }
    guard let choice = Self.choice(node, Choice.self) else {
      throw invalid(key, node, Self.alternatives(Choice.allCases.map(\.rawValue)))
    }
    return choice
  }

  mutating func choices<Choice: RawRepresentable & CaseIterable>(
    _ key: String, _ type: Choice.Type = Choice.self
  ) throws -> [Choice] where Choice.RawValue == String {
    let expected = "a list of " + Self.alternatives(Choice.allCases.map(\.rawValue))
    let node = try required(key, expected)
    guard case .list(let elements) = node.content, !elements.isEmpty else { throw invalid(key, node, expected) }
    return try elements.map { element in
      guard let choice = Self.choice(element, Choice.self) else { throw invalid(key, element, expected) }
      return choice
    }
  }

  mutating func optionalIntegers(_ key: String) throws -> [Int]? {
    guard let node = optional(key) else { return nil }
    guard case .list(let elements) = node.content else { throw invalid(key, node, "a list of positive numbers") }
    return try elements.map { element in
      guard case .integer(let value) = element.value, value > 0 else {
        throw invalid(key, element, "a list of positive whole numbers")
      }
      return value
    }
  }

  mutating func lengths(_ key: String) throws -> ClosedRange<Int> {
    let node = try required(key, "a range such as 4...8")
    guard case .scalar(let text, _) = node.content, let range = LengthRange(text)?.range else {
      throw invalid(key, node, "a range such as 4...8, or one number")
    }
    return range
  }

  mutating func optionalLengths(_ key: String) throws -> ClosedRange<Int>? {
    optional(key) == nil ? nil : try lengths(key)
  }

  /// A component: its bare name, or a section with `name` and arguments.
  mutating func component(_ key: String) throws -> LocatedComponent {
    let node = try required(key, "a name, or a section with the key name")
    return try LocatedComponent(node, path: full(key))
  }

  mutating func components(_ key: String) throws -> [LocatedComponent] {
    // Null is what is left of a list when all its lines are taken out.
    guard let node = optional(key) else { return [] }
    guard case .list(let elements) = node.content else { throw invalid(key, node, "a list, each with the key name") }
    return try elements.enumerated().map { try LocatedComponent($1, path: "\(full(key)).\($0)") }
  }

  /// Refuses a key that nobody asked for, and names the nearest that is known.
  func finish() throws {
    guard let extra = entries.first(where: { !known.contains($0.key) }) else { return }
    let place = path.isEmpty ? "" : " in \(path)"
    let remedy =
      nearestName(to: extra.key, in: known).map { "did you mean \"\($0)\"?" }
      ?? "use one of \(known.sorted().joined(separator: ", "))"
    throw ConfigurationFileError(extra.origin, "unknown key \"\(extra.key)\"\(place); \(remedy)")
  }

  /// An error about the value of a key.
  func invalid(_ key: String, _ node: ConfigurationNode, _ expected: String) -> ConfigurationFileError {
    ConfigurationFileError(node.origin, "\(full(key)) is \(node.kind); give \(expected)")
  }

  /// Where a key's value was written, for errors that are found later.
  func origin(of key: String) -> String { entries.last { $0.key == key }?.value.origin ?? node.origin }

  /// The whole path of a key.
  func full(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  private static func number(_ node: ConfigurationNode) -> Double? {
    switch node.value {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  private static func choice<Choice: RawRepresentable & CaseIterable>(
    _ node: ConfigurationNode, _ type: Choice.Type
  ) -> Choice? where Choice.RawValue == String {
    guard case .scalar(let text, _) = node.content else { return nil }
    return Choice(rawValue: text)
  }

  static func alternatives(_ names: [String]) -> String {
    names.count < 2 ? names.joined() : names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
  }
}

/// A component of the configuration and the place where it was written.
struct LocatedComponent {
  let configuration: ComponentConfiguration
  let origin: String
  /// Its key path.
  let path: String

  init(_ node: ConfigurationNode, path: String) throws {
    origin = node.origin
    self.path = path
    switch node.content {
    case .scalar(let name, _) where !node.isNull && !name.isEmpty: configuration = ComponentConfiguration(name)
    case .mapping(let entries):
      guard case .scalar(let name, _)? = node["name"]?.content, !name.isEmpty else {
        throw ConfigurationFileError(node.origin, "\(path).name is missing; give the name of one")
      }
      let arguments = entries.filter { $0.key != "name" }.map { ($0.key, $0.value.value) }
      configuration = ComponentConfiguration(name, Dictionary(arguments) { $1 })
    default:
      throw ConfigurationFileError(
        node.origin, "\(path) is \(node.kind); give a name, or a section with the key name and arguments")
    }
  }

  /// Runs `body` and names this component's place in the error that it throws.
  func locating<Result>(_ body: (ComponentConfiguration) throws -> Result) throws -> Result {
    do {
      return try body(configuration)
    } catch {
      throw ConfigurationFileError(origin, "\(path): \(error)")
    }
  }
}
