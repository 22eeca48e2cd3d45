/// A plug-in as a configuration names it: a name and its arguments side by side.
/// ```yaml
/// - name: reduce_lr_on_plateau
///   factor: 0.5
///   patience: 8
/// ```
public struct ComponentConfiguration: Equatable, Sendable {
  public var name: String
  public var arguments: [String: ConfigurationValue]

  public init(_ name: String, _ arguments: [String: ConfigurationValue] = [:]) {
    self.name = name
    self.arguments = arguments
  }
}

extension ComponentConfiguration: Codable {
  public init(from decoder: any Decoder) throws {
    let value = try ConfigurationValue(from: decoder)
    switch value {
    case .string(let name): self.init(name)
    case .object(var fields):
      guard case .string(let name) = fields.removeValue(forKey: "name") else { fallthrough }
      self.init(name, fields)
    default:
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath, debugDescription: "give a name, or an object with the key \"name\""))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var fields = arguments
    fields["name"] = .string(name)
    try ConfigurationValue.object(fields).encode(to: encoder)
  }
}
