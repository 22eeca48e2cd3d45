/// The epochs whose details, which take much room, a file holds: each of the first ones, then ever fewer.
///
/// A long training so takes little more room than a short one, and one that ends early still has enough of them.
struct DetailSchedule {
  /// How many epochs out of each doubling of their number are due; a power of 2.
  let perDoubling: Int

  /// Whether an epoch, counted from 1, is due.
  func isDue(_ epoch: Int) -> Bool {
    let doubling = 1 << (Int.bitWidth - 1 - epoch.leadingZeroBitCount)
    return epoch % max(1, doubling / perDoubling) == 0
  }
}
