import Tensor

/// Tells whether bytes are still what they were; every change within one 64-bit word is noticed.
///
/// FNV-1a on words instead of bytes, since a training's state may be hundreds of megabytes.
struct Checksum {
  private var hash: UInt64 = 0xCBF2_9CE4_8422_2325

  /// 16 hexadecimal digits.
  var text: String {
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
  }

  mutating func add(_ tensor: Tensor) {
    switch tensor.dtype {
    case .float32: tensor.withElements(of: Float.self) { add(UnsafeRawBufferPointer($0)) }
    case .int32: tensor.withElements(of: Int32.self) { add(UnsafeRawBufferPointer($0)) }
    case .bfloat16: preconditionFailure("Checksum: elements are \(tensor.dtype)")
    case .uint8: tensor.withElements(of: UInt8.self) { add(UnsafeRawBufferPointer($0)) }
    }
  }

  private mutating func add(_ bytes: UnsafeRawBufferPointer) {
    let whole = bytes.count / 8 * 8
    for offset in stride(from: 0, to: whole, by: 8) {
      add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
    add(bytes[whole...].reversed().reduce(0) { $0 << 8 | UInt64($1) })
    // The length, so that zeros at the end count.
    add(UInt64(bytes.count))
  }

  private mutating func add(_ word: UInt64) {
    hash = (hash ^ word) &* 0x100_0000_01B3
    // A product carries differences upwards only.
    hash ^= hash >> 32
  }
}
