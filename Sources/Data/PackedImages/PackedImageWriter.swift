import Foundation
import Synchronization
import Tensor

/// Makes packed files.
struct PackedImageWriter {
  /// What reading one image came to; width and height are those before resizing.
  enum Outcome {
    case accepted(width: UInt32, height: UInt32)
    case rejected(reason: String)
  }

  let path: String
  let source: PackedImageSource

  /// Makes the file at `path` beside its place and puts it there when it is complete.
  ///
  /// Several threads read images and write each into its slot at once; no more than one image per thread is in memory.
  /// - Parameter read: brings an image into memory, every byte of which it must write where it accepts the image. Called
  ///   once per index, by any thread.
  /// - Throws: `DatasetError.unwritableCache`, `.notACache`; nothing is left of the file then, and an earlier one stays.
  func write(
    progress: ProgressHandler?,
    read: @Sendable (_ index: Int, _ pixels: UnsafeMutableBufferPointer<UInt8>) -> Outcome
  ) throws {
    let url = URL(fileURLWithPath: path)
    do {
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    } catch {
      throw unwritable((error as NSError).localizedDescription)
    }
    try requireReplaceable()
    Self.removeLeftovers(in: url.deletingLastPathComponent())
    do {
      try AtomicFile.write(to: url) { handle in
        let descriptor = handle.fileDescriptor
        // Tells other processes that the file is being written; ends with the process, however that ends.
        _ = flock(descriptor, LOCK_EX | LOCK_NB)
        try reserve(descriptor)
        let entries = try writePixels(descriptor, progress: progress, read: read)
        let index = PackedImages.index(entries)
        let header = PackedImageHeader(source: source, indexLength: index.count)
        try write(index, at: header.fileLength - index.count, descriptor)
        try write(header.bytes(index: index), at: 0, descriptor)
        // The work may have taken hours.
        try requireReplaceable()
      }
    } catch let error as DatasetError {
      throw error
    } catch {
      throw unwritable(
        (error as? POSIXError).map { String(cString: strerror($0.code.rawValue)) }
          ?? (error as NSError).localizedDescription)
    }
  }

  private func writePixels(
    _ descriptor: Int32, progress: ProgressHandler?,
    read: @Sendable (_ index: Int, _ pixels: UnsafeMutableBufferPointer<UInt8>) -> Outcome
  ) throws -> [PackedImageEntry] {
    let counter = ProgressCounter(total: source.count, handler: progress)
    let fault = Mutex<String?>(nil)
    let hasFailed = Atomic(false)
    let imageSize = source.imageSize
    let entries = Threads.map(count: source.count) { index in
      if hasFailed.load(ordering: .relaxed) { return PackedImageEntry.rejected(reason: "") }
      let entry = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: imageSize) { pixels in
        let width: UInt32
        let height: UInt32
        switch read(index, pixels) {
        case .rejected(let reason): return PackedImageEntry.rejected(reason: reason)
        case .accepted(let acceptedWidth, let acceptedHeight): (width, height) = (acceptedWidth, acceptedHeight)
        }
        let bytes = UnsafeRawBufferPointer(pixels)
        let offset = PackedImageHeader.pixelOffset + index * imageSize
        if let reason = PositionedFile.write(descriptor, bytes, at: offset) {
          fault.withLock { $0 = $0 ?? reason }
          hasFailed.store(true, ordering: .relaxed)
        }
        return .accepted(checksum: Checksum64.of(bytes), width: width, height: height)
      }
      counter.advance()
      return entry
    }
    if let reason = fault.withLock({ $0 }) { throw unwritable(reason) }
    return entries
  }

  /// Takes the space for all pixels at once: a full disk shows before the work, not at its end.
  private func reserve(_ descriptor: Int32) throws {
    #if os(Linux)
      // The index, which is small and not known yet, comes on top.
      let length = off_t(PackedImageHeader.pixelOffset + source.count * source.imageSize)
      var error = EINTR
      while error == EINTR { error = posix_fallocate(descriptor, 0, length) }
      // Some file systems know no reserving; there, writing will tell.
      if error != 0, error != EOPNOTSUPP, error != EINVAL { throw unwritable(String(cString: strerror(error))) }
    #endif
  }

  private func write(_ bytes: [UInt8], at offset: Int, _ descriptor: Int32) throws {
    if let reason = bytes.withUnsafeBytes({ PositionedFile.write(descriptor, $0, at: offset) }) {
      throw unwritable(reason)
    }
  }

  private func requireReplaceable() throws {
    if !PackedImages.mayReplace(path) { throw DatasetError.notACache(file: path) }
  }

  private func unwritable(_ reason: String) -> DatasetError {
    .unwritableCache(
      file: path, bytes: PackedImageHeader.pixelOffset + source.count * (source.imageSize + 16), reason: reason)
  }

  /// Removes what killed programs have left, which may be many gigabytes. Files that somebody is writing are locked; a
  /// new one may not be yet.
  static func removeLeftovers(in folder: URL) {
    AtomicFile.removeLeftovers(in: folder) { file in
      let descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return false }
      defer { close(descriptor) }
      var status = stat()
      guard fstat(descriptor, &status) == 0, time(nil) - status.modificationTime.seconds > 10 else { return false }
      return flock(descriptor, LOCK_EX | LOCK_NB) == 0
    }
  }
}

extension stat {
  /// Since 1970.
  var modificationTime: (seconds: Int, nanoseconds: Int) {
    #if canImport(Darwin)
      (Int(st_mtimespec.tv_sec), Int(st_mtimespec.tv_nsec))
    #else
      (Int(st_mtim.tv_sec), Int(st_mtim.tv_nsec))
    #endif
  }

  /// When the content, the name or the rights were last changed, since 1970.
  var changeTime: (seconds: Int, nanoseconds: Int) {
    #if canImport(Darwin)
      (Int(st_ctimespec.tv_sec), Int(st_ctimespec.tv_nsec))
    #else
      (Int(st_ctim.tv_sec), Int(st_ctim.tv_nsec))
    #endif
  }
}
