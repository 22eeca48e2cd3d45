import Foundation
import Testing

@testable import Data

/// Fonts, characters and names that nobody would think of.
@Suite struct OddInputTests {
  private func generator(_ font: String, style: CaptchaStyle) throws -> CaptchaGenerator {
    try CaptchaGenerator(
      configuration: GeneratorConfiguration(types: [.digit], style: style, fonts: [FixtureFiles.path("Fonts/\(font)")]))
  }

  @Test(arguments: CaptchaStyle.allCases) func fontsThatDrawNothingAreRefused(_ style: CaptchaStyle) throws {
    let path = FixtureFiles.path("Fonts/blank.ttf")
    let error = #expect(throws: GeneratorError.self) { try generator("blank.ttf", style: style) }
    #expect(error == .emptyGlyph(character: "0", path: path))
    #expect(error?.description.contains("draws nothing for '0'") == true)
  }

  @Test func fontsWithOddMetricsCrashNothing() throws {
    // All ink lies far below the line, and on no tile.
    #expect(throws: GeneratorError.self) { try generator("negative-ascender.ttf", style: .classic) }
    let drawn = try generator("negative-ascender.ttf", style: .library).captcha(index: 0, seed: 1)
    #expect(drawn.image.width == 200 && drawn.image.height == 60)
    let wide = #expect(throws: GeneratorError.self) { try generator("wide-advance.ttf", style: .library) }
    #expect(wide?.description.contains("pixels at the size") == true)
  }

  @Test func fontsThatAreNoFilesAreRefused() throws {
    let folder = try TemporaryFolder()
    #expect(mkfifo(folder.file("pipe.ttf"), 0o600) == 0)
    let error = #expect(throws: GeneratorError.self) {
      try CaptchaGenerator(configuration: GeneratorConfiguration(fonts: [folder.file("pipe.ttf")]))
    }
    #expect(error == .unreadableFont(path: folder.file("pipe.ttf"), reason: "not a regular file"))
  }

  @Test func textsTooLongForTheMemoryAreRefused() throws {
    let configuration = try GeneratorConfiguration(
      types: [.digit], lengths: 32...32, width: 60, height: 1200, style: .library)
    let error = #expect(throws: GeneratorError.self) { try CaptchaGenerator(configuration: configuration) }
    #expect(error?.description.contains("texts of 32 characters take more than 128 MiB") == true)
  }

  @Test(arguments: ["\u{301}a", "a\u{200D}", "\u{1F1E9}\u{1F1EA}", "\u{1100}\u{1161}"])
  func charactersThatJoinOthersAreRefused(_ text: String) throws {
    #expect(throws: GeneratorError.self) { try GeneratorConfiguration(types: [.mixed], charset: text) }
    #expect(throws: LabelError.joiningCharacter("\u{301}")) { try Charset("\u{301}a") }
    // Others stay as many as they are.
    #expect(try Charset("é験証ß€").count == 5)
  }

  @Test func namesThatDifferInBytesOnlyAreTwoFiles() throws {
    let (composed, decomposed) = ("\u{E9}-1.png", "e\u{301}-1.png")
    let bytes = try PNG.encode(Image(width: 8, height: 8, color: [9]))
    for reversed in [false, true] {
      let folder = try TemporaryFolder()
      for name in reversed ? [decomposed, composed] : [composed, decomposed] { try folder.write(bytes, to: name) }
      let names = try DatasetListing(directory: folder.path).samples.map { Array($0.name.utf8) }
      #expect(names == [decomposed, composed].map { Array($0.utf8) })
      try folder.write("\(composed)\ta\n\(decomposed)\tb\n", to: "labels.txt")
      let listing = try DatasetListing(directory: folder.path)
      #expect(listing.rejected.isEmpty && listing.samples.map(\.label) == ["b", "a"])
      try folder.write("\(composed)\ta\n", to: "labels.txt")
      #expect(try DatasetListing(directory: folder.path).unlisted.map { Array($0.utf8) } == [Array(decomposed.utf8)])
    }
  }
}
