/// Characters that look so alike that a reading which takes one for the other is hardly the reader's fault.
public enum ConfusableCharacters {
  /// The characters of each group, the first of which stands for all.
  ///
  /// Letters whose two cases differ in size only (in DejaVu Sans Bold, the font of the classic style, scaled to the same
  /// height they cover each other by more than 80 %), capital I and small l, which are both a bar, and digits beside the
  /// letters that they are usually taken for.
  public static let groups = ["0Oo", "1Il", "2Zz", "5Ss", "8B", "9gq", "Cc", "Vv", "Ww", "Xx"]

  private static let representatives: [Character: Character] = {
    var result: [Character: Character] = [:]
    for group in groups { for character in group { result[character] = group.first } }
    return result
  }()

  /// The text with the first character of its group in place of each confusable one.
  public static func merged(_ text: String) -> String { String(text.map { representatives[$0] ?? $0 }) }
}
