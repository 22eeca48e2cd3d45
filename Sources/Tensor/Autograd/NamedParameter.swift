/// A parameter under its path within a model.
public struct NamedParameter: Sendable {
  public let name: String
  public let parameter: Parameter

  public init(name: String, parameter: Parameter) {
    self.name = name
    self.parameter = parameter
  }
}
