/// A checksum of bytes that reads eight at a time, so that it costs little beside reading the bytes themselves.
///
/// As FNV-1a, but on words and in four chains that a processor computes side by side. Every change within one 64-bit word
/// changes the result; other changes go unnoticed once in 2⁶⁴. It is no defence against those who mean harm. What caches
/// and identities hold depends on it: another algorithm needs another `PackedImageHeader.currentVersion`.
enum Checksum64 {
  private static let prime: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// The checksum of `bytes`; `seed` is that of what came before them, if anything.
  static func of(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
    var (first, second, third, fourth): (UInt64, UInt64, UInt64, UInt64) = (
      seed ^ 0x243F_6A88_85A3_08D3, seed ^ 0x1319_8A2E_0370_7344, seed ^ 0xA409_3822_299F_31D0,
      seed ^ 0x082E_FA98_EC4E_6C89
    )
    var offset = 0
    while offset + 32 <= bytes.count {
      add(word(bytes, offset), to: &first)
      add(word(bytes, offset + 8), to: &second)
      add(word(bytes, offset + 16), to: &third)
      add(word(bytes, offset + 24), to: &fourth)
      offset += 32
    }
    while offset + 8 <= bytes.count {
      add(word(bytes, offset), to: &first)
      offset += 8
    }
    add(bytes[offset...].reversed().reduce(0) { $0 << 8 | UInt64($1) }, to: &first)
    for chain in [second, third, fourth] { add(chain, to: &first) }
    // The length, so that zeros at the end count.
    add(UInt64(bytes.count), to: &first)
    return first
  }

  /// The checksum of a text, which ends where it ends: "a", "bc" and "ab", "c" differ.
  static func of(_ text: String, seed: UInt64) -> UInt64 {
    var text = text
    return text.withUTF8 { of(UnsafeRawBufferPointer($0), seed: seed) }
  }

  /// The checksum of numbers.
  static func of(_ words: [UInt64], seed: UInt64) -> UInt64 {
    var chain = seed
    for word in words { add(word, to: &chain) }
    return chain
  }

  @inline(__always)
  private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inline(__always)
  private static func add(_ word: UInt64, to chain: inout UInt64) {
    chain = (chain ^ word) &* prime
    // A product carries differences upwards only.
    chain ^= chain >> 32
  }
}
