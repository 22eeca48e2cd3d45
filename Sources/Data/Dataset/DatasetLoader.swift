import Foundation
import Synchronization
import Tensor

/// How the images of a folder become a data set.
public struct DatasetOptions: Sendable {
  /// The size that images are resized to.
  public var width: Int
  public var height: Int
  /// The channels that images are converted to.
  public var colorMode: ColorMode
  /// Decides which labels are accepted; nil accepts every label.
  public var codec: LabelCodec?
  /// Loading fails if more than this share of the images is rejected, from 0 (none may be) to 1 (all may be).
  public var maximumRejectedShare: Double
  /// The largest image files that are read.
  public var limits: ImageLimits
  /// A folder for files that keep decoded and resized images: the pixels are then read from there when they are needed,
  /// and images are decoded again only when their files have changed. nil keeps the pixels in memory.
  public var cache: String?

  public init(
    width: Int = 200, height: Int = 60, colorMode: ColorMode = .rgb, codec: LabelCodec? = LabelCodec(),
    maximumRejectedShare: Double = 0.05, limits: ImageLimits = ImageLimits(), cache: String? = nil
  ) {
    self.width = width
    self.height = height
    self.colorMode = colorMode
    self.codec = codec
    self.maximumRejectedShare = maximumRejectedShare
    self.limits = limits
    self.cache = cache
  }
}

/// The images of a folder, and what was found wrong in it.
public struct LoadedDataset: Sendable {
  /// The accepted images, sorted by name.
  public let dataset: Dataset
  /// The images and list entries that were left out.
  public let rejected: [Rejection]
  /// Where the labels came from.
  public let labelSource: LabelSource
  /// The images of the folder that the list of labels doesn't name; they don't count as rejected.
  public let unlisted: [String]
  /// Further lists of labels in the folder, which are not used.
  public let unusedLists: [String]
  /// How many accepted files have which size, such as `["200×60": 500]`, before resizing.
  public let imageSizes: [String: Int]
}

/// Reads the labelled images of a folder, in the formats of `ImageFormat`.
///
/// The labels come from the first list of `LabelSource` that the folder has, else from the file names. Without a list, the
/// folder's own image files are read, without hidden files and subfolders.
public struct DatasetLoader: Sendable {
  public let options: DatasetOptions
  /// What tests may change.
  var availableMemory: @Sendable () -> Int? = { AvailableMemory.bytes }

  public init(options: DatasetOptions = DatasetOptions()) {
    precondition(options.width > 0 && options.height > 0, "DatasetLoader: the image size must be positive")
    self.options = options
  }

  /// Reads all images of the folder at `path`, several at once.
  ///
  /// Images that can't be read or whose labels are not accepted are left out and listed. The result is the same with a
  /// cache and without.
  /// - Parameters:
  ///   - progress: called as images are finished.
  ///   - notice: called with a line for the user before a cache file is made anew in place of another.
  /// - Throws: `DatasetError` if the folder can't be read, holds no images, or too many images are rejected; if the pixels
  ///   need more memory than is available; if the cache can't be used.
  public func load(
    _ path: String, progress: ProgressHandler? = nil, notice: (String) -> Void = { _ in }
  ) throws -> LoadedDataset {
    let listing = try DatasetListing(directory: path)
    let (accepted, wrongLabels) = checkLabels(listing.samples)
    let total = listing.samples.count + listing.rejected.count
    var rejected = listing.rejected + wrongLabels
    // Before the longer work of reading images.
    try checkShare(rejected, total: total, path: path)

    let (dataset, outcomes) =
      if let cache = options.cache {
        try readFromCache(
          path, accepted, listed: listing.samples, cache: ImageCache(folder: cache), progress: progress, notice: notice)
      } else {
        try readIntoMemory(path, accepted, progress: progress)
      }

    let (kept, sizes, unreadable) = divide(accepted, by: outcomes)
    rejected += unreadable
    try checkShare(rejected, total: total, path: path)
    return LoadedDataset(
      dataset: kept.count == accepted.count ? dataset : dataset.subset(kept), rejected: rejected,
      labelSource: listing.source, unlisted: listing.unlisted, unusedLists: listing.unusedLists, imageSizes: sizes)
  }

  /// Reads at most `count` images of the folder at `path`, chosen at random by `seed`, into memory.
  ///
  /// - Throws: `DatasetError` if the folder can't be read, holds no images, or none of the chosen ones can be used.
  public func sample(_ path: String, count: Int, seed: UInt64) throws -> Dataset {
    let listing = try DatasetListing(directory: path)
    var (accepted, rejected) = checkLabels(listing.samples)
    var random = RandomStream(seed: seed).stream("sample")
    accepted = random.permutation(accepted.count).prefix(count).map { accepted[$0] }
    let (dataset, outcomes) = try readIntoMemory(path, accepted, progress: nil)
    let (kept, _, unreadable) = divide(accepted, by: outcomes)
    if kept.isEmpty {
      rejected += unreadable + listing.rejected
      throw DatasetError.tooManyRejected(
        path: path, rejected: rejected, total: rejected.count, maximumShare: options.maximumRejectedShare)
    }
    return dataset.subset(kept)
  }

