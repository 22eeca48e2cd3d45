import Data
import Synchronization
import Tensor

/// The batches of a training from a position on, epoch after epoch, each in its own order.
final class EpochBatches: Sendable {
  private let source: any BatchSource
  private let batchSize: Int
  private let seed: UInt64
  private let stepsPerEpoch: Int
  /// Counted from the first epoch's first batch.
  private let first: Int
  /// The orders of the epochs that are being made: at an epoch's end those of two.
  private let orders = Mutex<[(epoch: Int, order: BatchOrder)]>([])

  init(_ source: any BatchSource, batchSize: Int, seed: UInt64, epoch: Int, batch: Int) {
    self.source = source
    self.batchSize = batchSize
    self.seed = seed
    stepsPerEpoch = (source.count + batchSize - 1) / batchSize
    first = epoch * stepsPerEpoch + batch
  }

  /// How many batches there are until the end of `epochs` epochs.
  func count(epochs: Int) -> Int { max(0, epochs * stepsPerEpoch - first) }

  /// Batch `index`, counted from the position.
  func batch(_ index: Int) throws -> Batch {
    let (epoch, batch) = (first + index).quotientAndRemainder(dividingBy: stepsPerEpoch)
    return try source.batch(order(of: epoch)[batch], epoch: epoch)
  }

  private func order(of epoch: Int) -> BatchOrder {
    orders.withLock { orders in
      if let known = orders.first(where: { $0.epoch == epoch }) { return known.order }
      let order = BatchOrder(count: source.count, batchSize: batchSize, seed: seed, epoch: epoch)
      orders = orders.suffix(1) + [(epoch, order)]
      return order
    }
  }
}
