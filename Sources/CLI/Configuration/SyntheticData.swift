import PluginConfiguration

extension ConfigurationNode {
  /// The value of `data` that asks for images drawn anew in every epoch.
  static let syntheticData = "synthetic"

  /// This configuration with `other` laid over it, in which `data: synthetic` stands for a section without a folder and
  /// with fresh images.
  func overlaid(withConfiguration other: ConfigurationNode) throws -> ConfigurationNode {
    overlaid(with: try other.expandingData())
  }

  /// The configuration after an override, which may be `data=synthetic`.
  func applying(_ override: String) throws -> ConfigurationNode {
    let changed = try ConfigurationOverride(override).applied(to: self)
    guard let data = changed["data"], case .scalar = data.content, !data.isNull else { return changed }
    let entry = Entry(key: "data", origin: data.origin, value: data)
    return try overlaid(withConfiguration: ConfigurationNode(.mapping([entry]), origin: data.origin))
  }

  private func expandingData() throws -> ConfigurationNode {
    guard case .mapping(var entries) = content,
      let index = entries.firstIndex(where: { $0.key == "data" }), !entries[index].value.isNull,
      case .scalar(let text, _) = entries[index].value.content
    else { return self }
    let place = entries[index].value.origin
    guard text == Self.syntheticData else {
      let remedy =
        nearestName(to: text, in: [Self.syntheticData]).map { "did you mean \($0)?" }
        ?? "give a section with keys, such as path for a folder, or \(Self.syntheticData)"
      throw ConfigurationFileError(place, "data is \(entries[index].value.kind); \(remedy)")
    }
    func section(_ pairs: [(String, Content)]) -> Content {
      .mapping(pairs.map { Entry(key: $0, origin: place, value: ConfigurationNode($1, origin: place)) })
    }
    let null = Content.scalar("null", isText: false)
    entries[index].value.content = section([
      ("path", null), ("validation_path", null), ("cache", null),
      ("generate", section([("fresh", .scalar("true", isText: false))])),
    ])
    return ConfigurationNode(.mapping(entries), origin: origin)
  }
}
