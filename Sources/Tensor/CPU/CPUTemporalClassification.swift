import CKernels

/// Connectionist temporal classification, divided among the threads by image.
extension CPUBackend {
  public func ctc(_ logits: Tensor, labels: Tensor, blank: Int) -> (losses: [Double], slopes: Tensor) {
    let (images, columns, classes) = (logits.shape[0], logits.shape[1], logits.shape[2])
    let positions = labels.shape[1]
    let slopes = Tensor(uninitialized: logits.shape)
    let scratchSize = kernels.temporal_classification_scratch(columns, positions)
    // An image of a usual size takes a few microseconds, about as long as it takes to wake a thread.
    let minimum = max(1, 32_768 / max(1, columns * classes))
    let losses = [Double](unsafeUninitializedCapacity: images) { buffer, count in
      count = images
      guard let base = buffer.baseAddress else { return }
      let shared = SharedPointer(base)
      Threads.forEachPart(of: images, minimum: minimum) { part, _ in
        var geometry = ckernels_temporal_classification(columns: columns, classes: classes, blank: blank)
        let scratch = Tensor(uninitialized: [2 * scratchSize])
        withExtendedLifetime(scratch) {
          let doubles = scratch.storage.bytes.assumingMemoryBound(to: Double.self)
          for image in part {
            let label = UnsafeBufferPointer(start: labels.int32s + image * positions, count: positions)
            let length = label.firstIndex(of: Int32(blank)) ?? positions
            let first = image * columns * classes
            let loss = kernels.temporal_classification(
              &geometry, logits.floats + first, label.baseAddress, length, doubles, slopes.floats + first)
            (shared.pointer + image).initialize(to: loss)
          }
        }
      }
    }
    return (losses, slopes)
  }
}

extension Tensor {
  /// The int32 elements' address; valid while the tensor lives.
  fileprivate var int32s: UnsafeMutablePointer<Int32> { storage.bytes.assumingMemoryBound(to: Int32.self) }
}
