import Synchronization
import Tensor

/// What is known about an image besides its pixels.
public struct Sample: Sendable, Hashable, Codable {
  /// The file's name within its folder, or another name that is unique in the data set.
  public var name: String
  /// What a recogniser shall answer.
  public var label: String
  /// The kind of captcha, such as `digit` or `math`.
  public var type: String?
  /// What the image shows, which differs from the label if that is the answer to a question.
  public var text: String?
  /// The way that the image was drawn.
  public var style: String?

  public init(name: String, label: String, type: String? = nil, text: String? = nil, style: String? = nil) {
    self.name = name
    self.label = label
    self.type = type
    self.text = text
    self.style = style
  }
}

/// Labelled images of one size, whose pixels are in memory or, where a folder was loaded with a cache, in a file.
///
/// The pixels stay bytes, in one block that subsets share: 60,000 images of 200×60×3 take 2.2 GB. Each image is
/// [height, width, channels].
public struct Dataset: Sendable {
  /// The columns of each image.
  public let width: Int
  /// The rows of each image.
  public let height: Int
  /// The values per pixel: 1 or 3.
  public let channels: Int
  /// The images' names, labels and origin, in the order of the images.
  public let samples: [Sample]

  let storage: PixelStorage
  /// Where in the storage each image lies, counted in images.
  let slots: [Int]

  /// Makes a data set of `count` images that `fill` makes, several at once.
  ///
  /// - Parameters:
  ///   - progress: called as images are finished.
  ///   - fill: receives the image's index and the memory of its pixels, [height, width, channels], every byte of which it
  ///     must write; returns what is known about the image. Called once per index, by any thread.
  /// - Throws: `DatasetError.outOfMemory`, or what `fill` throws (if several calls do, the one with the lowest index that
  ///   ran).
  public init(
    width: Int, height: Int, channels: Int, count: Int, progress: ProgressHandler? = nil,
    fill: @Sendable (_ index: Int, _ pixels: UnsafeMutableBufferPointer<UInt8>) throws -> Sample
  ) throws {
    precondition(
      width > 0 && height > 0 && (channels == 1 || channels == 3) && count >= 0,
      "Dataset: \(count) images of \(width)×\(height)×\(channels) are not possible")
    let imageSize = width * height * channels
    let storage = try PixelMemory(byteCount: count * imageSize)
    let counter = ProgressCounter(total: count, handler: progress)
    let hasFailed = Atomic(false)
    let results: [Result<Sample, any Error>?] = Threads.map(count: count) { index in
      if hasFailed.load(ordering: .relaxed) { return nil }
      let pixels = UnsafeMutableBufferPointer(start: storage.base + index * imageSize, count: imageSize)
      let result = Result { try fill(index, pixels) }
      if case .failure = result { hasFailed.store(true, ordering: .relaxed) }
      counter.advance()
      return result
    }
    // Without a failure no result is missing.
    let samples = try results.compactMap { try $0?.get() }
    self.init(
      width: width, height: height, channels: channels, samples: samples, storage: .memory(storage),
      slots: Array(0..<count))
  }

  init(width: Int, height: Int, channels: Int, samples: [Sample], storage: PixelStorage, slots: [Int]) {
    self.width = width
    self.height = height
    self.channels = channels
    self.samples = samples
    self.storage = storage
    self.slots = slots
  }

  /// How many images there are.
  public var count: Int { slots.count }

  /// The bytes of one image.
  public var imageSize: Int { width * height * channels }

  /// The images' labels.
  public var labels: [String] { samples.map(\.label) }

  /// The images' names.
  public var names: [String] { samples.map(\.name) }

  /// The images' types, `nil` where it is not known.
  public var types: [String?] { samples.map(\.type) }

  /// Calls `body` with the pixels of image `index`, [height, width, channels], which are valid during the call only.
  ///
  /// - Throws: `DatasetError.damagedCache` where the pixels are in a file and can't be read; what `body` throws.
  @inline(__always)
  public func withImageBytes<Result>(at index: Int, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result) throws
    -> Result
  {
    switch storage {
    case .memory(let memory):
      return try withExtendedLifetime(memory) {
        try body(UnsafeBufferPointer(start: memory.base + slots[index] * imageSize, count: imageSize))
      }
    case .file(let file):
      return try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: imageSize) { pixels in
        try file.read(slot: slots[index], into: pixels, name: samples[index].name)
        return try body(UnsafeBufferPointer(pixels))
      }
    }
  }

  /// A copy of image `index`.
  ///
  /// - Throws: `DatasetError.damagedCache` where the pixels are in a file and can't be read.
  public func image(at index: Int) throws -> Image {
    try withImageBytes(at: index) { Image(width: width, height: height, channels: channels, pixels: Array($0)) }
  }

  /// The images of `indices` in that order, without a copy of their pixels.
  public func subset(_ indices: some Sequence<Int>) -> Dataset {
    let indices = Array(indices)
    return Dataset(
      width: width, height: height, channels: channels, samples: indices.map { samples[$0] }, storage: storage,
      slots: indices.map { slots[$0] })
  }
}
