import Foundation
import Synchronization
import Testing

@testable import Data

/// A folder of pictures of several kinds and sizes, some of them unusable, and one for caches.
final class CachedFolder {
  let images: TemporaryFolder
  let caches: TemporaryFolder

  init(count: Int = 12) throws {
    images = try TemporaryFolder()
    caches = try TemporaryFolder()
    for index in 0..<count { try write(index) }
    // What decoding refuses, and what the labels do.
    try images.write("no image", to: "e-1.png")
    try images.write([], to: "f-2.png")
    try images.write(PNG.encode(Image(width: 5, height: 4, color: [1])), to: "long12345-3.png")
    try images.write(PNG.encode(Image(width: 5, height: 4, color: [1])), to: "nolabel.png")
  }

  func write(_ index: Int, salt: Int = 0) throws {
    let (width, height) = [(40, 12), (20, 6), (41, 13)][index % 3]
    let channels = index % 2 == 0 ? 3 : 1
    let pixels = (0..<width * height * channels).map { UInt8(truncatingIfNeeded: $0 * (index + 3) + index + salt) }
    let image = Image(width: width, height: height, channels: channels, pixels: pixels)
    try images.write(PNG.encode(image), to: "\(String(index, radix: 16))-\(index).png")
  }

  func loader(
    _ color: ColorMode = .grayscale, width: Int = 20, codec: LabelCodec? = LabelCodec(), cached: Bool = true
  ) -> DatasetLoader {
    DatasetLoader(
      options: DatasetOptions(
        width: width, height: 6, colorMode: color, codec: codec, maximumRejectedShare: 1,
        cache: cached ? caches.path : nil))
  }

  /// Loads by the cache, and returns the notices.
  func load(_ loader: DatasetLoader? = nil) throws -> (loaded: LoadedDataset, notices: [String]) {
    var notices: [String] = []
    let loaded = try (loader ?? self.loader()).load(images.path, notice: { notices.append($0) })
    return (loaded, notices)
  }

  var files: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: caches.path).sorted() } }

  /// The only cache file.
  var cacheFile: String {
    get throws {
      let files = try files
      #expect(files.count == 1)
      return caches.file(files[0])
    }
  }
}

func expectSame(_ one: LoadedDataset, _ other: LoadedDataset, location: SourceLocation = #_sourceLocation) throws {
  #expect(one.dataset.samples == other.dataset.samples, sourceLocation: location)
  #expect(one.rejected == other.rejected && one.unlisted == other.unlisted, sourceLocation: location)
  #expect(one.labelSource == other.labelSource && one.imageSizes == other.imageSizes, sourceLocation: location)
  #expect(one.dataset.identity == other.dataset.identity, sourceLocation: location)
  for index in 0..<one.dataset.count {
    #expect(try one.dataset.image(at: index) == other.dataset.image(at: index), sourceLocation: location)
  }
  let indices = Array((0..<one.dataset.count).reversed())
  #expect(
    try one.dataset.images(at: indices).elements() == other.dataset.images(at: indices).elements(),
    sourceLocation: location)
}

@Suite struct ImageCacheTests {
  @Test(arguments: [ColorMode.grayscale, .rgb]) func aCacheGivesWhatMemoryGives(_ color: ColorMode) throws {
    let folder = try CachedFolder()
    for codec in [LabelCodec(), try LabelCodec(charset: .digits, maximumLength: 8), nil] {
      let fresh = try folder.loader(color, codec: codec, cached: false).load(folder.images.path)
      #expect(fresh.rejected.count >= 3)
      // Made, then read: the codec decides nothing about the file.
      for _ in 0..<2 {
        let (loaded, notices) = try folder.load(folder.loader(color, codec: codec))
        #expect(notices.isEmpty)
        try expectSame(loaded, fresh)
      }
    }
    let (training, validation) = try folder.load(folder.loader(color)).loaded.dataset.split(
      validationFraction: 0.3, seed: 4)
    let memory = try folder.loader(color, cached: false).load(folder.images.path).dataset.split(
      validationFraction: 0.3, seed: 4)
    #expect(training.identity == memory.training.identity && validation.identity == memory.validation.identity)
    #expect(try folder.files.count == 1)
  }