  private func readIntoMemory(
    _ path: String, _ samples: [Sample], progress: ProgressHandler?
  ) throws -> (dataset: Dataset, outcomes: [Outcome]) {
    let bytes = samples.count * options.width * options.height * options.colorMode.channels
    if let available = availableMemory(), bytes > available {
      throw DatasetError.notEnoughMemory(path: path, images: samples.count, bytes: bytes, available: available)
    }
    let resizers = ResizerCache(width: options.width, height: options.height)
    let outcomes = Mutex([Outcome?](repeating: nil, count: samples.count))
    let dataset = try Dataset(
      width: options.width, height: options.height, channels: options.colorMode.channels, count: samples.count,
      progress: progress
    ) { index, pixels in
      let outcome = read(path + "/" + samples[index].name) { fill(pixels, from: $0, resizers) }
      outcomes.withLock { $0[index] = outcome }
      return samples[index]
    }
    return (
      dataset,
      outcomes.withLock { $0 }.enumerated().map { index, outcome in
        guard let outcome else { preconditionFailure("DatasetLoader.load: image \(index) was not read") }
        return outcome
      }
    )
  }

  /// Brings an image to the size and channels of the data set.
  func fill(_ pixels: UnsafeMutableBufferPointer<UInt8>, from image: Image, _ resizers: ResizerCache) {
    let resized = resizers.resize(image.converted(to: options.colorMode))
    _ = pixels.initialize(fromContentsOf: resized.pixels)
  }

  /// Reads all images of the folder at `path` as `load` does, however many are wrong, and keeps only the counts.
  ///
  /// - Throws: `DatasetError` if the folder can't be read or holds no images.
  public func inspect(_ path: String, progress: ProgressHandler? = nil) throws -> DatasetStatistics {
    let listing = try DatasetListing(directory: path)
    let (accepted, wrongLabels) = checkLabels(listing.samples)
    let counter = ProgressCounter(total: accepted.count, handler: progress)
    let outcomes = Threads.map(count: accepted.count) { index in
      defer { counter.advance() }
      return read(path + "/" + accepted[index].name) { _ in }
    }
    let (kept, sizes, unreadable) = divide(accepted, by: outcomes)
    return DatasetStatistics(
      samples: kept.map { accepted[$0] }, rejected: listing.rejected + wrongLabels + unreadable,
      labelSource: listing.source, unlisted: listing.unlisted, unusedLists: listing.unusedLists, imageSizes: sizes)
  }

  enum Outcome: Sendable {
    case accepted(size: String)
    case rejected(reason: String)
  }

  /// Which of `samples` were accepted, how many of those had which size, and why the others are left out.
  private func divide(
    _ samples: [Sample], by outcomes: [Outcome]
  ) -> (kept: [Int], sizes: [String: Int], rejected: [Rejection]) {
    var kept: [Int] = []
    var sizes: [String: Int] = [:]
    var rejected: [Rejection] = []
    for (index, outcome) in outcomes.enumerated() {
      switch outcome {
      case .accepted(let size):
        kept.append(index)
        sizes[size, default: 0] += 1
      case .rejected(let reason): rejected.append(Rejection(file: samples[index].name, reason: reason))
      }
    }
    return (kept, sizes, rejected)
  }

  func read(_ file: String, _ use: (Image) -> Void) -> Outcome {
    do {
      let image = try ImageFile.read(file, limits: options.limits)
      use(image)
      return .accepted(size: "\(image.width)×\(image.height)")
    } catch {
      return .rejected(reason: ImageFailure(error, path: file).reason)
    }
  }

  private func checkLabels(_ samples: [Sample]) -> (accepted: [Sample], rejected: [Rejection]) {
    guard let codec = options.codec else { return (samples, []) }
    var accepted: [Sample] = []
    var rejected: [Rejection] = []
    for sample in samples {
      do {
        _ = try codec.encode(sample.label)
        accepted.append(sample)
      } catch {
        let reason = (error as? LabelError)?.reason ?? "\(error)"
        rejected.append(Rejection(file: sample.name, reason: reason))
      }
    }
    return (accepted, rejected)
  }

  private func checkShare(_ rejected: [Rejection], total: Int, path: String) throws {
    if Double(rejected.count) > options.maximumRejectedShare * Double(total) {
      throw DatasetError.tooManyRejected(
        path: path, rejected: rejected, total: total, maximumShare: options.maximumRejectedShare)
    }
  }
}

/// Resizers to one size, made once per size that comes in.
final class ResizerCache: Sendable {
  private struct Size: Hashable { let width, height: Int }

  private let width, height: Int
  private let resizers = Mutex<[Size: LanczosResizer]>([:])

  init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  func resize(_ image: Image) -> Image {
    if image.width == width && image.height == height { return image }
    let size = Size(width: image.width, height: image.height)
    let resizer = resizers.withLock { resizers in
      if let known = resizers[size] { return known }
      let new = LanczosResizer(sourceWidth: size.width, sourceHeight: size.height, width: width, height: height)
      // Bounded, because a folder may hold images of thousands of sizes.
      if resizers.count < 256 { resizers[size] = new }
      return new
    }
    return resizer.resize(image)
  }
}
