import Foundation
import Testing

@testable import Data

/// A PNG file and what it shows, blended with white.
struct PNGFixture: Decodable, CustomTestStringConvertible {
  let file: String
  let width: Int
  let height: Int
  let rgb: Foundation.Data
  let gray: Foundation.Data
  var testDescription: String { file }

  static func all() throws -> [PNGFixture] { try FixtureFiles.json("png.json") }
}

@Suite struct PNGTests {
  @Test func everyTypeIsCovered() throws {
    #expect(try PNGFixture.all().count == 51)
  }

  @Test(arguments: try PNGFixture.all())
  func decodesEveryType(_ fixture: PNGFixture) throws {
    let path = FixtureFiles.path("png/\(fixture.file)")
    let color = try ImageFile.read(path, as: .rgb)
    #expect(color.width == fixture.width && color.height == fixture.height)
    #expect(color.pixels == [UInt8](fixture.rgb))
    #expect(try ImageFile.read(path, as: .grayscale).pixels == [UInt8](fixture.gray))
    let asStored = try ImageFile.read(path)
    let isGray =
      fixture.file.hasPrefix("gray") || ["pillow-1.png", "pillow-l.png", "pillow-la.png"].contains(fixture.file)
    #expect(asStored.channels == (isGray ? 1 : 3))
  }

