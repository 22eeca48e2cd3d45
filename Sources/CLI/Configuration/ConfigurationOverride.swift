import PluginConfiguration

/// One `--set key.path=value`.
///
/// The parts of the path are keys; in a list they are the element's number from 0, or its `name`:
/// `callbacks.reduce_lr_on_plateau.patience=5`. The value is YAML.
struct ConfigurationOverride {
  private let path: [String]
  private let value: ConfigurationNode
  private let origin: String

  init(_ text: String) throws {
    origin = "--set \(text)"
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    path = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !path.contains("") else {
      throw ConfigurationFileError(origin, "not of the form key.path=value; write for example training.epochs=3")
    }
    value = try ConfigurationNode(value: String(parts[1]), origin: origin)
  }

  /// The configuration with the value in its place.
  func applied(to root: ConfigurationNode) throws -> ConfigurationNode { try set(path[...], in: root) }

  private func set(_ rest: ArraySlice<String>, in node: ConfigurationNode) throws -> ConfigurationNode {
    guard let key = rest.first else { return value }
    switch node.content {
    case .mapping(var entries):
      let index = entries.firstIndex { $0.key == key }
      // A component of another name has other arguments.
      if key == "name", rest.count == 1, index != nil, node["name"]?.kind != value.kind {
        return ConfigurationNode(
          .mapping([ConfigurationNode.Entry(key: key, origin: origin, value: value)]), origin: origin)
      }
      let earlier = index.map { entries[$0].value } ?? ConfigurationNode(.mapping([]), origin: origin)
      let entry = ConfigurationNode.Entry(key: key, origin: origin, value: try set(rest.dropFirst(), in: earlier))
      if let index { entries[index] = entry } else { entries.append(entry) }
      return ConfigurationNode(.mapping(entries), origin: node.origin)
    case .list(var elements):
      let index = try elementIndex(key, of: elements, parent: path[..<rest.startIndex].joined(separator: "."))
      elements[index] = try set(rest.dropFirst(), in: elements[index])
      return ConfigurationNode(.list(elements), origin: node.origin)
    case .scalar where node.isNull:
      return try set(rest, in: ConfigurationNode(.mapping([]), origin: origin))
    case .scalar(let name, _) where isComponent(path[..<rest.startIndex]):
      // A component that is written as its bare name gets its first argument.
      let entry = ConfigurationNode.Entry(
        key: "name", origin: node.origin,
        value: ConfigurationNode(.scalar(name, isText: true), origin: node.origin))
      return try set(rest, in: ConfigurationNode(.mapping([entry]), origin: node.origin))
    case .scalar:
      let parent = path[..<rest.startIndex].joined(separator: ".")
      throw ConfigurationFileError(origin, "\(parent) is \(node.kind) and has no keys; set \(parent) itself")
    }
  }

  /// Whether a plug-in is written at this path.
  private func isComponent(_ path: ArraySlice<String>) -> Bool {
    switch path.first {
    case "optimizer", "loss": path.count == 1
    case "callbacks": path.count == 2
    case "data": path.count == 3 && path[1] == "augmentations"
    default: false
    }
  }

  private func elementIndex(_ key: String, of elements: [ConfigurationNode], parent: String) throws -> Int {
    if let index = Int(key) {
      guard elements.indices.contains(index) else {
        throw ConfigurationFileError(
          origin, "\(parent) has \(elements.count) elements, numbered from 0; there is no element \(index)")
      }
      return index
    }
    let names = elements.map { $0["name"]?.kind ?? $0.kind }
    let found = names.indices.filter { names[$0] == key }
    if found.count == 1 { return found[0] }
    if found.count > 1 {
      throw ConfigurationFileError(
        origin,
        "\(parent) has \"\(key)\" \(found.count) times; give its number: "
          + found.map { "\(parent).\($0)" }.joined(separator: " or "))
    }
    let remedy =
      nearestName(to: key, in: names).map { "did you mean \"\($0)\"?" }
      ?? "it has \(names.isEmpty ? "no elements" : names.joined(separator: ", "))"
    throw ConfigurationFileError(origin, "\(parent) has no \"\(key)\"; \(remedy)")
  }
}
