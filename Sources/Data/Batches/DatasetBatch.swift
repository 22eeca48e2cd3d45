import Synchronization
import Tensor

/// Some images of a data set and their labels, as a model takes them.
public struct Batch: Sendable {
  /// The images with values from 0 to 1, float32 [N, H, W, C].
  public internal(set) var images: Tensor
  /// The class of each position, int32 [N, positions].
  public let classes: Tensor
}

extension Dataset {
  /// The labels as classes.
  ///
  /// - Throws: `LabelError` for the first label that `codec` refuses.
  public func encodedLabels(codec: LabelCodec) throws -> EncodedLabels {
    try EncodedLabels(labels, codec: codec)
  }

  /// The images at `indices` and their labels.
  ///
  /// - Parameter labels: the labels of this data set, from `encodedLabels(codec:)`.
  /// - Throws: `DatasetError.damagedCache` where the pixels are in a file and can't be read.
  public func batch(_ indices: some Collection<Int>, labels: EncodedLabels) throws -> Batch {
    precondition(
      labels.count == count, "Dataset.batch: \(labels.count) labels do not belong to a data set of \(count) images")
    return Batch(images: try images(at: indices), classes: labels.classes(at: indices))
  }

  /// The images at `indices` with values from 0 to 1 (`byte / 255`), float32 [N, H, W, C].
  ///
  /// - Throws: `DatasetError.damagedCache` where the pixels are in a file and can't be read.
  public func images(at indices: some Collection<Int>) throws -> Tensor {
    let indices = Array(indices)
    var images = Tensor(uninitialized: [indices.count, height, width, channels])
    let fault = Mutex<(item: Int, error: any Error)?>(nil)
    images.withMutableElements(of: Float.self) { values in
      nonisolated(unsafe) let values = values
      Threads.forEachPart(of: indices.count, minimum: 4) { items, _ in
        for item in items {
          do {
            try withImageBytes(at: indices[item]) { bytes in
              let source = bytes.baseAddress!
              let target = values.baseAddress! + item * imageSize
              for offset in 0..<imageSize { target[offset] = Float(source[offset]) / 255 }
            }
          } catch {
            // The first image's error, whatever thread came first.
            fault.withLock { if item < $0?.item ?? .max { $0 = (item, error) } }
            return
          }
        }
      }
    }
    if let error = fault.withLock({ $0?.error }) { throw error }
    return images
  }
}

extension Image {
  /// The image as a batch of one with values from 0 to 1 (`byte / 255`), float32 [1, H, W, C].
  public var tensor: Tensor {
    Tensor(pixels.map { Float($0) / 255 }, shape: [1, height, width, channels])
  }
}
