import Tensor

/// What became of each parameter when a model was started from the weights of another.
public struct TransferReport: Sendable {
  /// What became of one parameter.
  public enum Fate: String, Sendable, Codable, CaseIterable {
    /// All of its values are those of the file.
    case taken
    /// Some of its values are those of the file, the others were drawn.
    case partlyTaken = "partly taken"
    /// None of its values are those of the file.
    case drawnAnew = "drawn anew"
    /// A parameter of the file that the model does not have.
    case notUsed = "not used"
  }

  /// A parameter of the model or, where it is not used, of the file.
  public struct Entry: Sendable {
    public let name: String
    public let shape: Shape
    public let fate: Fate
    /// Which part was taken, or why none was; empty where there is nothing to say.
    public let detail: String
  }

  /// Where the weights came from.
  public let file: String
  /// The parameters of the model in their order, then those of the file that are not used.
  public let entries: [Entry]

  public func entries(_ fate: Fate) -> [Entry] { entries.filter { $0.fate == fate } }

  /// The report for people to read: how many, and then a line for each parameter.
  public var lines: [String] {
    let counts = Fate.allCases.map { "\($0.rawValue) \(entries($0).count)" }
    return ["weights from \(file): \(counts.joined(separator: ", "))"]
      + entries.map { entry in
        let fate = entry.fate.rawValue
        let padding = String(repeating: " ", count: 12 - fate.count)
        return "  \(fate)\(padding)  \(entry.name) \(entry.shape)" + (entry.detail.isEmpty ? "" : ": \(entry.detail)")
      }
  }
}
