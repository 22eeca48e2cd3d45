/// What a folder has too little of.
enum BalanceFindings {
  /// A type is rare if it has less than this share of the mean over the types.
  private static let rareShare = 0.1

  static func findings(
    _ statistics: DatasetStatistics, charset: Charset?, expectsWholeCharset: Bool
  ) -> [DatasetFinding] {
    guard statistics.count > 0 else { return [] }
    return absentCharacters(statistics, charset: charset, expectsWhole: expectsWholeCharset) + rareTypes(statistics)
  }

  private static func absentCharacters(
    _ statistics: DatasetStatistics, charset: Charset?, expectsWhole: Bool
  ) -> [DatasetFinding] {
    guard let charset else { return [] }
    let present = Set(charset.characters.filter { statistics.characters[String($0)] != nil })
    let groups = Set(present.map(group))
    let absent = charset.characters.filter { !present.contains($0) && (expectsWhole || groups.contains(group($0))) }
    if absent.isEmpty { return [] }
    let expected = charset.characters.count { expectsWhole || groups.contains(group($0)) }
    return [
      DatasetFinding(
        .absentCharacters, files: [],
        detail: "\(absent.count) of \(expected) characters are in no label: \(String(absent))")
    ]
  }

  private enum Group { case digits, smallLetters, capitalLetters, others }

  private static func group(_ character: Character) -> Group {
    character.isASCII && character.isNumber
      ? .digits : character.isLowercase ? .smallLetters : character.isUppercase ? .capitalLetters : .others
  }

  private static func rareTypes(_ statistics: DatasetStatistics) -> [DatasetFinding] {
    let types = statistics.types
    let total = types.values.reduce(0, +)
    let mean = Double(total) / Double(max(types.count, 1))
    return types.filter { Double($0.value) < rareShare * mean }.sorted { $0.key < $1.key }.map {
      DatasetFinding(
        .rareType, files: [],
        detail: "type \"\($0.key)\" has \($0.value) of \(total) images, where the mean of the types is "
          + "\(Int(mean.rounded()))")
    }
  }
}
