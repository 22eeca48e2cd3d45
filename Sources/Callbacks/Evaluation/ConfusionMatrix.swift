/// How often each character was read as each other one, position by position.
public struct ConfusionMatrix: Sendable, Hashable, Codable {
  /// What rows and columns stand for; the empty text stands for no character.
  public let characters: [String]
  /// By row (what the label has) and column (what was read).
  public let counts: [[Int]]

  /// - Parameter counts: as many rows and columns as there are `characters`.
  public init(characters: [String], counts: [[Int]]) {
    precondition(
      counts.count == characters.count && counts.allSatisfy { $0.count == characters.count },
      "ConfusionMatrix: \(characters.count) characters need as many rows and columns")
    self.characters = characters
    self.counts = counts
  }
}
