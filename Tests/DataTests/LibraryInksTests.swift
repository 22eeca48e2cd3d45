import Testing

@testable import Data

@Suite("Generator: the inks of the style library against whole numbers")
struct LibraryInksTests {
  // What Pillow computes: the division by the opacity, `convert("L")`, the package's `point(lambda i: i * 1.97)` and
  // `paste` through that mask.
  private func pasted(_ pixel: [Int], on below: Int) -> [Int] {
    let opacity = pixel[3]
    let channels = pixel[0..<3].map { opacity == 0 ? $0 : min(255, $0 * 255 / opacity) }
    let luma = (channels[0] * 19595 + channels[1] * 38470 + channels[2] * 7471 + 0x8000) / 0x10000
    let mask = min(255, luma * 197 / 100)
    return channels.map { (2 * (below * (255 - mask) + $0 * mask) + 255) / 510 }
  }

  @Test("every opacity with every value of each channel")
  func inks() {
    let inks = LibraryInks(capacity: 256)
    defer { inks.deallocate() }
    let others = GeneratorFixtures.pattern(2 * 256).map { Int($0) }
    for opacity in 0...255 {
      for sweep in 0..<3 {
        let pixels = (0..<256).map { value in
          var pixel = [others[2 * value], others[(2 * value + opacity) % 512], others[2 * value + 1], opacity]
          pixel[sweep] = value
          return pixel
        }
        let vectors = pixels.map { SIMD4<Float>($0.map { Float($0) }) }
        vectors.withUnsafeBufferPointer { inks.store($0.baseAddress!, count: 256, from: 0) }
        let below = [0, 1, 127, 238, 255][opacity % 5]
        let results = (0..<256).map { index in
          let result = inks.over(SIMD4(repeating: UInt16(below)), at: index)
          return [result.x, result.y, result.z].map { Int($0) }
        }
        #expect(results == pixels.map { pasted($0, on: below) }, "opacity \(opacity), channel \(sweep)")
      }
    }
  }

  @Test("cleared inks leave what is below")
  func cleared() {
    let inks = LibraryInks(capacity: 7)
    defer { inks.deallocate() }
    inks.clear(from: 0, count: 7)
    for below in 0...255 {
      let pixel = LibraryCanvas.Pixel(UInt16(below), UInt16(255 - below), UInt16(below / 2), 0)
      for index in 0..<7 { #expect(inks.over(pixel, at: index) == pixel) }
    }
  }
}
