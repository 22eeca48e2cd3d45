import Foundation
import Testing

@testable import Data

/// Whatever happens to a cache file is found, and nothing that is none is replaced.
@Suite struct CacheDamageTests {
  private func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try #require(FileManager.default.contents(atPath: path)))
  }

  private func damage(_ folder: CachedFolder, _ bytes: [UInt8]) throws {
    try Foundation.Data(bytes).write(to: URL(fileURLWithPath: folder.cacheFile))
  }

  @Test func aFileThatIsCutOffIsMadeAnew() throws {
    let folder = try CachedFolder(count: 3)
    _ = try folder.load()
    let fresh = try folder.loader(cached: false).load(folder.images.path)
    let whole = try bytes(folder.cacheFile)
    let pixels = PackedImageHeader.pixelOffset
    // In the magic text, after it, in the header, in the pixels, at the index, in it, before the last byte.
    let index = pixels + 6 * 20 * 6
    for length in [
      16, 17, PackedImageHeader.size - 1, PackedImageHeader.size, pixels - 1, pixels, pixels + 77, index - 1, index,
      index + 16, index + 6 * 16, whole.count - 1,
    ] {
      #expect(length < whole.count)
      try damage(folder, Array(whole[..<length]))
      let (loaded, notices) = try folder.load()
      #expect(notices.count == 1 && notices[0].hasSuffix("since it is cut off"), "\(length): \(notices)")
      try expectSame(loaded, fresh)
      #expect(try bytes(folder.cacheFile) == whole)
    }
    // Longer is damaged too.
    try damage(folder, whole + [0])
    #expect(try folder.load().notices.map { $0.hasSuffix("since it is damaged") } == [true])
    // Nothing tells these from a file of another kind.
    for length in [0, 1, 15] {
      try damage(folder, Array(whole[..<length]))
      let file = try folder.cacheFile
      #expect(throws: DatasetError.notACache(file: file)) { try folder.load() }
      #expect(try bytes(file).count == length)
    }
  }

  @Test func everyFlippedByteIsFound() throws {
    let folder = try CachedFolder(count: 3)
    _ = try folder.load()
    let fresh = try folder.loader(cached: false).load(folder.images.path)
    let path = try folder.cacheFile
    let whole = try bytes(path)
    let (pixels, size) = (PackedImageHeader.pixelOffset, 20 * 6)
    let index = pixels + 6 * size
    // The slots in the order of the names: 0, 1, 2, then the two that are no images, then the one with a long label.
    for place in Array(0..<PackedImageHeader.size) + Array(index..<whole.count) {
      for bit in [0, 7] {
        var flipped = whole
        flipped[place] ^= 1 << UInt8(bit)
        try damage(folder, flipped)
        if place < 16 {
          #expect(throws: DatasetError.notACache(file: path)) { try folder.load() }
          try damage(folder, whole)
        } else {
          let (loaded, notices) = try folder.load()
          #expect(notices.count == 1, "byte \(place)")
          #expect(loaded.dataset.identity == fresh.dataset.identity && loaded.rejected == fresh.rejected)
        }
      }
      #expect(try bytes(path) == whole)
    }
    for place in [0, 1, size - 1, size, 2 * size + 5, 3 * size - 1] {
      var flipped = whole
      flipped[pixels + place] ^= 0x10
      try damage(folder, flipped)
      let (loaded, notices) = try folder.load()
      #expect(notices.isEmpty)
      let image = place / size
      for other in 0..<3 where other != image {
        #expect(try loaded.dataset.image(at: other) == fresh.dataset.image(at: other))
      }
      let expected = DatasetError.damagedCache(
        file: path, image: "\(image)-\(image).png", reason: "are not what was written")
      #expect(throws: expected) { try loaded.dataset.image(at: image) }
      #expect(throws: expected) { try loaded.dataset.images(at: [0, 1, 2, 0, 1, 2, 0, 1, 2]) }
      #expect(expected.description.contains("remove this file"))
    }
  }

  @Test func anotherVersionIsMadeAnew() throws {
    let folder = try CachedFolder(count: 3)
    _ = try folder.load()
    var other = try bytes(folder.cacheFile)
    other[16] = 77
    try damage(folder, other)
    let notices = try folder.load().notices
    #expect(notices.count == 1 && notices[0].contains("since it is of version 77, and this program writes version 2"))
  }

  @Test func aFileThatShrinksWhileItIsUsedIsAnError() throws {
    let folder = try CachedFolder(count: 3)
    let loaded = try folder.load().loaded
    let path = try folder.cacheFile
    #expect(truncate(path, off_t(PackedImageHeader.pixelOffset + 20 * 6 + 10)) == 0)
    #expect(try loaded.dataset.image(at: 0).pixels.count == 120)
    #expect(
      throws: DatasetError.damagedCache(
        file: path, image: "1-1.png", reason: "can't be read (the file is cut off)")
    ) { try loaded.dataset.image(at: 1) }
    // A new file in its place is another file: what is open stays as it was.
    let again = try folder.load()
    try FileManager.default.removeItem(atPath: path)
    try expectSame(again.loaded, try folder.loader(cached: false).load(folder.images.path))
  }

  @Test func whatIsNoCacheIsNeverReplaced() throws {
    let folder = try CachedFolder(count: 3)
    _ = try folder.load()
    let path = try folder.cacheFile
    try damage(folder, Array("somebody's notes, which are long enough to be a header".utf8))
    #expect(throws: DatasetError.notACache(file: path)) { try folder.load() }
    #expect(try String(contentsOfFile: path, encoding: .utf8).hasPrefix("somebody's notes"))
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    #expect(throws: DatasetError.notACache(file: path)) { try folder.load() }
  }

  @Test func aCacheThatCannotBeWrittenSaysWhatItNeeds() throws {
    let folder = try CachedFolder(count: 3)
    try folder.caches.write("a file", to: "blocked")
    let options = DatasetOptions(width: 20, height: 6, maximumRejectedShare: 1, cache: folder.caches.file("blocked"))
    let error = #expect(throws: DatasetError.self) { try DatasetLoader(options: options).load(folder.images.path) }
    guard case .unreadableCache(let file, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(file.hasPrefix(folder.caches.file("blocked/")))
  }

  /// A killed program cannot remove what it had begun; the next one does, unless somebody is still writing it.
  @Test func whatKilledProgramsLeftIsRemoved() throws {
    let folder = try CachedFolder(count: 3)
    let names = (0..<3).map { _ in ".\(UUID().uuidString).partial" }
    for name in names { try folder.caches.write("half", to: name) }
    // Two are old; one of these is being written.
    for name in names.prefix(2) {
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: -100)], ofItemAtPath: folder.caches.file(name))
    }
    let writer = open(folder.caches.file(names[0]), O_RDONLY)
    defer { close(writer) }
    #expect(flock(writer, LOCK_EX | LOCK_NB) == 0)
    _ = try folder.load()
    let left = try folder.files.filter { $0.hasSuffix(".partial") }
    #expect(Set(left) == [names[0], names[2]])
  }
}

