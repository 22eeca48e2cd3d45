import Foundation
import Testing

@testable import Data

/// A JPEG, GIF or BMP file and what Pillow sees in it.
struct FormatFixture: Decodable, CustomTestStringConvertible {
  let file: String
  let width: Int
  let height: Int
  let tolerance: Int
  let rgb: Foundation.Data
  var testDescription: String { file }

  static func all() throws -> [FormatFixture] { try FixtureFiles.json("formats/formats.json") }

  var bytes: [UInt8] { get throws { try FixtureFiles.bytes("formats/\(file)") } }

  /// Where gdk-pixbuf is missing these tests do not run, which the test run shows.
  static let isReadable: Bool = {
    let missing = ImageFormat.allCases.filter { !$0.isReadable }.map(\.displayName)
    if !missing.isEmpty {
      print("NOTICE: \(missing.joined(separator: ", ")) can't be read here; install libgdk-pixbuf-2.0-0")
    }
    return missing.isEmpty
  }()
  static let missing: Comment = "gdk-pixbuf is not installed"
}

@Suite(.enabled(if: FormatFixture.isReadable, FormatFixture.missing))
struct ImageFormatTests {
  @Test(arguments: try FormatFixture.all())
  func decodesWhatPillowSees(_ fixture: FormatFixture) throws {
    let image = try ImageFile.read(FixtureFiles.path("formats/\(fixture.file)"))
    #expect(image.width == fixture.width && image.height == fixture.height && image.channels == 3)
    let expected = [UInt8](fixture.rgb)
    let difference = zip(image.pixels, expected).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(image.pixels.count == expected.count && difference <= fixture.tolerance, "differs by \(difference)")
    let gray = try ImageFile.read(FixtureFiles.path("formats/\(fixture.file)"), as: .grayscale)
    #expect(gray == image.grayscale())
  }

  @Test(arguments: try FormatFixture.all())
  func refusesWhatIsLargerThanTheLimits(_ fixture: FormatFixture) throws {
    let (bytes, width, height) = (try fixture.bytes, fixture.width, fixture.height)
    func decode(_ limits: ImageLimits) throws -> Image {
      try ImageFile.decode(bytes, named: fixture.file, limits: limits)
    }
    let exact = ImageLimits(maximumWidth: width, maximumHeight: height, maximumFileSize: bytes.count)
    #expect(try decode(exact).width == width)
    #expect(
      throws: ImageError.tooLarge(
        file: fixture.file, width: width, height: height, maximumWidth: width - 1, maximumHeight: 4096)
    ) { try decode(ImageLimits(maximumWidth: width - 1)) }
    #expect(throws: ImageError.self) { try decode(ImageLimits(maximumHeight: height - 1)) }
    #expect(throws: ImageError.fileTooLarge(file: fixture.file, bytes: bytes.count, maximum: bytes.count - 1)) {
      try decode(ImageLimits(maximumFileSize: bytes.count - 1))
    }
  }

  @Test func aFolderMayMixFormats() throws {
    let folder = try TemporaryFolder()
    // The extension plays no part in decoding.
    for (source, name) in [
      ("gray.jpg", "a1-1.jpg"), ("progressive.jpeg", "b2_2.JPEG"), ("animated.gif", "c3-3.gif"),
      ("top-down.bmp", "d4-4.bmp"), ("palette.gif", "e5-5.png"),
    ] {
      try folder.write(FixtureFiles.bytes("formats/\(source)"), to: name)
    }
    try folder.write(FixtureFiles.bytes("png/rgb8.png"), to: "f6-6.jpg")
    let loaded = try DatasetLoader(options: DatasetOptions(maximumRejectedShare: 0)).load(folder.path)
    #expect(loaded.dataset.labels == ["a1", "b2", "c3", "d4", "e5", "f6"])
    #expect(loaded.imageSizes == ["120×60": 2, "37×23": 3, "13×9": 1])
  }

  @Test func framesLargerThanTheLimitsAreRefused() throws {
    // A screen of 10×10, on which gdk-pixbuf would decode a frame of 16,000×16,000.
    let screen = Array("GIF89a".utf8) + [10, 0, 10, 0, 0x80, 0, 0] + [0, 0, 0, 255, 255, 255]
    let comment: [UInt8] = [0x21, 0xFE, 2, 0x2C, 0x2C, 0]
    func frame(_ width: Int, _ height: Int) -> [UInt8] {
      [0x2C, 0, 0, 0, 0] + [width & 255, width >> 8, height & 255, height >> 8].map(UInt8.init)
        + [0, 2, 2, 0x44, 0x01, 0]
    }
    for prefix in [[], comment, frame(10, 10), [0, 7]] {
      #expect(
        throws: ImageError.tooLarge(
          file: "bomb.gif", width: 16_000, height: 5, maximumWidth: 4096, maximumHeight: 4096)
      ) { try ImageFile.decode(screen + prefix + frame(16_000, 5) + [0x3B], named: "bomb.gif") }
    }
    #expect(try ImageFile.decode(screen + comment + frame(10, 10) + [0x3B], named: "small.gif").width == 10)
  }

  @Test func hugeHeadersAreRefused() throws {
    func changed(_ file: String, at index: Int, _ bytes: [UInt8]) throws -> [UInt8] {
      var file = try FixtureFiles.bytes("formats/\(file)")
      file.replaceSubrange(index..<index + bytes.count, with: bytes)
      return file
    }
    func size(_ bytes: [UInt8]) throws -> [Int] {
      let error = #expect(throws: ImageError.self) { try ImageFile.decode(bytes, named: "bomb") }
      guard case .tooLarge(_, let width, let height, _, _) = error else { return [] }
      return [width, height]
    }
    let hundredThousand: [UInt8] = [0xA0, 0x86, 1, 0]
    #expect(try size(changed("colour-24.bmp", at: 18, hundredThousand + hundredThousand)) == [100_000, 100_000])
    #expect(try size(changed("animated.gif", at: 6, [255, 255, 255, 255])) == [65535, 65535])
    let frame = try #require(FixtureFiles.bytes("formats/gray.jpg").indices(of: [0xFF, 0xC0]).first)
    #expect(try size(changed("gray.jpg", at: frame + 5, [0xFF, 0xDC, 0xFF, 0xDC])) == [65500, 65500])
  }

  @Test func tooManyScansAreRefused() throws {
    let file = try FixtureFiles.bytes("formats/progressive.jpeg")
    let last = try #require(file.indices(of: [0xFF, 0xDA]).last)
    let end = file.count - 2
    let scans = file.indices(of: [0xFF, 0xDA]).count
    func repeated(_ count: Int) -> [UInt8] {
      Array(file[..<last]) + Array(repeating: file[last..<end], count: count).joined() + file[end...]
    }
    #expect(try ImageFile.decode(repeated(1), named: "a.jpg") == ImageFile.decode(file, named: "a.jpg"))
    #expect(
      throws: ImageError.corrupt(
        file: "a.jpg", format: .jpeg, reason: "it has \(scans + 1999) scans, more than the limit of 100")
    ) { try ImageFile.decode(repeated(2000), named: "a.jpg") }
  }
}

