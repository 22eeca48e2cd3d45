import Foundation

/// What is wrong with a configured plug-in, in one line that names the key or value and the remedy.
public enum ConfigurationError: Error, Equatable, CustomStringConvertible, LocalizedError {
  /// `kind` says what was named, such as "callback".
  case unknownName(kind: String, name: String, known: [String])
  case unknownArgument(component: String, argument: String, known: [String])
  /// `expected` says what the argument must be, such as "a positive number".
  case invalidValue(component: String, argument: String, value: String, expected: String)
  case missingArgument(component: String, argument: String, expected: String)
  /// Two arguments that exclude each other.
  case conflict(component: String, arguments: [String])

  public var description: String {
    switch self {
    case .unknownName(let kind, let name, let known):
      return "there is no \(kind) \"\(name)\"; \(Self.remedy(name, known))"
    case .unknownArgument(let component, let argument, let known):
      return "\(component) has no argument \"\(argument)\"; \(Self.remedy(argument, known))"
    case .invalidValue(let component, let argument, let value, let expected):
      return "\(component): \(argument) is \(value); give \(expected)"
    case .missingArgument(let component, let argument, let expected):
      return "\(component): \(argument) is missing; give \(expected)"
    case .conflict(let component, let arguments):
      return "\(component): \(arguments.joined(separator: " and ")) exclude each other; give one of them"
    }
  }

  public var errorDescription: String? { description }

  private static func remedy(_ name: String, _ known: [String]) -> String {
    if known.isEmpty { return "it takes none" }
    if let nearest = nearestName(to: name, in: known) { return "did you mean \"\(nearest)\"?" }
    return "choose one of: \(known.sorted().joined(separator: ", "))"
  }
}

/// The name in `names` that differs least from `name`, compared without case and separators; nil where none is near.
///
/// Near means that at most a third of the characters need a change (edit distance).
public func nearestName(to name: String, in names: some Sequence<String>) -> String? {
  func plain(_ text: String) -> [Character] { text.lowercased().filter { $0.isLetter || $0.isNumber } }
  let wanted = plain(name)
  let ranked = names.map { (name: $0, distance: editDistance(wanted, plain($0))) }
  guard let best = ranked.min(by: { ($0.distance, $0.name) < ($1.distance, $1.name) }) else { return nil }
  return best.distance <= max(1, max(wanted.count, best.name.count) / 3) ? best.name : nil
}

/// The smallest number of characters to insert, delete, replace or swap with their neighbour that turns `first` into
/// `second` (optimal string alignment).
private func editDistance(_ first: [Character], _ second: [Character]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...second.count)
  for (i, a) in first.enumerated() {
    var row = [i + 1]
    for (j, b) in second.enumerated() {
      var best = min(last[j] + (a == b ? 0 : 1), row[j] + 1, last[j + 1] + 1)
      if i > 0, j > 0, a == second[j - 1], first[i - 1] == b { best = min(best, beforeLast[j - 1] + 1) }
      row.append(best)
    }
    (beforeLast, last) = (last, row)
  }
  return last[second.count]
}
