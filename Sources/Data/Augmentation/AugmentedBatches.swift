import Tensor

/// The images of another source, changed at random by augmentations, one after the other.
///
/// What happens to image `i` in epoch `e` depends on the seed, `i` and `e` alone: not on its batch, not on the number of
/// threads, and not on whether the training was interrupted.
public struct AugmentedBatches: BatchSource {
  private let source: any BatchSource
  private let augmentations: [any Augmentation]
  private let seed: RandomStream

  public init(_ source: any BatchSource, augmentations: [any Augmentation], seed: UInt64) {
    self.source = source
    self.augmentations = augmentations
    self.seed = RandomStream(seed: seed).stream("augmentation")
  }

  public var count: Int { source.count }

  public func batch(_ indices: ArraySlice<Int>, epoch: Int) throws -> Batch {
    var batch = try source.batch(indices, epoch: epoch)
    augment(&batch.images, indices: indices, epoch: epoch)
    return batch
  }

  public var identity: String {
    "\(source.identity), changed by \(augmentations.map { "\($0)" }.joined(separator: ", "))"
  }

  public func contradictorySamples(limit: Int) throws -> [[Sample]] { try source.contradictorySamples(limit: limit) }

  /// - Parameter images: with values from 0 to 1, float32 [N, H, W, C].
  private func augment(_ images: inout Tensor, indices: ArraySlice<Int>, epoch: Int) {
    let (count, height, width, channels) = (images.shape[0], images.shape[1], images.shape[2], images.shape[3])
    let size = height * width * channels
    let stream = seed.stream("epoch", epoch)
    images.withMutableElements(of: Float.self) { values in
      nonisolated(unsafe) let values = values
      Threads.forEachPart(of: count) { items, _ in
        withUnsafeTemporaryAllocation(of: Float.self, capacity: size) { scratch in
          for item in items {
            let image = AugmentedImage(
              height: height, width: width, channels: channels,
              values: UnsafeMutableBufferPointer(rebasing: values[item * size..<(item + 1) * size]), scratch: scratch)
            let own = stream.stream("image", indices[indices.startIndex + item])
            for (position, augmentation) in augmentations.enumerated() {
              // A stream for each, so that what one draws does not shift what the next one does.
              var random = own.stream("step", position)
              augmentation.apply(to: image, using: &random)
            }
            for index in image.values.indices { image.values[index] = min(max(image.values[index], 0), 1) }
          }
        }
      }
    }
  }
}