  @Test func theFileIsUsedAndNothingIsDecodedAgain() throws {
    let folder = try CachedFolder()
    let first = try folder.load().loaded
    let bytes = try FileManager.default.contents(atPath: folder.cacheFile)
    let progress = Mutex<[[Int]]>([])
    let loaded = try folder.loader().load(
      folder.images.path,
      progress: { done, total in
        progress.withLock { $0.append([done, total]) }
      })
    try expectSame(loaded, first)
    #expect(progress.withLock { $0 } == [[15, 15]])
    #expect(try FileManager.default.contents(atPath: folder.cacheFile) == bytes)
  }

  /// Writes into a file in place; with its times as they were or with others.
  private func overwrite(_ path: String, _ bytes: [UInt8], keepTime: Bool) throws {
    var status = stat()
    #expect(stat(path, &status) == 0)
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.truncate(atOffset: 0)
    try handle.write(contentsOf: Foundation.Data(bytes))
    try handle.close()
    guard keepTime else { return }
    let times = [status.st_atim, status.st_mtim]
    #expect(times.withUnsafeBufferPointer { utimensat(AT_FDCWD, path, $0.baseAddress, 0) } == 0)
  }

  enum Change: String, CaseIterable {
    case touched, resized, replaced, renamed, added, removed, damaged
  }

  @Test(arguments: Change.allCases) func aChangedFolderMakesTheCacheAnew(_ change: Change) throws {
    let folder = try CachedFolder()
    _ = try folder.load()
    let path = folder.images.file("1-1.png")
    let reason: String
    switch change {
    case .touched:
      // By one nanosecond.
      var status = stat()
      #expect(stat(path, &status) == 0)
      var times = [status.st_atim, status.st_mtim]
      times[1].tv_nsec = times[1].tv_nsec == 0 ? 1 : times[1].tv_nsec - 1
      #expect(times.withUnsafeBufferPointer { utimensat(AT_FDCWD, path, $0.baseAddress, 0) } == 0)
      reason = "image files have changed since then"
    case .replaced:
      // An archive that is unpacked over another: the same size, and the time that it says.
      let size = try #require(FileManager.default.contents(atPath: path)).count
      try overwrite(path, [UInt8](repeating: 7, count: size), keepTime: true)
      reason = "image files have changed since then"
    case .resized:
      let bytes = try #require(FileManager.default.contents(atPath: path))
      try overwrite(path, [UInt8](bytes) + [0], keepTime: true)
      reason = "image files have changed since then"
    case .renamed:
      try FileManager.default.moveItem(atPath: path, toPath: folder.images.file("1-1b.png"))
      reason = "images have been renamed or replaced by others"
    case .added:
      try folder.write(12)
      reason = "the folder had 15 images then and has 16 now"
    case .removed:
      try FileManager.default.removeItem(atPath: path)
      reason = "the folder had 15 images then and has 14 now"
    case .damaged:
      try overwrite(path, [1, 2, 3], keepTime: false)
      reason = "image files have changed since then"
    }
    let (loaded, notices) = try folder.load()
    #expect(notices == ["\(try folder.cacheFile): the cache is made anew, since \(reason)"])
    try expectSame(loaded, try folder.loader(cached: false).load(folder.images.path))
    #expect(try folder.load().notices.isEmpty)
  }

  @Test func otherOptionsHaveOtherFilesAndOtherLimitsMakeThemAnew() throws {
    let folder = try CachedFolder()
    let images = URL(fileURLWithPath: folder.images.path).lastPathComponent.prefix(40)
    for (color, width) in [(ColorMode.grayscale, 20), (.rgb, 20), (.grayscale, 21)] {
      try expectSame(
        try folder.load(folder.loader(color, width: width)).loaded,
        try folder.loader(color, width: width, cached: false).load(folder.images.path))
    }
    let names = try folder.files.map { $0.dropLast("-01234567.cache".count) }
    #expect(names == ["20x6-grayscale", "20x6-rgb", "21x6-grayscale"].map { "\(images)-\($0)" })
    var options = folder.loader().options
    options.limits.maximumWidth = 40
    let (loaded, notices) = try folder.load(DatasetLoader(options: options))
    #expect(notices.count == 1 && notices[0].hasSuffix("since it was made with other options"))
    #expect(loaded.rejected.count { $0.reason.contains("more than the limit of 40") } == 4)
  }

