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

  /// So much is taken without asking how much there is.
  private static let smallByteCount = 64 << 20

  /// Takes `byteCount` bytes, which are not initialised and take no memory before they are written.
  ///
  /// - Throws: `DatasetError.outOfMemory`.
  init(byteCount: Int) throws {
    // Memory that is not there is given all the same, and the program killed when it is written to.
    if byteCount > Self.smallByteCount, let available = AvailableMemory.bytes, byteCount > available {
      throw DatasetError.outOfMemory(bytes: byteCount)
    }
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
}
