import Foundation

/// The framing of the records of a TFRecord file, which event files are.
///
/// A record is its length (8 bytes), the masked checksum of those (4 bytes), the data, and the masked checksum of the
/// data (4 bytes), all little-endian. A reader thereby notices a record that a crash has cut off.
enum RecordFraming {
  static func framed(_ data: [UInt8]) -> Foundation.Data {
    let length = bytes(of: UInt64(data.count))
    var record = Foundation.Data(capacity: data.count + 16)
    record.append(contentsOf: length)
    record.append(contentsOf: bytes(of: CRC32C.masked(length)))
    record.append(contentsOf: data)
    record.append(contentsOf: bytes(of: CRC32C.masked(data)))
    return record
  }

  private static func bytes(of value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian, Array.init)
  }
}

/// CRC-32C, the cyclic redundancy check of Castagnoli's polynomial (RFC 3720).
enum CRC32C {
  /// What each value of a byte contributes; the polynomial's bits are in reverse order.
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? 0x82F6_3B78 ^ value >> 1 : value >> 1 }
  }

  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~table.withUnsafeBufferPointer { table in
      bytes.reduce(UInt32.max) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
    }
  }

  /// The checksum as records hold it: the checksum of data that holds checksums itself would be weak.
  static func masked(_ bytes: [UInt8]) -> UInt32 {
    let checksum = checksum(bytes)
    return (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
  }
}
