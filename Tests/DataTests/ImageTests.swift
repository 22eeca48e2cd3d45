import Testing

@testable import Data

@Suite struct ImageTests {
  @Test func fillsWithAColor() {
    let image = Image(width: 2, height: 3, color: [1, 2, 3])
    #expect(image.pixels == [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3])
    #expect(Image(width: 2, height: 1, color: [9]).pixels == [9, 9])
  }

  @Test func grayscaleRoundsAsPillow() {
    // Image.new("RGB", (1, 1), color).convert("L") of Pillow 13.0.0.
    let known: [([UInt8], UInt8)] = [
      ([255, 0, 0], 76), ([0, 255, 0], 150), ([0, 0, 255], 29), ([255, 255, 255], 255), ([1, 1, 1], 1),
      ([10, 200, 77], 129), ([0, 1, 0], 1), ([1, 0, 1], 0),
    ]
    for (color, gray) in known {
      #expect(Image(width: 1, height: 1, color: color).grayscale().pixels == [gray], "\(color)")
    }
  }

  @Test func channelsConvertBothWays() {
    let gray = Image(width: 2, height: 1, channels: 1, pixels: [7, 200])
    #expect(gray.rgb().pixels == [7, 7, 7, 200, 200, 200])
    #expect(gray.rgb().grayscale() == gray)
    #expect(gray.grayscale() == gray)
    #expect(gray.converted(to: .rgb).channels == ColorMode.rgb.channels)
    #expect(gray.colorMode == .grayscale)
  }
}
