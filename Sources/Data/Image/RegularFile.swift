import Foundation

/// A file that is open for reading; nothing else that a path may name, such as a folder or a pipe.
final class RegularFile {
  let path: String
  /// The bytes that it had when it was opened.
  let size: Int
  private let descriptor: Int32

  /// - Throws: `ImageError.unreadable`.
  init(_ path: String) throws {
    // The system would read such a name up to its zero only, and open another file.
    if path.utf8.contains(0) { throw ImageError.unreadable(file: path, reason: "the name has a zero byte") }
    // Not blocking, so that a named pipe is refused instead of waited for.
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    if descriptor < 0 { throw Self.failure(path, errno) }
    var status = stat()
    if fstat(descriptor, &status) != 0 {
      let code = errno
      close(descriptor)
      throw Self.failure(path, code)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw ImageError.unreadable(file: path, reason: "not a regular file")
    }
    self.path = path
    self.descriptor = descriptor
    size = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// All bytes of the file.
  ///
  /// - Throws: `ImageError.fileTooLarge` if there are more than `maximum`, or `ImageError.unreadable`.
  func bytes(maximum: Int) throws -> [UInt8] {
    if size > maximum { throw ImageError.fileTooLarge(file: path, bytes: size, maximum: maximum) }
    return try [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
      while initialized < size {
        let count = try read(
          into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[initialized...]))
        if count == 0 { break }
        initialized += count
      }
    }
  }

  /// The next bytes; 0 at the end of the file.
  ///
  /// - Throws: `ImageError.unreadable`.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      let count = Foundation.read(descriptor, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      if errno != EINTR { throw Self.failure(path, errno) }
    }
  }

  private static func failure(_ path: String, _ code: Int32) -> ImageError {
    .unreadable(file: path, reason: String(cString: strerror(code)))
  }
}
