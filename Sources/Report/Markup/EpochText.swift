/// Epochs in words, counted from 1.
enum EpochText {
  /// Beyond this many parts a list only says how many there are more.
  private static let maximumParts = 6

  /// `epoch 3`, or `epochs 3, 5–7`.
  ///
  /// - Parameter epochs: from 0, rising.
  static func list(_ epochs: [Int]) -> String {
    var ranges: [ClosedRange<Int>] = []
    for epoch in epochs {
      if let last = ranges.last, last.upperBound == epoch - 1 {
        ranges[ranges.count - 1] = last.lowerBound...epoch
      } else {
        ranges.append(epoch...epoch)
      }
    }
    let parts = ranges.prefix(maximumParts).map { range in
      range.count == 1
        ? NumberText.count(range.lowerBound + 1)
        : "\(NumberText.count(range.lowerBound + 1))–\(NumberText.count(range.upperBound + 1))"
    }
    let more = ranges.count > maximumParts ? " and more" : ""
    return (epochs.count == 1 ? "epoch " : "epochs ") + parts.joined(separator: ", ") + more
  }
}
