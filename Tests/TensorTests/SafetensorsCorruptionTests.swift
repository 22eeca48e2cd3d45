import Foundation
import Testing

@testable import Tensor

/// Files that are cut, patched or made to harm: each gives an error of one line, never a crash.
@Suite struct SafetensorsCorruptionTests {
  private static func file(header: String, elements: Int = 8, length: UInt64? = nil) -> Data {
    var data = Data()
    withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { data.append(contentsOf: $0) }
    return data + Data(header.utf8) + Data(count: elements)
  }

  /// Reads `data` as the content of a file, and returns the error.
  private func error(_ data: Data) throws -> String? {
    do {
      _ = try Safetensors(data, file: "folder/name.safetensors")
      return nil
    } catch let error as SafetensorsError {
      #expect(error.description.hasPrefix("folder/name.safetensors: ") && !error.description.contains("\n"))
      return error.reason
    }
  }

  private static let valid = #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#

  @Test func theValidFileIsValid() throws {
    #expect(try error(Self.file(header: Self.valid)) == nil)
    #expect(try error(Self.file(header: "{}", elements: 0)) == nil)
    // Python pads the header with blanks.
    #expect(try error(Self.file(header: Self.valid + "     ")) == nil)
  }

  @Test func everyTruncation() throws {
    let whole = Self.file(
      header: #"{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
        + #""b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}"#, elements: 11)
    #expect(try error(whole) == nil)
    let folder = try TemporaryFolder()
    for length in 0..<whole.count {
      #expect(try error(whole.prefix(length)) != nil, "\(length) bytes")
      let url = folder.file("\(length).safetensors")
      try whole.prefix(length).write(to: url)
      #expect(throws: SafetensorsError.self, "\(length) bytes on the disk") { try Safetensors(contentsOf: url) }
    }
    #expect(try error(whole + [0]) != nil)
  }

  @Test(arguments: [
    // Sizes
    #"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[-1,-2],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[4294967296,4294967296,2],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":null,"data_offsets":[0,8]}}"#,
    // Offsets
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-9223372036854775808,9223372036854775807]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[9223372036854775800,9223372036854775807]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,16]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0.5,8.5]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}"#,
    // Types
    #"{"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"","shape":[2],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}}"#,
    #"{"a":{"shape":[2],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[2]}}"#,
    #"{"a":{}}"#, #"{"a":[]}"#, #"{"a":null}"#, #"{"a":"F32"}"#, #"{"a":8}"#,
    // Metadata
    #"{"__metadata__":{"k":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
    #"{"__metadata__":{"k":null},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
    #"{"__metadata__":["k"],"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
    #"{"__metadata__":"k","a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
    // Not an object, not JSON
    "[]", "null", "7", "\"a\"", "", " ", "{", "}", "{]", "{\"a\":}", "{\"a\\n\\u0000\nb\":{}}", "not JSON", "{}",
    "{}{}",
  ])
  func corruptHeader(header: String) throws {
    #expect(try error(Self.file(header: header)) != nil)
  }

  @Test func headersOfOtherBytes() throws {
    #expect(try error(Self.file(header: "")) != nil)
    for bytes in [[0xFF, 0xFE, 0x7B, 0x7D], [0x7B, 0xC3, 0x28, 0x7D], [0, 0, 0, 0], [0x7B, 0, 0x7D, 0]] as [[UInt8]] {
      var data = Self.file(header: "1234")
      data.replaceSubrange(8..<12, with: bytes)
      #expect(try error(data) != nil)
    }
  }

  @Test func headerLengths() throws {
    for length in [0, 1, 53, 55, 62, 63, 1 << 31, 1 << 32, 1 << 62, 1 << 63, .max, .max - 7] as [UInt64] {
      #expect(try error(Self.file(header: Self.valid, length: length)) != nil, "\(length)")
    }
  }

  @Test func headersThatNestDeeply() throws {
    for depth in [600, 100_000] {
      let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
      #expect(try error(Self.file(header: "{\"a\":\(nested)}")) != nil)
      let objects = String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth)
      #expect(try error(Self.file(header: objects)) != nil)
    }
  }

  @Test func theErrorNamesTensorAndType() throws {
    let reason =
      try error(
        Self.file(header: #"{"block.0":{"dtype":"BF16","shape":[4],"data_offsets":[0,8]}}"#)) ?? ""
    #expect(reason.contains("block.0") && reason.contains("BF16") && reason.contains("not supported"))
  }

  /// Bytes changed, cut out, doubled and exchanged at random, but the same on every run.
  @Test func mutations() throws {
    var random = RandomStream(seed: 20).stream("mutations")
    let seeds = [
      Self.file(header: Self.valid),
      Self.file(
        header: #"{"__metadata__":{"k":"v"},"a":{"dtype":"I32","shape":[1,1],"data_offsets":[0,4]},"#
          + #""b":{"dtype":"U8","shape":[2,2],"data_offsets":[4,8]}}"#),
    ]
    let alphabet = Array("0123456789-+.eE[]{}:,\"\\ \u{0}aFUI_tnu".utf8)
    var refused = 0
    for round in 0..<6000 {
      var data = [UInt8](seeds[round % seeds.count])
      for _ in 0...random.integer(in: 0..<4) {
        let index = random.integer(in: 0..<max(1, data.count))
        if data.isEmpty { break }
        switch random.integer(in: 0..<6) {
        case 0: data[index] = UInt8(truncatingIfNeeded: random.nextWord())
        case 1, 2: data[index] = alphabet[random.integer(in: 0..<alphabet.count)]
        case 3: data.remove(at: index)
        case 4: data.insert(alphabet[random.integer(in: 0..<alphabet.count)], at: index)
        default: data.removeSubrange(index..<min(data.count, index + random.integer(in: 1...12)))
        }
      }
      if try error(Data(data)) != nil { refused += 1 }
    }
    #expect(refused > 4000 && refused < 6000)
  }
}
