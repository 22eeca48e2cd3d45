/// Finds items that are equal among many by their hashes, and then makes sure that they are.
enum EqualGroups {
  /// The items `0..<hashes.count` that share their hash with another, those of each hash together in rising order.
  static func candidates(_ hashes: [UInt64]) -> [[Int]] {
    var groups: [[Int]] = []
    // Sorting takes far less memory than a dictionary of arrays.
    let order = hashes.indices.sorted { (hashes[$0], $0) < (hashes[$1], $1) }
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count && hashes[order[end]] == hashes[order[start]] { end += 1 }
      if end - start > 1 { groups.append(Array(order[start..<end])) }
      start = end
    }
    return groups
  }

  /// Divides candidates into groups of which all are equal; groups of one are left out.
  ///
  /// One content per group is held at a time, and the one that is compared with them.
  /// - Parameter content: what is compared; nil leaves the item out.
  static func verified<Content>(
    _ candidates: [Int], content: (Int) throws -> Content?, areEqual: (Content, Content) throws -> Bool
  ) rethrows -> [[Int]] {
    var groups: [(content: Content, members: [Int])] = []
    for item in candidates {
      guard let itemContent = try content(item) else { continue }
      if let group = try groups.firstIndex(where: { try areEqual($0.content, itemContent) }) {
        groups[group].members.append(item)
      } else {
        groups.append((itemContent, [item]))
      }
    }
    return groups.map(\.members).filter { $0.count > 1 }
  }
}
