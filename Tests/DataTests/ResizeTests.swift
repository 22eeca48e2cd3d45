import Testing

@testable import Data

/// An image and what Pillow's LANCZOS makes of it.
struct ResizeFixture: Decodable, CustomTestStringConvertible {
  let source: String
  let target: String
  let width: Int
  let height: Int
  var testDescription: String { target }

  static func all() throws -> [ResizeFixture] { try FixtureFiles.json("resize.json") }
}

@Suite struct ResizeTests {
  @Test(arguments: try ResizeFixture.all())
  func equalsPillow(_ fixture: ResizeFixture) throws {
    let source = try ImageFile.read(FixtureFiles.path("resize/\(fixture.source)"))
    let expected = try ImageFile.read(FixtureFiles.path("resize/\(fixture.target)"))
    let result = source.resized(width: fixture.width, height: fixture.height)
    #expect(result == expected)
  }

  @Test func everyCaseIsThere() throws {
    #expect(try ResizeFixture.all().count == 28)
  }

  @Test func sameSizeIsUnchanged() throws {
    let source = try ImageFile.read(FixtureFiles.path("resize/noise-rgb.png"))
    #expect(source.resized(width: source.width, height: source.height) == source)
  }

  @Test func oneResizerServesManyImages() throws {
    let resizer = LanczosResizer(sourceWidth: 37, sourceHeight: 23, width: 74, height: 46)
    for mode in ["rgb", "l"] {
      let source = try ImageFile.read(FixtureFiles.path("resize/noise-\(mode).png"))
      #expect(resizer.resize(source) == (try ImageFile.read(FixtureFiles.path("resize/noise-\(mode)-74x46.png"))))
    }
  }
}
