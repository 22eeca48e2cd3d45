import Foundation
import PluginConfiguration
import Yams

/// A value of a configuration together with the place where it was written, which errors name.
struct ConfigurationNode {
  enum Content {
    /// `isText` is true for quoted values, which are never numbers.
    case scalar(String, isText: Bool)
    case list([ConfigurationNode])
    case mapping([Entry])
  }

  /// A key with its value.
  struct Entry {
    let key: String
    /// Where the key was written.
    let origin: String
    var value: ConfigurationNode
  }

  var content: Content
  /// The file and line, or the option.
  var origin: String

  init(_ content: Content, origin: String) {
    self.content = content
    self.origin = origin
  }

  /// The mapping of a YAML document; an empty document is an empty mapping.
  init(document yaml: String, named name: String) throws {
    guard let node = try Self.compose(yaml.withoutByteOrderMark, origin: name) else {
      self.init(.mapping([]), origin: name)
      return
    }
    var left = Self.maximumValues
    self = try Self(node, left: &left) { mark in mark.map { "\(name):\($0.line)" } ?? name }
    if case .mapping = content { return }
    throw ConfigurationFileError(
      origin, "this is \(kind), not a configuration; start from the output of `captcha-cli config show`")
  }

  /// A value that was given in one piece, such as after `--set key=`.
  init(value yaml: String, origin: String) throws {
    guard let node = try Self.compose(yaml, origin: origin) else {
      self.init(.scalar("", isText: false), origin: origin)
      return
    }
    var left = Self.maximumValues
    self = try Self(node, left: &left) { _ in origin }
  }

  private static func compose(_ yaml: String, origin: String) throws -> Node? {
    do {
      return try Yams.compose(yaml: yaml)
    } catch {
      throw syntaxError(error, origin: origin)
    }
  }

  /// Yams's description has several lines, with a snippet.
  private static func syntaxError(_ error: any Error, origin: String) -> ConfigurationFileError {
    switch error as? YamlError {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return ConfigurationFileError("\(origin):\(mark.line)", "this is not YAML (\(problem)); correct the line")
    case .duplicatedKeysInMapping(let duplicates, _):
      return ConfigurationFileError(
        origin, "the key \"\(duplicates.first ?? "")\" is given twice in one section; keep one of them")
    default:
      let line = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
      return ConfigurationFileError(origin, "this is not YAML (\(line)); correct it")
    }
  }

  /// More than any configuration has: aliases of aliases make any number of values of a few lines. Those in keys are not
  /// counted.
  private static let maximumValues = 100_000

  /// - Parameter left: how many values there may still be.
  private init(_ node: Node, left: inout Int, origin: (Mark?) -> String) throws {
    let place = origin(node.mark)
    left -= 1
    if left < 0 {
      throw ConfigurationFileError(
        place, "more than \(Self.maximumValues) values, aliases counted each time; write fewer")
    }
    switch node {
    case .scalar(let scalar):
      let isText = [.singleQuoted, .doubleQuoted, .literal, .folded].contains(scalar.style)
      self.init(.scalar(scalar.string, isText: isText), origin: place)
    case .sequence(let elements):
      self.init(.list(try elements.map { try Self($0, left: &left, origin: origin) }), origin: place)
    case .mapping(let pairs):
      let entries = try pairs.map { key, value in
        guard let name = key.scalar?.string else {
          throw ConfigurationFileError(origin(key.mark), "a key must be a plain word; correct it")
        }
        return Entry(key: name, origin: origin(key.mark), value: try Self(value, left: &left, origin: origin))
      }
      self.init(.mapping(entries), origin: place)
    case .alias:
      throw ConfigurationFileError(place, "an alias to something that is not there; write the value out")
    }
  }

  // MARK: Reading

  /// Whether nothing is given (`null`, `~` or nothing at all).
  var isNull: Bool {
    if case .scalar(let text, isText: false) = content { return Node(text, .implicit, .plain).null != nil }
    return false
  }

  /// The value as the plug-ins' registries take it.
  var value: ConfigurationValue {
    switch content {
    case .scalar(let text, isText: true): return .string(text)
    case .scalar(let text, isText: false):
      let node = Node(text, .implicit, .plain)
      if node.null != nil { return .null }
      if let value = node.int { return .integer(value) }
      if let value = node.float { return .number(value) }
      if let value = node.bool { return .boolean(value) }
      return .string(text)
    case .list(let elements): return .array(elements.map(\.value))
    case .mapping(let entries):
      return .object(Dictionary(entries.map { ($0.key, $0.value.value) }) { $1 })
    }
  }

  /// What the value is, for messages.
  var kind: String {
    switch content {
    case .scalar(let text, _): return isNull ? "null" : text.isEmpty ? "an empty text" : text
    case .list: return "a list"
    case .mapping: return "a section"
    }
  }

  subscript(key: String) -> ConfigurationNode? {
    guard case .mapping(let entries) = content else { return nil }
    return entries.last { $0.key == key }?.value
  }

  // MARK: Laying one configuration over another

  /// This configuration with what `other` gives in place of its own.
  ///
  /// Sections are merged key by key, lists and plain values replaced. Where `other` names a component (`name`), that
  /// component's arguments are those of `other` alone.
  func overlaid(with other: ConfigurationNode) -> ConfigurationNode {
    guard case .mapping(var entries) = content, case .mapping(let others) = other.content, other["name"] == nil else {
      return other
    }
    for entry in others {
      if let index = entries.firstIndex(where: { $0.key == entry.key }) {
        entries[index].value = entries[index].value.overlaid(with: entry.value)
      } else {
        entries.append(entry)
      }
    }
    return ConfigurationNode(.mapping(entries), origin: origin)
  }
}
