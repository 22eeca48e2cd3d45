import Foundation
import Testing

@testable import TensorBoard

@Suite struct RecordFramingTests {
  /// RFC 3720, appendix B.4; the last one is the check value of the catalogue of CRC algorithms.
  @Test func checksumsOfTheRFC() {
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum([UInt8](0..<32)) == 0x46DD_794E)
    #expect(CRC32C.checksum((0..<32).reversed()) == 0x113F_DB5C)
    let readCommand: [UInt8] = [
      0x01, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18,
      0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
    ]
    #expect(CRC32C.checksum(readCommand) == 0xD996_3A56)
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checksum([]) == 0)
  }

  /// What TensorBoard's own `RecordWriter` (2.21) writes around the data.
  @Test(arguments: [
    ([], "000000000000000029039807", "d8ea82a2"),
    (Array("abc".utf8), "0300000000000000b099490e", "6e57f121"),
    ((0..<768).map { UInt8($0 % 256) }, "000300000000000033532732", "1d2aeac9"),
  ])
  func recordsAreTensorBoards(_ data: [UInt8], _ header: String, _ footer: String) {
    let record = [UInt8](RecordFraming.framed(data))
    func text(_ bytes: ArraySlice<UInt8>) -> String { bytes.map { String(format: "%02x", $0) }.joined() }
    #expect(text(record.prefix(12)) == header)
    #expect(record.dropFirst(12).dropLast(4).elementsEqual(data))
    #expect(text(record.suffix(4)) == footer)
  }

  @Test func anotherReaderFindsTheRecordsAndWhatIsCutOff() throws {
    let contents: [[UInt8]] = [[], [7], Array("brain.Event:2".utf8), [UInt8](repeating: 200, count: 70_000)]
    let file = contents.reduce(into: [UInt8]()) { $0 += RecordFraming.framed($1) }
    #expect(try EventFolder.records(file) == contents)
    #expect(throws: EventFolder.DamagedRecord.self) { try EventFolder.records(file.dropLast()) }
    for place in [3, 10, 17, file.count - 30_000, file.count - 1] {
      var damaged = file
      damaged[place] ^= 0x10
      #expect(throws: EventFolder.DamagedRecord.self, "byte \(place)") { try EventFolder.records(damaged) }
    }
  }
}