  @Test(arguments: try PNGFixture.all())
  func refusesEveryTruncation(_ fixture: PNGFixture) throws {
    let bytes = try FixtureFiles.bytes("png/\(fixture.file)")
    for count in 0..<bytes.count {
      #expect(throws: ImageError.self, "\(count) of \(bytes.count) bytes") {
        try PNG.decode(Array(bytes[..<count]), named: fixture.file)
      }
    }
  }

  @Test(arguments: try PNGFixture.all())
  func refusesEveryFlippedByte(_ fixture: PNGFixture) throws {
    // Every byte of a PNG file is guarded by the signature, a length or a checksum.
    let bytes = try FixtureFiles.bytes("png/\(fixture.file)")
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] ^= 0x55
      #expect(throws: ImageError.self, "byte \(index) of \(bytes.count)") {
        try PNG.decode(damaged, named: fixture.file)
      }
    }
  }

  @Test func truncationAlongALargerFileIsAnError() throws {
    var noise = UInt32(1)
    let image = Image(width: 200, height: 60, channels: 3) { pixels in
      for index in pixels.indices {
        noise = noise &* 1_664_525 &+ 1_013_904_223
        pixels[index] = UInt8(noise >> 24)
      }
    }
    let bytes = try PNG.encode(image)
    #expect(try PNG.decode(bytes, named: "whole.png") == image)
    for count in stride(from: 0, to: bytes.count, by: 100) {
      #expect(throws: ImageError.self) { try PNG.decode(Array(bytes[..<count]), named: "cut.png") }
    }
  }

  @Test(arguments: 0...9) func encodedImagesDecodeUnchanged(level: Int) throws {
    for channels in [1, 3] {
      let count = 31 * 7 * channels
      let image = Image(width: 31, height: 7, channels: channels, pixels: (0..<count).map { UInt8($0 * $0 % 251) })
      let bytes = try PNG.encode(image, compressionLevel: level)
      #expect(try PNG.decode(bytes, named: "image") == image)
      #expect(try PNG.encode(image, compressionLevel: level) == bytes)
    }
  }

  @Test func aHigherLevelIsSmaller() throws {
    let image = Image(width: 200, height: 60, color: [240, 250, 230])
    let sizes = try [0, 1, 9].map { try PNG.encode(image, compressionLevel: $0).count }
    #expect(sizes[0] > 36_000 && sizes[1] < 1000 && sizes[2] <= sizes[1])
  }

  @Test func writesAFile() throws {
    let folder = try TemporaryFolder()
    let image = Image(width: 3, height: 2, channels: 1, pixels: [1, 2, 3, 4, 5, 6])
    try PNG.write(image, to: folder.file("a.png"))
    #expect(try ImageFile.read(folder.file("a.png")) == image)
    let missing = folder.file("missing/a.png")
    let error = #expect(throws: ImageError.self) { try PNG.write(image, to: missing) }
    #expect(error?.file == missing)
    guard case .unwritable = error else { return #expect(Bool(false), "\(String(describing: error))") }
  }

  @Test func refusesFilesThatAreNoPNG() throws {
    let folder = try TemporaryFolder()
    try folder.write([UInt8](), to: "empty.png")
    try folder.write("hello", to: "text.png")
    try folder.write([0x89, 0x50], to: "cut.png")
    try FileManager.default.createDirectory(atPath: folder.file("folder.png"), withIntermediateDirectories: true)
    func error(_ name: String) -> ImageError? {
      #expect(throws: ImageError.self) { try ImageFile.read(folder.file(name)) }
    }
    #expect(error("empty.png") == .empty(file: folder.file("empty.png")))
    #expect(error("text.png") == .unknownFormat(file: folder.file("text.png"), kind: nil))
    #expect(
      throws: ImageError.corrupt(file: "text", format: .png, reason: "it does not start as a PNG file does")
    ) { try PNG.decode(Array("hello".utf8), named: "text") }
    #expect(error("cut.png") == .corrupt(file: folder.file("cut.png"), format: .png, reason: "the file ends early"))
    #expect(error("folder.png") == .unreadable(file: folder.file("folder.png"), reason: "not a regular file"))
    #expect(
      error("missing.png") == .unreadable(file: folder.file("missing.png"), reason: "No such file or directory"))
  }

  @Test func refusesHugeImagesBeforeDecoding() throws {
    // A file of a few bytes that claims 2^31 - 1 columns and rows.
    var bomb = try FixtureFiles.bytes("png/rgba16.png")
    func setSize(_ width: UInt32, _ height: UInt32) {
      for index in 0..<4 {
        bomb[16 + index] = UInt8(truncatingIfNeeded: width >> UInt32(24 - 8 * index))
        bomb[20 + index] = UInt8(truncatingIfNeeded: height >> UInt32(24 - 8 * index))
      }
      let checksum = PNGChecksum.crc32(bomb[12..<29])
      for index in 0..<4 { bomb[29 + index] = UInt8(truncatingIfNeeded: checksum >> UInt32(24 - 8 * index)) }
    }
    for (width, height) in [(1 << 31 - 1, 1 << 31 - 1), (4097, 1), (1, 4097), (100_000, 100_000)] {
      setSize(UInt32(width), UInt32(height))
      let error = #expect(throws: ImageError.self) { try PNG.decode(bomb, named: "bomb.png") }
      #expect(
        error
          == .tooLarge(file: "bomb.png", width: width, height: height, maximumWidth: 4096, maximumHeight: 4096))
    }
    setSize(4096, 4096)
    #expect(throws: ImageError.self) { try PNG.decode(bomb, named: "bomb.png") }
    setSize(0, 7)
    #expect(throws: ImageError.self) { try PNG.decode(bomb, named: "bomb.png") }
  }

  @Test func dataBeyondTheLastRowIsNotKept() throws {
    // Sixteen million pixels, compressed to a few thousand bytes, in a file that claims a hundred.
    var bomb = try PNG.encode(Image(width: 4096, height: 4096, color: [0]), compressionLevel: 9)
    #expect(bomb.count < 50_000)
    bomb.replaceSubrange(16..<24, with: [0, 0, 0, 10, 0, 0, 0, 10])
    let checksum = PNGChecksum.crc32(bomb[12..<29])
    for index in 0..<4 { bomb[29 + index] = UInt8(truncatingIfNeeded: checksum >> UInt32(24 - 8 * index)) }
    // libpng reads the rows that there are and warns about the rest.
    #expect(try PNG.decode(bomb, named: "bomb.png") == Image(width: 10, height: 10, color: [0]))
  }

  @Test func limitsAreConfigurable() throws {
    let path = FixtureFiles.path("png/rgb8.png")
    let size = try FixtureFiles.bytes("png/rgb8.png").count
    let exact = ImageLimits(maximumWidth: 13, maximumHeight: 9, maximumFileSize: size)
    #expect(try ImageFile.read(path, limits: exact).width == 13)
    #expect(throws: ImageError.fileTooLarge(file: path, bytes: size, maximum: size - 1)) {
      try ImageFile.read(path, limits: ImageLimits(maximumFileSize: size - 1))
    }
    #expect(throws: ImageError.self) { try ImageFile.read(path, limits: ImageLimits(maximumWidth: 12)) }
    #expect(throws: ImageError.self) { try ImageFile.read(path, limits: ImageLimits(maximumHeight: 8)) }
  }
}

enum PNGChecksum {
  /// The checksum of PNG chunks, bit by bit after the PNG specification, annex D.
  static func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
  }
}
