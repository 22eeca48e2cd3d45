import Foundation

/// The checks of JPEG files that gdk-pixbuf leaves out.
enum JPEGScans {
  /// The most scans of a file. Progressive files have about ten; each passes over the whole image, so that a small file of
  /// many thousand scans would take hours.
  static let maximumCount = 100

  /// What is wrong with the file, or nil.
  ///
  /// gdk-pixbuf fills in what is missing at the end; here the last scan must be followed by the end of the image.
  static func fault(in bytes: [UInt8]) -> String? {
    // In the compressed data no byte 0xFF is followed by one of these.
    let (startOfScan, endOfImage): (UInt8, UInt8) = (0xDA, 0xD9)
    var count = 0
    var hasEnd = false
    bytes.withUnsafeBytes { bytes in
      var index = 0
      while index + 1 < bytes.count, let found = memchr(bytes.baseAddress! + index, 0xFF, bytes.count - 1 - index) {
        index = found - UnsafeMutableRawPointer(mutating: bytes.baseAddress!) + 1
        if bytes[index] == startOfScan {
          count += 1
          hasEnd = false
        } else if bytes[index] == endOfImage {
          hasEnd = true
        }
      }
    }
    if count > maximumCount { return "it has \(count) scans, more than the limit of \(maximumCount)" }
    return hasEnd ? nil : "the file ends early"
  }
}

/// The frames of a GIF file, whose sizes gdk-pixbuf doesn't show: it asks for the size of the screen that they are drawn on,
/// and takes memory for frames that are larger.
enum GIFFrames {
  /// The size of the first frame that is larger than the limits; nil where none is.
  ///
  /// Source: GIF89a specification, https://www.w3.org/Graphics/GIF/spec-gif89a.txt
  static func frame(in bytes: [UInt8], largerThan limits: ImageLimits) -> (width: Int, height: Int)? {
    var index = 10
    func byte(_ offset: Int) -> Int { index + offset < bytes.count ? Int(bytes[index + offset]) : 0 }
    /// The bytes of the colour table that these flags announce.
    func tableSize(_ flags: Int) -> Int { flags & 0x80 == 0 ? 0 : 3 << (flags & 7 + 1) }
    func skipBlocks() {
      while index < bytes.count, bytes[index] != 0 { index += Int(bytes[index]) + 1 }
      index += 1
    }
    index += 3 + tableSize(byte(0))
    while index < bytes.count {
      switch bytes[index] {
      case 0x21:  // an extension: its kind, then blocks
        index += 2
        skipBlocks()
      case 0x2C:  // a frame: position, size, flags, colour table, the code size and blocks
        let (width, height) = (byte(5) | byte(6) << 8, byte(7) | byte(8) << 8)
        if width > limits.maximumWidth || height > limits.maximumHeight { return (width, height) }
        index += 10 + tableSize(byte(9)) + 1
        skipBlocks()
      case 0x3B: return nil  // the end
      default: index += 1  // gdk-pixbuf passes over such bytes too
      }
    }
    return nil
  }
}
