import Tensor

/// The image indices of each batch of an epoch.
///
/// Every index of `0..<count` occurs once; the last batch is shorter if `count` is no multiple of `batchSize`.
public struct BatchOrder: RandomAccessCollection, Sendable {
  /// The images of each batch but the last.
  public let batchSize: Int
  private let order: [Int]

  /// Batches in a random order that depends on `seed` and `epoch` only, so that a resumed training goes on with the same.
  public init(count: Int, batchSize: Int, seed: UInt64, epoch: Int) {
    var stream = RandomStream(seed: seed).stream("order", epoch)
    self.init(order: stream.permutation(count), batchSize: batchSize)
  }

  /// Batches in the order of the indices.
  public init(count: Int, batchSize: Int) {
    self.init(order: Array(0..<count), batchSize: batchSize)
  }

  private init(order: [Int], batchSize: Int) {
    precondition(batchSize > 0, "BatchOrder: batchSize must be positive, not \(batchSize)")
    self.order = order
    self.batchSize = batchSize
  }

  public var startIndex: Int { 0 }

  /// The number of batches.
  public var endIndex: Int { (order.count + batchSize - 1) / batchSize }

  /// The image indices of batch `index`.
  public subscript(index: Int) -> ArraySlice<Int> {
    precondition(indices.contains(index), "BatchOrder: batch \(index) is not in \(indices)")
    return order[(index * batchSize)..<Swift.min((index + 1) * batchSize, order.count)]
  }
}