/// The one hash of pixels.
@Suite struct ChecksumTests {
  private func checksum(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
    bytes.withUnsafeBytes { Checksum64.of($0, seed: seed) }
  }

  /// What the xxHash library (by way of Python's xxhash 4.1.0) computes of the bytes 0, 7, 14 and so on.
  @Test func isXXH64() {
    let expected: [(count: Int, seed: UInt64, checksum: UInt64)] = [
      (0, 0x0, 0xEF46_DB37_51D8_E999), (1, 0x0, 0xE934_A84A_DB05_2768), (3, 0x0, 0x9FF7_0A63_5A62_09AB),
      (4, 0x0, 0xAE5A_CDC0_0A55_AC41), (8, 0x0, 0x8711_6B33_65B9_24EB), (13, 0x0, 0x92E7_AC00_FD9C_E667),
      (31, 0x0, 0x0F18_7C62_B1E7_22B7), (32, 0x0, 0x91B0_CB09_31A8_C629), (33, 0x0, 0x931B_043C_F8D6_5B94),
      (63, 0x0, 0x2191_10BF_13E2_FA26), (100, 0x0, 0x8E22_72C0_8247_D5DB), (1200, 0x0, 0xCB62_1C03_B8F0_FFCE),
      (36001, 0x0, 0xDC25_C768_F3DB_9DC7), (0, 0x1, 0xD5AF_BA13_36A3_BE4B),
      (100, 0x9E37_79B1_85EB_CA87, 0x83EA_E33D_717F_90E0),
    ]
    for (count, seed, checksum) in expected {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
      #expect(self.checksum(bytes, seed: seed) == checksum, "\(count) bytes")
    }
  }

  @Test func everyByteAndEveryLengthCounts() {
    var seen: Set<UInt64> = []
    var count = 0
    for length in 0..<100 {
      var bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 7) }
      seen.insert(checksum(bytes))
      seen.insert(checksum([UInt8](repeating: 0, count: length), seed: 1))
      count += 2
      for place in 0..<length {
        for bit in 0..<8 {
          bytes[place] ^= 1 << UInt8(bit)
          seen.insert(checksum(bytes))
          count += 1
          bytes[place] ^= 1 << UInt8(bit)
        }
      }
    }
    #expect(seen.count == count)
  }

  /// Words that change places are another content.
  @Test func orderCounts() {
    let words = (0..<16).map { UInt8($0) }.flatMap { [UInt8](repeating: $0, count: 8) }
    var seen: Set<UInt64> = [checksum(words)]
    for one in 0..<16 {
      for other in 0..<one {
        var swapped = words
        for byte in 0..<8 { swapped.swapAt(8 * one + byte, 8 * other + byte) }
        seen.insert(checksum(swapped))
      }
    }
    #expect(seen.count == 1 + 16 * 15 / 2)
  }
}
