import Foundation

/// Where the pixels of all images of a data set are; subsets share it.
enum PixelStorage: Sendable {
  case memory(PixelMemory)
  case file(PackedImageFile)
}

/// One block of memory that holds the pixels of all images.
///
/// Written only while the data set is made, each image by one thread, and read-only afterwards; hence safe to share.
final class PixelMemory: @unchecked Sendable {
  let base: UnsafeMutablePointer<UInt8>

  /// Takes `byteCount` bytes, which are not initialised and take no memory before they are written.
  ///
  /// - Throws: `DatasetError.outOfMemory`.
  init(byteCount: Int) throws {
    let hugePage = 2 << 20
    let alignment = byteCount >= 2 * hugePage ? hugePage : 64
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, alignment, max(byteCount, 1)) == 0, let memory else {
      throw DatasetError.outOfMemory(bytes: byteCount)
    }
    #if os(Linux)
      // Only advice: without huge pages the first writing of each page is slower.
      if alignment == hugePage { _ = madvise(memory, byteCount, MADV_HUGEPAGE) }
    #endif
    base = memory.bindMemory(to: UInt8.self, capacity: max(byteCount, 1))
  }

  deinit { free(base) }

  /// The memory that a program may still take without harm to others, in bytes; nil where the system does not say.
  static var available: Int? {
    guard let file = FileHandle(forReadingAtPath: "/proc/meminfo"), let content = try? file.readToEnd() else {
      return nil
    }
    return available(meminfo: String(decoding: content, as: UTF8.self))
  }

  /// The number in the line `MemAvailable:  16384 kB` of Linux's `/proc/meminfo`.
  static func available(meminfo: String) -> Int? {
    for line in meminfo.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
      return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
    return nil
  }
}
