/// The checksum of pixels and caches: XXH64 (Yann Collet, "xxHash fast digest algorithm", version 0.1.1), which reads eight
/// bytes at a time in four chains that a processor computes side by side, many times faster than a disk.
///
/// Another content has the same checksum once in 2⁶⁴, unless somebody means harm. What caches and identities hold depends
/// on it: another algorithm needs another `PackedImageHeader.currentVersion`.
enum Checksum64 {
  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

  /// The checksum of `bytes`; `seed` is that of what came before them, if anything.
  static func of(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
    var offset = 0
    var sum = seed &+ prime5
    if bytes.count >= 32 {
      var (first, second, third, fourth) = (seed &+ prime1 &+ prime2, seed &+ prime2, seed, seed &- prime1)
      while offset + 32 <= bytes.count {
        first = round(first, word(bytes, offset))
        second = round(second, word(bytes, offset + 8))
        third = round(third, word(bytes, offset + 16))
        fourth = round(fourth, word(bytes, offset + 24))
        offset += 32
      }
      sum = rotated(first, 1) &+ rotated(second, 7) &+ rotated(third, 12) &+ rotated(fourth, 18)
      for chain in [first, second, third, fourth] { sum = (sum ^ round(0, chain)) &* prime1 &+ prime4 }
    }
    sum &+= UInt64(bytes.count)
    while offset + 8 <= bytes.count {
      sum = rotated(sum ^ round(0, word(bytes, offset)), 27) &* prime1 &+ prime4
      offset += 8
    }
    if offset + 4 <= bytes.count {
      let half = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      sum = rotated(sum ^ UInt64(half) &* prime1, 23) &* prime2 &+ prime3
      offset += 4
    }
    for byte in bytes[offset...] { sum = rotated(sum ^ UInt64(byte) &* prime5, 11) &* prime1 }
    sum = (sum ^ sum >> 33) &* prime2
    sum = (sum ^ sum >> 29) &* prime3
    return sum ^ sum >> 32
  }

  /// The checksum of a text.
  static func of(_ text: String, seed: UInt64) -> UInt64 {
    var text = text
    return text.withUTF8 { of(UnsafeRawBufferPointer($0), seed: seed) }
  }

  /// The checksum of numbers, as little-endian bytes.
  static func of(_ words: [UInt64], seed: UInt64) -> UInt64 {
    words.map(\.littleEndian).withUnsafeBytes { of($0, seed: seed) }
  }

  @inline(__always)
  private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inline(__always)
  private static func round(_ chain: UInt64, _ word: UInt64) -> UInt64 {
    rotated(chain &+ word &* prime2, 31) &* prime1
  }

  @inline(__always)
  private static func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }
}