  @Test func twoFoldersOfOneNameHaveTwoFiles() throws {
    let cache = ImageCache(folder: "/caches")
    let paths = ["/a/images", "/b/images", "/a/images/", "/a/../a/images", "/a/ Bilder/日本"].map {
      cache.path(for: $0, DatasetOptions())
    }
    #expect(paths[0] != paths[1] && paths[0] == paths[2] && paths[0] == paths[3])
    #expect(paths[0].hasPrefix("/caches/images-200x60-rgb-") && paths[4].hasPrefix("/caches/images-200x60-rgb-"))
  }

  @Test func labelsAreReadAnew() throws {
    let folder = try CachedFolder()
    try folder.images.write("0-0.png\tab\n1-1.png\tcd\n", to: "labels.txt")
    #expect(try folder.load().loaded.dataset.labels == ["ab", "cd"])
    try folder.images.write("0-0.png\tab\n1-1.png\txyz\n", to: "labels.txt")
    let (loaded, notices) = try folder.load()
    #expect(loaded.dataset.labels == ["ab", "xyz"] && notices.isEmpty)
    // Another list of images is another cache.
    try folder.images.write("0-0.png\tab\n2-2.png\txyz\nmissing.png\tq\n", to: "labels.txt")
    let (other, others) = try folder.load()
    #expect(others.count == 1 && other.dataset.names == ["0-0.png", "2-2.png"])
    try expectSame(other, try folder.loader(cached: false).load(folder.images.path))
  }

  @Test func severalThreadsMayMakeOneCache() throws {
    let folder = try CachedFolder(count: 40)
    let fresh = try folder.loader(cached: false).load(folder.images.path)
    let results = Mutex<[Result<LoadedDataset, any Error>]>([])
    let loader = folder.loader()
    let path = folder.images.path
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      let result = Result { try loader.load(path) }
      results.withLock { $0.append(result) }
    }
    for result in results.withLock({ $0 }) { try expectSame(try result.get(), fresh) }
    #expect(try folder.files.count == 1)
  }

  @Test func contradictoryLabelsAreFoundInAFile() throws {
    let folder = try CachedFolder(count: 4)
    try FileManager.default.copyItem(atPath: folder.images.file("2-2.png"), toPath: folder.images.file("z-9.png"))
    let found = try folder.load().loaded.dataset.contradictorySamples(limit: 3)
    #expect(found.map { $0.map(\.name) } == [["2-2.png", "z-9.png"]])
  }

  @Test func imagesThatDoNotFitIntoMemoryAreRefused() throws {
    let folder = try CachedFolder()
    // 12 images and two that cannot be decoded: what is needed is not known better before.
    let needed = 14 * 20 * 6
    for (available, isEnough) in [(needed - 1, false), (needed, true), (nil, true)] {
      var loader = folder.loader(cached: false)
      loader.availableMemory = { available }
      if isEnough {
        #expect(try loader.load(folder.images.path).dataset.count == 12)
      } else {
        let error = #expect(throws: DatasetError.self) { try loader.load(folder.images.path) }
        #expect(
          error
            == .notEnoughMemory(path: folder.images.path, images: 14, bytes: needed, available: needed - 1))
        #expect(error?.description.contains("data.cache") == true)
      }
      // With a cache nothing is asked.
      loader = folder.loader()
      loader.availableMemory = { 1 }
      #expect(try loader.load(folder.images.path).dataset.count == 12)
    }
    #expect(AvailableMemory.bytes(meminfo: "MemTotal: 9 kB\nMemAvailable:   123 kB\n") == 123 * 1024)
    #expect(AvailableMemory.bytes(meminfo: "MemTotal: 9 kB\n") == nil)
    #expect(AvailableMemory.bytes(limit: "max\n", current: "5\n", statistics: nil) == nil)
    #expect(AvailableMemory.bytes(limit: "1000\n", current: "300\n", statistics: "file 90\ninactive_file 50\n") == 750)
    #expect(AvailableMemory.bytes(limit: "1000\n", current: "1300\n", statistics: "") == 0)
  }
}
