import Tensor

/// Where a training gets its images from: a data set, or a generator that never repeats itself.
public protocol BatchSource: Sendable {
  /// The number of images of one epoch.
  var count: Int { get }

  /// Some images of an epoch and their labels; equal arguments give equal bytes.
  ///
  /// - Parameters:
  ///   - indices: in `0..<count`.
  ///   - epoch: from 0.
  /// - Throws: an error that names the file and the remedy where images can't be read. Called by several threads at once.
  func batch(_ indices: ArraySlice<Int>, epoch: Int) throws -> Batch

  /// What tells this source from others, so that a run is not resumed with other images.
  var identity: String { get }

  /// Groups of samples of which all have the same picture and not all the same label, at most `limit` groups; none where
  /// images are drawn for each epoch.
  func contradictorySamples(limit: Int) throws -> [[Sample]]
}

extension BatchSource {
  public func contradictorySamples(limit: Int) -> [[Sample]] { [] }
}

/// A data set as a source: the same images in every epoch.
public struct DatasetBatches: BatchSource {
  public let dataset: Dataset
  private let labels: EncodedLabels

  /// - Throws: `LabelError` for the first label that `codec` refuses.
  public init(_ dataset: Dataset, codec: LabelCodec) throws {
    self.dataset = dataset
    labels = try dataset.encodedLabels(codec: codec)
  }

  public var count: Int { dataset.count }

  public func batch(_ indices: ArraySlice<Int>, epoch: Int) throws -> Batch {
    try dataset.batch(indices, labels: labels)
  }

  public var identity: String { dataset.identity }

  public func contradictorySamples(limit: Int) throws -> [[Sample]] {
    try dataset.contradictorySamples(limit: limit)
  }
}

extension Dataset {
  /// Groups of samples of which all have the same pixels and not all the same label, at most `limit` groups.
  ///
  /// - Throws: `DatasetError.damagedCache` where the pixels are in a file and can't be read.
  public func contradictorySamples(limit: Int) throws -> [[Sample]] {
    try EqualGroups.candidates(pixelHashes).flatMap {
      try EqualGroups.verified($0, content: { $0 }, areEqual: hasSamePixels)
    }
    .filter { Set($0.map { samples[$0].label }).count > 1 }
    .sorted { $0[0] < $1[0] }.prefix(limit).map { $0.map { samples[$0] } }
  }

  private func hasSamePixels(_ one: Int, _ other: Int) throws -> Bool {
    try withImageBytes(at: one) { bytes in try withImageBytes(at: other) { bytes.elementsEqual($0) } }
  }

  /// The checksum of each image's pixels, which a file knows without reading them.
  private var pixelHashes: [UInt64] {
    switch storage {
    case .memory(let memory):
      Threads.map(count: count) { index in
        Checksum64.of(UnsafeRawBufferPointer(start: memory.base + slots[index] * imageSize, count: imageSize))
      }
    case .file(let file): slots.map { file.checksums[$0] }
    }
  }

  /// What tells this data set from others: the number of images, and a hash of their names, labels and pixels.
  public var identity: String {
    var hash: UInt64 = 0
    for (sample, pixelHash) in zip(samples, pixelHashes) {
      hash = Checksum64.of([pixelHash], seed: hash)
      for text in [sample.name, sample.label] { hash = Checksum64.of(text, seed: hash) }
    }
    return "\(count) images, hash \(String(hash, radix: 16))"
  }
}
