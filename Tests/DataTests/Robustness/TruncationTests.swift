import Foundation
import Testing

@testable import Data

@Suite struct TruncationTests {
  /// The first hundred bytes, and then every hundredth.
  private func lengths(_ count: Int) -> [Int] {
    Array(0..<min(100, count)) + stride(from: 100, to: count, by: 100)
  }

  @Test func everyTruncatedPNGIsAnError() throws {
    for fixture in try PNGFixture.all() {
      let bytes = try FixtureFiles.bytes("png/\(fixture.file)")
      for length in lengths(bytes.count) {
        #expect(throws: ImageError.self, "\(fixture.file), \(length) bytes") {
          try ImageFile.decode(Array(bytes[..<length]), named: fixture.file)
        }
      }
    }
  }

  /// Nothing that is missing is made up, except where the last bytes are none of the first frame.
  @Test(.enabled(if: FormatFixture.isReadable, FormatFixture.missing), arguments: try FormatFixture.all())
  func everyTruncationIsAnErrorOrTheWholeImage(_ fixture: FormatFixture) throws {
    let bytes = try fixture.bytes
    let whole = try ImageFile.decode(bytes, named: fixture.file)
    for length in lengths(bytes.count) + [bytes.count - 3, bytes.count - 2, bytes.count - 1] {
      do {
        let image = try ImageFile.decode(Array(bytes[..<length]), named: fixture.file)
        #expect(image == whole, "\(length) of \(bytes.count) bytes")
        #expect(length > bytes.count - 4, "\(length) of \(bytes.count) bytes give the image")
      } catch {
        #expect(error is ImageError)
      }
    }
  }
}
