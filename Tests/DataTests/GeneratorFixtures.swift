import Foundation
import Testing

@testable import Data

/// What Pillow 13 draws; see `Fixtures/Generator/make_fixtures.py`.
enum GeneratorFixtures {
  struct Primitives: Decodable {
    struct LineCase: Decodable {
      let line: [Int]
      let md5: String
    }
    struct ArcCase: Decodable {
      let arc: [Int]
      let md5: String
    }
    struct RotationCase: Decodable {
      let angle: Int
      let width: Int
      let height: Int
      let md5: String
    }
    struct BlurCase: Decodable {
      let width: Int
      let height: Int
      let radius: Float
      let md5: String
    }
    let lines: [LineCase]
    let arcs: [ArcCase]
    let rotations: [RotationCase]
    let blurs: [BlurCase]

    init() throws { self = try FixtureFiles.json("Generator/primitives.json") }
  }

  /// The bytes that `make_fixtures.py` calls its pattern.
  static func pattern(_ count: Int) -> [UInt8] {
    var state: UInt32 = 1
    return (0..<count).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(state >> 24)
    }
  }

  /// The pixels of an RGB image that begins as `pixels` (default black) and that `draw` draws on.
  static func draw(
    width: Int = 200, height: Int = 60, on pixels: [UInt8]? = nil, _ draw: (Canvas) throws -> Void
  ) rethrows -> [UInt8] {
    var pixels = pixels ?? [UInt8](repeating: 0, count: 3 * width * height)
    try pixels.withUnsafeMutableBufferPointer { try draw(Canvas(pixels: $0, width: width, height: height)) }
    return pixels
  }

  /// Every third byte: the one channel of an image in gray.
  static func firstChannel(_ pixels: [UInt8]) -> [UInt8] {
    stride(from: 0, to: pixels.count, by: 3).map { pixels[$0] }
  }
}
