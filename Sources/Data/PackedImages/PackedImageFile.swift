import Foundation

/// The pixels of many images in one file, from which they are read when they are needed.
///
/// Read with `pread` into the caller's memory, not mapped: a mapped file that shrinks or lies on a bad sector ends the
/// process with a signal that nobody can handle, where reading returns an error; and mapped pages count as the process's
/// memory. What was read before still comes from the system's file cache as long as nobody else needs the memory.
final class PackedImageFile: Sendable {
  let path: String
  private let imageSize: Int
  private let descriptor: Int32
  /// The checksum of each slot's pixels.
  let checksums: [UInt64]

  fileprivate init(path: String, imageSize: Int, descriptor: Int32, checksums: [UInt64]) {
    self.path = path
    self.imageSize = imageSize
    self.descriptor = descriptor
    self.checksums = checksums
  }

  deinit { close(descriptor) }

  /// Reads the pixels in `slot` and compares them with their checksum.
  ///
  /// - Parameters:
  ///   - pixels: receives one image.
  ///   - name: what the error calls the image.
  /// - Throws: `DatasetError.damagedCache`.
  func read(slot: Int, into pixels: UnsafeMutableBufferPointer<UInt8>, name: @autoclosure () -> String) throws {
    let bytes = UnsafeMutableRawBufferPointer(pixels)
    if let reason = PositionedFile.read(
      descriptor, into: bytes, at: PackedImageHeader.pixelOffset + slot * imageSize)
    {
      throw DatasetError.damagedCache(file: path, image: name(), reason: "can't be read (\(reason))")
    }
    guard Checksum64.of(UnsafeRawBufferPointer(bytes)) == checksums[slot] else {
      throw DatasetError.damagedCache(file: path, image: name(), reason: "are not what was written")
    }
  }
}

/// What became of one file of a folder.
enum PackedImageEntry: Sendable {
  /// `width` and `height` are those before resizing.
  case accepted(checksum: UInt64, width: UInt32, height: UInt32)
  case rejected(reason: String)
}

/// A packed file that was opened, with its index.
struct PackedImages {
  let file: PackedImageFile
  /// In the order of the images' names.
  let entries: [PackedImageEntry]

  /// Opens the file at `path` if it is there and was made from `source`.
  ///
  /// - Parameter stale: called with the reason where there is a file that has to be made anew.
  /// - Returns: nil where it has to be made.
  /// - Throws: `DatasetError.notACache` for a file of another kind, `.unreadableCache` for one that can't be opened.
  init?(path: String, source: PackedImageSource, stale: (String) -> Void) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 {
      if errno == ENOENT { return nil }
      throw DatasetError.unreadableCache(file: path, reason: String(cString: strerror(errno)))
    }
    var isKept = false
    defer { if !isKept { close(descriptor) } }
    guard let length = Self.packedLength(descriptor) else { throw DatasetError.notACache(file: path) }
    do {
      let (header, index) = try PackedImageHeader.read(descriptor, fileLength: length)
      if let difference = header.source.difference(from: source) {
        throw PackedImageHeader.Fault(reason: difference)
      }
      entries = try Self.entries(index, count: source.count)
    } catch let fault as PackedImageHeader.Fault {
      stale(fault.reason)
      return nil
    }
    let checksums = entries.map { entry in
      if case .accepted(let checksum, _, _) = entry { checksum } else { 0 as UInt64 }
    }
    file = PackedImageFile(path: path, imageSize: source.imageSize, descriptor: descriptor, checksums: checksums)
    isKept = true
  }

  /// Whether what is at `path` may be replaced: nothing, or a packed file of whatever state.
  static func mayReplace(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { return errno == ENOENT }
    defer { close(descriptor) }
    return packedLength(descriptor) != nil
  }

  /// The length of a plain file that begins with the magic text; nil for others.
  private static func packedLength(_ descriptor: Int32) -> Int? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    let magic = PackedImageHeader.magic
    return PackedImageHeader.readBytes(descriptor, at: 0, count: magic.count) == magic ? Int(status.st_size) : nil
  }

  // MARK: The index

  static func index(_ entries: [PackedImageEntry]) -> [UInt8] {
    var index: [UInt8] = []
    index.reserveCapacity(16 * entries.count)
    for entry in entries {
      guard case .accepted(let checksum, let width, let height) = entry else {
        index.append(contentsOf: repeatElement(0, count: 16))
        continue
      }
      index.append(littleEndian: checksum)
      index.append(littleEndian: width)
      index.append(littleEndian: height)
    }
    for case .rejected(let reason) in entries {
      index.append(littleEndian: UInt32(reason.utf8.count))
      index.append(contentsOf: reason.utf8)
    }
    return index
  }

  private static func entries(_ index: [UInt8], count: Int) throws -> [PackedImageEntry] {
    // The checksum holds, so only another program can have written an index that does not fit.
    let damaged = PackedImageHeader.Fault(reason: "its index is damaged")
    guard index.count >= 16 * count else { throw damaged }
    var place = 16 * count
    let entries = try (0..<count).map { position in
      let width: UInt32 = index.integer(at: 16 * position + 8)
      let height: UInt32 = index.integer(at: 16 * position + 12)
      if width > 0 {
        return PackedImageEntry.accepted(checksum: index.word(at: 16 * position), width: width, height: height)
      }
      guard place + 4 <= index.count else { throw damaged }
      let length: UInt32 = index.integer(at: place)
      guard place + 4 + Int(length) <= index.count else { throw damaged }
      let reason = String(decoding: index[(place + 4)..<(place + 4 + Int(length))], as: UTF8.self)
      place += 4 + Int(length)
      return .rejected(reason: reason)
    }
    guard place == index.count else { throw damaged }
    return entries
  }
}
