/// Reads a plug-in's configured arguments one by one; at the end, `requireAllRead()` refuses those that nobody asked for.
/// ```swift
/// let patience = try arguments.integer("patience", default: 10, in: 0...)
/// ```
public struct ConfigurationArguments {
  /// The plug-in's name, for messages.
  public let component: String
  private var rest: [String: ConfigurationValue]
  private var known: [String] = []

  public init(_ configuration: ComponentConfiguration) {
    component = configuration.name
    rest = configuration.arguments
  }

  /// The value of an argument; nil where it is absent or null.
  public mutating func value(_ name: String) -> ConfigurationValue? {
    known.append(name)
    let value = rest.removeValue(forKey: name)
    return value == .null ? nil : value
  }

  public mutating func optionalNumber(_ name: String, in range: some RangeExpression<Double>) throws -> Double? {
    guard let value = value(name) else { return nil }
    let number: Double? =
      switch value {
      case .integer(let value): Double(value)
      case .number(let value): value
      default: nil
      }
    guard let number, range.contains(number) else { throw invalid(name, value, Self.describe(range, "a number")) }
    return number
  }

  public mutating func optionalNumber(_ name: String) throws -> Double? {
    try optionalNumber(name, in: (-Double.infinity)...)
  }

  public mutating func number(_ name: String, default fallback: Double) throws -> Double {
    try optionalNumber(name) ?? fallback
  }

  public mutating func number(
    _ name: String, default fallback: Double, in range: some RangeExpression<Double>
  ) throws -> Double {
    try optionalNumber(name, in: range) ?? fallback
  }

  /// A number that must be given.
  public mutating func number(_ name: String, in range: some RangeExpression<Double>) throws -> Double {
    guard let number = try optionalNumber(name, in: range) else {
      throw missing(name, Self.describe(range, "a number"))
    }
    return number
  }

  public mutating func optionalInteger(_ name: String, in range: some RangeExpression<Int>) throws -> Int? {
    guard let value = value(name) else { return nil }
    guard case .integer(let integer) = value, range.contains(integer) else {
      throw invalid(name, value, Self.describe(range, "an integer"))
    }
    return integer
  }

  public mutating func integer(
    _ name: String, default fallback: Int, in range: some RangeExpression<Int>
  ) throws -> Int {
    try optionalInteger(name, in: range) ?? fallback
  }

  /// An integer that must be given.
  public mutating func integer(_ name: String, in range: some RangeExpression<Int>) throws -> Int {
    guard let integer = try optionalInteger(name, in: range) else {
      throw missing(name, Self.describe(range, "an integer"))
    }
    return integer
  }

  public mutating func boolean(_ name: String, default fallback: Bool) throws -> Bool {
    guard let value = value(name) else { return fallback }
    guard case .boolean(let boolean) = value else { throw invalid(name, value, "true or false") }
    return boolean
  }

  public mutating func optionalString(_ name: String) throws -> String? {
    guard let value = value(name) else { return nil }
    guard case .string(let string) = value else { throw invalid(name, value, "a text") }
    return string
  }

  public mutating func string(_ name: String, default fallback: String) throws -> String {
    try optionalString(name) ?? fallback
  }

  /// One of the texts that stand for the cases of `Choice`.
  public mutating func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, default fallback: Choice
  ) throws -> Choice where Choice.RawValue == String {
    guard let value = value(name) else { return fallback }
    guard case .string(let text) = value, let choice = Choice(rawValue: text) else {
      throw invalid(name, value, Choice.allCases.map(\.rawValue).joined(separator: " or "))
    }
    return choice
  }

  /// Throws for an argument that was given and not read.
  public func requireAllRead() throws {
    guard let extra = rest.keys.min() else { return }
    throw ConfigurationError.unknownArgument(component: component, argument: extra, known: known)
  }

  private func invalid(_ name: String, _ value: ConfigurationValue, _ expected: String) -> ConfigurationError {
    .invalidValue(component: component, argument: name, value: value.description, expected: expected)
  }

  private func missing(_ name: String, _ expected: String) -> ConfigurationError {
    // A misspelt name is what the user sees, not the one that is missing.
    let unread = rest.keys.sorted()
    if let misspelt = nearestName(to: name, in: unread) {
      return .unknownArgument(component: component, argument: misspelt, known: [name])
    }
    return .missingArgument(component: component, argument: name, expected: expected)
  }

  private static func describe<Bound>(_ range: some RangeExpression<Bound>, _ kind: String) -> String {
    switch range {
    case let range as PartialRangeFrom<Double> where range.lowerBound == -.infinity: kind
    case let range as PartialRangeFrom<Bound>: "\(kind) of at least \(range.lowerBound)"
    case let range as ClosedRange<Bound>: "\(kind) from \(range.lowerBound) to \(range.upperBound)"
    case let range as Range<Bound>: "\(kind) from \(range.lowerBound) to below \(range.upperBound)"
    default: "\(kind) in \(range)"
    }
  }
}
