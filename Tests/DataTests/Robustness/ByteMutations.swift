import Tensor

/// Random damage to files, the same for the same stream.
enum ByteMutations {
  /// Numbers that tend to be at the edge of what fits somewhere.
  private static let edges: [UInt32] = [
    0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 100_000,
  ]

  /// A copy of `bytes` with one to four changes: flipped bits, other bytes, numbers at the edge, parts cut out, doubled,
  /// swapped or filled, an early end, or bytes of `other` put in.
  static func mutated(_ bytes: [UInt8], other: [UInt8], _ stream: inout RandomStream) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<stream.integer(in: 1...4) where !bytes.isEmpty {
      // Headers matter most.
      let bound = stream.integer(in: 0...2) == 0 ? min(bytes.count, 64) : bytes.count
      let index = stream.integer(in: 0..<bound)
      let end = min(bytes.count, index + stream.integer(in: 1...32))
      switch stream.integer(in: 0...9) {
      case 0, 1: bytes[index] ^= 1 << UInt8(stream.integer(in: 0...7))
      case 2, 3: bytes[index] = UInt8(stream.integer(in: 0...255))
      case 4, 5:
        let number = edges[stream.integer(in: 0..<edges.count)]
        let width = [1, 2, 4][stream.integer(in: 0...2)]
        let isLittle = stream.integer(in: 0...1) == 0
        for place in 0..<width where index + place < bytes.count {
          bytes[index + place] = UInt8(truncatingIfNeeded: number >> UInt32(8 * (isLittle ? place : width - 1 - place)))
        }
      case 6: bytes.removeSubrange(index..<end)
      case 7: bytes.insert(contentsOf: bytes[index..<end], at: stream.integer(in: 0...bytes.count))
      case 8: bytes.removeLast(bytes.count - index)
      default:
        guard !other.isEmpty else { continue }
        let start = stream.integer(in: 0..<other.count)
        bytes.insert(contentsOf: other[start..<min(other.count, start + stream.integer(in: 1...64))], at: index)
      }
    }
    return bytes
  }

  /// A PNG file with damage inside its chunks and right checksums, so that the decoder sees it.
  static func mutatedChunks(_ bytes: [UInt8], other: [UInt8], _ stream: inout RandomStream) -> [UInt8] {
    var chunks = chunks(of: bytes)
    guard !chunks.isEmpty else { return bytes }
    let index = stream.integer(in: 0...2) == 0 ? 0 : stream.integer(in: 0..<chunks.count)
    switch stream.integer(in: 0...7) {
    case 0: chunks.remove(at: index)
    case 1: chunks.insert(chunks[index], at: stream.integer(in: 0...chunks.count))
    case 2: chunks.swapAt(index, stream.integer(in: 0..<chunks.count))
    case 3: chunks[index].kind = chunks[stream.integer(in: 0..<chunks.count)].kind
    default: chunks[index].body = mutated(chunks[index].body, other: other, &stream)
    }
    // Now and then a length that is not the body's.
    let wrongLength = stream.integer(in: 0...9) == 0 ? stream.integer(in: 0..<max(1, chunks.count)) : nil
    var file = Array(bytes.prefix(8))
    for (position, chunk) in chunks.enumerated() {
      let length = position == wrongLength ? stream.integer(in: 0...0x7FFF_FFFF) : chunk.body.count
      file += bigEndian(UInt32(length))
      file += chunk.kind + chunk.body
      file += bigEndian(PNGChecksum.crc32((chunk.kind + chunk.body)[...]))
    }
    return file
  }

  private static func chunks(of file: [UInt8]) -> [(kind: [UInt8], body: [UInt8])] {
    var chunks: [(kind: [UInt8], body: [UInt8])] = []
    var index = 8
    while index + 12 <= file.count {
      let length = file[index..<index + 4].reduce(0) { $0 << 8 | Int($1) }
      guard index + 12 + length <= file.count else { break }
      chunks.append((Array(file[index + 4..<index + 8]), Array(file[index + 8..<index + 8 + length])))
      index += 12 + length
    }
    return chunks
  }

  private static func bigEndian(_ number: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> UInt32(24 - 8 * $0)) }
  }
}
