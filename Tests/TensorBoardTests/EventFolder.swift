import Foundation
import Testing

@testable import TensorBoard

/// A folder of event files, and a reader of them that shares nothing with the writer: its checksum goes bit by bit.
final class EventFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("tensorboard-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// The event files of a folder in the order in which TensorBoard reads them.
  func files(_ folder: String = "tensorboard") throws -> [URL] {
    let folder = url.appendingPathComponent(folder)
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.contains("tfevents") }
      .sorted().map(folder.appendingPathComponent)
  }

  /// All events of a file, which must have nothing but whole records.
  func events(_ file: URL) throws -> [Tensorboard_Event] {
    try Self.records([UInt8](Data(contentsOf: file))).map { try Tensorboard_Event(serializedBytes: $0) }
  }

  /// The events of the only file of a folder.
  func events(in folder: String = "tensorboard") throws -> [Tensorboard_Event] {
    let files = try files(folder)
    try #require(files.count == 1, "\(files)")
    return try events(files[0])
  }

  struct DamagedRecord: Error {}

  static func records(_ bytes: [UInt8]) throws -> [[UInt8]] {
    var records: [[UInt8]] = []
    var rest = bytes[...]
    func number(_ count: Int) throws -> UInt64 {
      guard rest.count >= count else { throw DamagedRecord() }
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count).reversed().reduce(0) { $0 * 256 + UInt64($1) }
    }
    while !rest.isEmpty {
      let header = rest.prefix(8)
      let length = Int(try number(8))
      guard try number(4) == maskedChecksum(header), rest.count >= length else { throw DamagedRecord() }
      let data = rest.prefix(length)
      rest = rest.dropFirst(length)
      guard try number(4) == maskedChecksum(data) else { throw DamagedRecord() }
      records.append(Array(data))
    }
    return records
  }

  /// The remainder of a long division by 0x11EDC6F41, the least significant bit of each byte first.
  private static func maskedChecksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    var remainder: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      for position in 0..<8 {
        let bit = UInt32(byte >> position & 1) ^ remainder >> 31
        remainder = remainder << 1 ^ (bit == 1 ? 0x1EDC_6F41 : 0)
      }
    }
    let checksum = (0..<32).reduce(UInt32(0)) { $0 | (~remainder >> $1 & 1) << (31 - $1) }
    return (UInt64(checksum >> 15) + UInt64(checksum << 17) + 0xA282_EAD8) & 0xFFFF_FFFF
  }
}

extension [Tensorboard_Event] {
  /// What was written under a tag, by step.
  func values(_ tag: String) -> [(step: Int, value: Tensorboard_Summary.Value)] {
    flatMap { event in event.summary.value.filter { $0.tag == tag }.map { (Int(event.step), $0) } }
  }

  func scalars(_ tag: String) -> [Int: Float] {
    Dictionary(values(tag).map { ($0.step, $0.value.simpleValue) }) { $1 }
  }

  func steps(_ tag: String) -> [Int] { values(tag).map(\.step) }

  func texts(_ tag: String) -> [String] {
    values(tag).map { String(decoding: $0.value.tensor.stringVal.first ?? Data(), as: UTF8.self) }
  }

  var tags: Set<String> { Set(flatMap { $0.summary.value.map(\.tag) }) }
}
