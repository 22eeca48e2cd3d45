import Data
import Foundation
import PluginConfiguration

/// Types with weights as a user writes them on the command line: `digit=3,alpha=1,mixed`.
struct WeightedTypes: Equatable {
  let types: [CaptchaType]
  /// Those that are given.
  var weights: [CaptchaType: Int] = [:]

  static let names = CaptchaType.allCases.map(\.rawValue)

  /// Why types cannot be read, in one line.
  struct ParsingError: Error, CustomStringConvertible {
    let description: String
  }

  init(_ types: [CaptchaType]) { self.types = types }

  init(parsing text: String) throws {
    var types: [CaptchaType] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let fields = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespaces) }
      guard let type = CaptchaType(rawValue: fields[0]) else {
        let remedy =
          nearestName(to: fields[0], in: Self.names).map { "did you mean \"\($0)\"?" }
          ?? "use \(ConfigurationSection.alternatives(Self.names))"
        throw ParsingError(description: "there is no type \"\(fields[0])\"; \(remedy)")
      }
      if types.contains(type) {
        throw ParsingError(description: "\(type) is in it twice; name it once, with a weight (\(type)=2) to draw more")
      }
      types.append(type)
      guard fields.count == 2 else { continue }
      guard let weight = Int(fields[1]), GeneratorConfiguration.weights.contains(weight) else {
        throw ParsingError(
          description:
            "the weight of \(type) is \"\(fields[1])\"; give a whole number, 1 to 1000, or leave out the type")
      }
      weights[type] = weight
    }
    self.types = types
  }
}
