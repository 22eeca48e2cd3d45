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
  func batch(_ indices: ArraySlice<Int>, epoch: Int) -> Batch

  /// What tells this source from others, so that a run is not resumed with other images.
  var identity: String { get }

  /// Groups of samples of which all have the same picture and not all the same label, at most `limit` groups; none where
  /// images are drawn for each epoch.
  func contradictorySamples(limit: Int) -> [[Sample]]
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

  public func batch(_ indices: ArraySlice<Int>, epoch: Int) -> Batch { dataset.batch(indices, labels: labels) }

  public var identity: String { dataset.identity }

  public func contradictorySamples(limit: Int) -> [[Sample]] { dataset.contradictorySamples(limit: limit) }
}

extension Dataset {
  /// Groups of samples of which all have the same pixels and not all the same label, at most `limit` groups.
  public func contradictorySamples(limit: Int) -> [[Sample]] {
    EqualGroups.candidates(pixelHashes).flatMap {
      EqualGroups.verified($0, content: { $0 }, areEqual: hasSamePixels)
    }
    .filter { Set($0.map { samples[$0].label }).count > 1 }
    .sorted { $0[0] < $1[0] }.prefix(limit).map { $0.map { samples[$0] } }
  }

  private func hasSamePixels(_ one: Int, _ other: Int) -> Bool {
    withImageBytes(at: one) { bytes in withImageBytes(at: other) { bytes.elementsEqual($0) } }
  }

  private var pixelHashes: [UInt64] {
    Threads.map(count: count) { index in withImageBytes(at: index, Self.pixelHash) }
  }

  /// The hash (FNV-1a) of pixels by which equal pictures are found.
  static func pixelHash(_ pixels: UnsafeBufferPointer<UInt8>) -> UInt64 {
    pixels.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  /// What tells this data set from others: the number of images, and a hash (FNV-1a) of their names, labels and pixels.
  public var identity: String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for (sample, pixelHash) in zip(samples, pixelHashes) {
      hash = (hash ^ pixelHash) &* 0x100_0000_01B3
      for text in [sample.name, sample.label] {
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        // Ends each text, so that "a", "bc" and "ab", "c" differ.
        hash = (hash ^ 0xFF) &* 0x100_0000_01B3
      }
    }
    return "\(count) images, hash \(String(hash, radix: 16))"
  }
}