@Suite struct ImageFileTests {
  private func error(_ bytes: [UInt8]) -> ImageError? {
    #expect(throws: ImageError.self) { try ImageFile.decode(bytes, named: "file") }
  }

  @Test func readsEveryPNG() throws {
    for fixture in try PNGFixture.all() {
      let path = FixtureFiles.path("png/\(fixture.file)")
      #expect(try ImageFile.read(path) == ImageFile.read(path))
      #expect(try ImageFile.read(path, as: .rgb).pixels == [UInt8](fixture.rgb))
    }
  }

  @Test func otherKindsAreNamed() {
    #expect(error([]) == .empty(file: "file"))
    #expect(error([0x89, 0x50]) == .corrupt(file: "file", format: .png, reason: "the file ends early"))
    #expect(error([0xFF]) == .corrupt(file: "file", format: .jpeg, reason: "the file ends early"))
    #expect(error(Array("hello".utf8)) == .unknownFormat(file: "file", kind: nil))
    #expect(error(Array("RIFF....WEBPVP8 ".utf8)) == .unknownFormat(file: "file", kind: "a WebP image"))
    #expect(error(Array("<html><body>".utf8)) == .unknownFormat(file: "file", kind: "an HTML page"))
    #expect(
      error(Array("II*\0".utf8))?.description
        == "file: not a PNG, JPEG, GIF or BMP image but a TIFF image; convert the image to PNG")
  }

  @Test(arguments: ["gray.jpg", "animated.gif", "colour-24.bmp"])
  func aMissingLibraryIsNamed(_ name: String) throws {
    let bytes = try FixtureFiles.bytes("formats/\(name)")
    let format = try #require(ImageFormat(signatureOf: bytes))
    let missing = Result { () throws(PixbufLibrary.Unavailable) in try PixbufLibrary(path: "libnot_there.so.0") }
    let error = #expect(throws: ImageError.self) {
      try ImageFile.decode(bytes, named: name, library: missing)
    }
    guard case .missingLibrary(name, format, let reason) = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(reason.contains("libnot_there.so.0"))
    let text = error?.description ?? ""
    #expect(text.hasPrefix("\(name): a \(format.displayName) image can't be read: libnot_there.so.0"))
    #expect(text.hasSuffix("; install libgdk-pixbuf-2.0-0 or convert the image to PNG"))
    // PNG needs no library.
    let png = try FixtureFiles.bytes("png/rgb8.png")
    #expect(try ImageFile.decode(png, named: "a.png", library: missing).width == 13)
  }

  @Test func aLibraryWithoutTheFunctionsIsRefused() {
    // The C library is there everywhere, and is no gdk-pixbuf.
    #expect(throws: PixbufLibrary.Unavailable.self) { try PixbufLibrary(path: "libc.so.6") }
  }

  @Test func everyErrorIsOneLineWithARemedy() {
    let errors: [ImageError] = [
      .unreadable(file: "a\nb", reason: "r"), .empty(file: "a\nb"), .fileTooLarge(file: "a\nb", bytes: 2, maximum: 1),
      .unknownFormat(file: "a\nb", kind: nil), .missingLibrary(file: "a\nb", format: .gif, reason: "r"),
      .tooLarge(file: "a\nb", width: 2, height: 2, maximumWidth: 1, maximumHeight: 1),
      .corrupt(file: "a\nb", format: .bmp, reason: "r"), .unwritable(file: "a\nb", reason: "r"),
    ]
    for error in errors {
      #expect(error.description.hasPrefix("a\\nb: ") && error.description.contains("; "))
      #expect(!error.description.contains("\n") && error.localizedDescription == error.description)
    }
  }

  @Test func aNameWithAZeroByteIsRefused() throws {
    let folder = try TemporaryFolder()
    try folder.write(FixtureFiles.bytes("png/rgb8.png"), to: "a.png")
    #expect(throws: ImageError.self) { try ImageFile.read(folder.file("a.png\0b")) }
  }
}

extension [UInt8] {
  /// Where the bytes of `pattern` start.
  func indices(of pattern: [UInt8]) -> [Int] {
    indices.filter { self[$0...].starts(with: pattern) }
  }
}
