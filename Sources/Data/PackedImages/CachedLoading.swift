import Foundation

extension DatasetLoader {
  /// The images of `samples` from the cache, which is made first where it is missing or stale.
  ///
  /// The cache holds all images that the folder offers, whatever their labels are: labels are read and checked at each
  /// load.
  /// - Parameters:
  ///   - samples: some of `listed`, in the same order.
  ///   - listed: what the folder offers.
  func readFromCache(
    _ path: String, _ samples: [Sample], listed: [Sample], cache: ImageCache, progress: ProgressHandler?,
    notice: (String) -> Void
  ) throws -> (dataset: Dataset, outcomes: [Outcome]) {
    let images = try packedImages(path, names: listed.map(\.name), cache: cache, progress: progress, notice: notice)
    var slots: [Int] = []
    slots.reserveCapacity(samples.count)
    var slot = 0
    for sample in samples {
      while !listed[slot].name.hasSameBytes(as: sample.name) { slot += 1 }
      slots.append(slot)
      slot += 1
    }
    let outcomes = slots.map { slot in
      switch images.entries[slot] {
      case .accepted(_, let width, let height): Outcome.accepted(size: "\(width)×\(height)")
      case .rejected(let reason): Outcome.rejected(reason: reason)
      }
    }
    let dataset = Dataset(
      width: options.width, height: options.height, channels: options.colorMode.channels, samples: samples,
      storage: .file(images.file), slots: slots)
    return (dataset, outcomes)
  }

  private func packedImages(
    _ path: String, names: [String], cache: ImageCache, progress: ProgressHandler?, notice: (String) -> Void
  ) throws -> PackedImages {
    let file = cache.path(for: path, options)
    // Before the images are read: whatever changes meanwhile makes the file stale.
    let source = ImageCache.source(of: names, in: path, options)
    var known = try PackedImages(path: file, source: source) { reason in
      notice("\(file): the cache is made anew, since \(reason)")
    }
    if let images = known {
      // What could not be read may have been the fault of the machine: of rights, or of a library that was missing.
      let isReadable = images.entries.indices.contains { index in
        guard case .rejected = images.entries[index], case .accepted = read(path + "/" + names[index], { _ in }) else {
          return false
        }
        return true
      }
      if isReadable {
        notice("\(file): the cache is made anew, since images can be read now that could not be before")
        known = nil
      }
    }
    if let known {
      PackedImageWriter.removeLeftovers(in: URL(fileURLWithPath: cache.folder))
      progress?(names.count, names.count)
      return known
    }
    let resizers = ResizerCache(width: options.width, height: options.height)
    try PackedImageWriter(path: file, source: source).write(progress: progress) { index, pixels in
      var size: (width: Int, height: Int) = (0, 0)
      let outcome = read(path + "/" + names[index]) { image in
        size = (image.width, image.height)
        fill(pixels, from: image, resizers)
      }
      switch outcome {
      case .accepted: return .accepted(width: UInt32(size.width), height: UInt32(size.height))
      case .rejected(let reason): return .rejected(reason: reason)
      }
    }
    guard let made = try PackedImages(path: file, source: source, stale: { _ in }) else {
      throw DatasetError.unreadableCache(file: file, reason: "another program has changed or removed it just now")
    }
    return made
  }
}
