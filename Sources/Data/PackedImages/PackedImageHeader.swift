import Foundation

/// What a packed file is made from; another value of any field makes the file useless.
struct PackedImageSource: Equatable {
  /// The size and channels that images are brought to.
  var width: Int
  var height: Int
  var channels: Int
  /// The images that the folder offers, readable or not.
  var count: Int
  /// The largest files that were read.
  var limits: ImageLimits
  /// A checksum of the images' names, in order. A manifest or label file decides nothing else that lasts: labels are
  /// read anew at each load.
  var names: UInt64
  /// A checksum of the files' sizes and times of change, in the same order.
  var files: UInt64

  var imageSize: Int { width * height * channels }

  /// Why a file that was made from `self` can't be used for `other`; nil where it can.
  func difference(from other: PackedImageSource) -> String? {
    if (width, height, channels) != (other.width, other.height, other.channels) || limits != other.limits {
      return "it was made with other options"
    }
    if count != other.count { return "the folder had \(count) images then and has \(other.count) now" }
    if names != other.names { return "images have been renamed or replaced by others" }
    if files != other.files { return "image files have changed since then" }
    return nil
  }
}

/// The first bytes of a packed file.
///
/// | bytes | hold |
/// |---|---|
/// | 0 to 15 | the magic text |
/// | then 8 each, little-endian | version, width, height, channels, count, the limits of width, height and file size, the checksums of names and of files, the index's length, the checksum of everything before and of the index |
/// | from 4096 on | the pixels, one slot per image in the order of their names; that of an image that can't be read is empty |
/// | then | the index: per image its checksum (8 bytes), width and height before resizing (4 each, 0 where it can't be read); then for each such image the length (4) and the text of its reason |
struct PackedImageHeader {
  /// Raised whenever the layout, the checksum, the decoding of images or their resizing changes.
  static let currentVersion = 2
  static let magic = Array("captcha-pixels\r\n".utf8)
  /// Where the pixels begin: at a page.
  static let pixelOffset = 4096
  private static let wordCount = 12
  static let size = magic.count + 8 * wordCount

  let source: PackedImageSource
  let indexLength: Int

  /// The file's length.
  var fileLength: Int { Self.pixelOffset + source.count * source.imageSize + indexLength }

  /// The header's bytes.
  func bytes(index: [UInt8]) -> [UInt8] {
    var bytes = Self.magic
    for word in [
      UInt64(Self.currentVersion), UInt64(source.width), UInt64(source.height), UInt64(source.channels),
      UInt64(source.count), UInt64(source.limits.maximumWidth), UInt64(source.limits.maximumHeight),
      UInt64(source.limits.maximumFileSize), source.names, source.files, UInt64(indexLength),
    ] {
      bytes.append(littleEndian: word)
    }
    bytes.append(littleEndian: Self.checksum(bytes, index))
    return bytes
  }

  private static func checksum(_ header: [UInt8], _ index: [UInt8]) -> UInt64 {
    let seed = header.withUnsafeBytes { Checksum64.of($0) }
    return index.withUnsafeBytes { Checksum64.of($0, seed: seed) }
  }

  /// Why a file can't be used though it is a packed one.
  struct Fault: Error { let reason: String }

  /// Reads header and index of a file that begins with the magic text.
  ///
  /// - Throws: `Fault`.
  static func read(_ descriptor: Int32, fileLength: Int) throws -> (header: PackedImageHeader, index: [UInt8]) {
    let cutOff = Fault(reason: "it is cut off")
    let damaged = Fault(reason: "it is damaged")
    guard let bytes = readBytes(descriptor, at: 0, count: size) else { throw cutOff }
    let words = (0..<wordCount).map { bytes.word(at: magic.count + 8 * $0) }
    guard words[0] == UInt64(currentVersion) else {
      throw Fault(reason: "it is of version \(words[0]), and this program writes version \(currentVersion)")
    }
    // Numbers that may be damaged: none is used before the file's length has confirmed them together.
    let numbers = words[1...7].map { Int(exactly: $0) ?? -1 } + [Int(exactly: words[10]) ?? -1]
    guard numbers.allSatisfy({ $0 >= 0 && $0 < 1 << 60 }) else { throw damaged }
    guard let length = length(of: numbers[..<4], indexLength: numbers[7]) else { throw damaged }
    guard fileLength == length else { throw fileLength < length ? cutOff : damaged }
    guard let index = readBytes(descriptor, at: fileLength - numbers[7], count: numbers[7]) else { throw cutOff }
    guard words[11] == checksum(Array(bytes.dropLast(8)), index) else { throw damaged }
    let source = PackedImageSource(
      width: numbers[0], height: numbers[1], channels: numbers[2], count: numbers[3],
      limits: ImageLimits(maximumWidth: numbers[4], maximumHeight: numbers[5], maximumFileSize: numbers[6]),
      names: words[8], files: words[9])
    return (PackedImageHeader(source: source, indexLength: numbers[7]), index)
  }

  /// The length of a file whose pixels are a product of `factors`; nil where that is no number.
  private static func length(of factors: ArraySlice<Int>, indexLength: Int) -> Int? {
    var pixels = 1
    for factor in factors {
      let (product, overflow) = pixels.multipliedReportingOverflow(by: factor)
      if overflow { return nil }
      pixels = product
    }
    let (length, overflow) = pixels.addingReportingOverflow(pixelOffset + indexLength)
    return overflow ? nil : length
  }

  /// `count` bytes of a file; nil where there are not so many.
  static func readBytes(_ descriptor: Int32, at offset: Int, count: Int) -> [UInt8]? {
    var isComplete = false
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      isComplete = PositionedFile.read(descriptor, into: UnsafeMutableRawBufferPointer(buffer), at: offset) == nil
      initialized = isComplete ? count : 0
    }
    return isComplete ? bytes : nil
  }
}

/// Reading and writing at places of a file, which several threads may do at once.
enum PositionedFile {
  /// Fills `buffer`; returns why it could not, or nil.
  static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> String? {
    var done = 0
    while done < buffer.count {
      let count = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      if count < 0 { return String(cString: strerror(errno)) }
      if count == 0 { return "the file is cut off" }
      done += count
    }
    return nil
  }

  /// Writes all of `buffer`; returns why it could not, or nil.
  static func write(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer, at offset: Int) -> String? {
    var done = 0
    while done < buffer.count {
      let count = pwrite(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return String(cString: strerror(errno)) }
      done += count
    }
    return nil
  }
}

extension [UInt8] {
  mutating func append(littleEndian value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  func word(at offset: Int) -> UInt64 { integer(at: offset) }

  func integer<Value: FixedWidthInteger>(at offset: Int) -> Value {
    withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Value.self)) }
  }
}
