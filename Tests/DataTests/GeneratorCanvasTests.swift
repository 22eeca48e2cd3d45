import Foundation
import Testing

@testable import Data

@Suite("Generator: drawing operations against Pillow")
struct GeneratorCanvasTests {
  private let white = Color(red: 255, green: 255, blue: 255)

  @Test("lines colour the same pixels")
  func lines() throws {
    let cases = try GeneratorFixtures.Primitives().lines
    #expect(cases.count > 900)
    for item in cases {
      let line = Line(x0: item.line[0], y0: item.line[1], x1: item.line[2], y1: item.line[3], width: item.line[4])
      let pixels = GeneratorFixtures.draw { $0.line(line, color: white) }
      #expect(MD5.hexDigest(GeneratorFixtures.firstChannel(pixels)) == item.md5, "\(line)")
    }
  }

  @Test("arcs colour the same pixels")
  func arcs() throws {
    let cases = try GeneratorFixtures.Primitives().arcs
    #expect(cases.count > 600)
    for item in cases {
      let arc = Arc(
        x0: item.arc[0], y0: item.arc[1], x1: item.arc[2], y1: item.arc[3], start: item.arc[4], extent: item.arc[5],
        width: item.arc[6])
      let pixels = GeneratorFixtures.draw { $0.arc(arc, color: white) }
      #expect(MD5.hexDigest(GeneratorFixtures.firstChannel(pixels)) == item.md5, "\(arc)")
    }
  }

  @Test("a rotated tile is pasted with its alpha")
  func rotation() throws {
    let coverage = GeneratorFixtures.pattern(50 * 70)
    let tile = GlyphAtlas.Glyph(left: 0, top: 0, width: 50, height: 70, offset: 0)
    let cases = try GeneratorFixtures.Primitives().rotations
    #expect(cases.map(\.angle) == Array(-30...30))
    for item in cases {
      let rotation = TileRotation(degrees: item.angle)
      #expect(rotation.width == item.width && rotation.height == item.height, "\(item.angle)°")
      let pixels = GeneratorFixtures.draw { canvas in
        canvas.fill(Color(red: 250, green: 240, blue: 231))
        for (x, y) in [(60, -12), (-20, 10), (170, -30)] {
          canvas.glyph(
            tile, coverage: coverage, rotation: rotation, x: x, y: y, color: Color(red: 200, green: 30, blue: 90))
        }
      }
      #expect(MD5.hexDigest(pixels) == item.md5, "\(item.angle)°")
    }
  }

  @Test("a part of a tile is drawn as the whole tile with nothing around it")
  func croppedTile() {
    let whole = GlyphAtlas.Glyph(left: 0, top: 0, width: 50, height: 70, offset: 0)
    let part = GlyphAtlas.Glyph(left: 13, top: 21, width: 24, height: 27, offset: 5)
    let pattern = GeneratorFixtures.pattern(24 * 27)
    var coverage = [UInt8](repeating: 0, count: 50 * 70)
    for y in 0..<27 { for x in 0..<24 { coverage[(21 + y) * 50 + 13 + x] = pattern[y * 24 + x] } }
    for angle in -30...30 {
      let rotation = TileRotation(degrees: angle)
      let color = Color(red: 20, green: 60, blue: 100)
      let expected = GeneratorFixtures.draw {
        $0.glyph(whole, coverage: coverage, rotation: rotation, x: 40, y: -5, color: color)
      }
      let drawn = GeneratorFixtures.draw {
        $0.glyph(part, coverage: [1, 2, 3, 4, 5] + pattern, rotation: rotation, x: 40, y: -5, color: color)
      }
      #expect(drawn == expected, "\(angle)°")
      #expect(drawn.contains { $0 > 0 })
    }
  }

  @Test("blur rounds the same way")
  func blur() throws {
    let cases = try GeneratorFixtures.Primitives().blurs
    #expect(cases.count == 80)
    for item in cases {
      var scratch = [UInt8](
        repeating: 0, count: Canvas.blurScratchCount(width: item.width, height: item.height, radius: item.radius))
      let start = GeneratorFixtures.pattern(3 * item.width * item.height)
      let pixels = GeneratorFixtures.draw(width: item.width, height: item.height, on: start) { canvas in
        scratch.withUnsafeMutableBufferPointer { canvas.blur(radius: item.radius, scratch: $0) }
      }
      #expect(MD5.hexDigest(pixels) == item.md5, "\(item.width)×\(item.height), radius \(item.radius)")
    }
  }

  @Test("points outside are left out")
  func points() {
    let pixels = GeneratorFixtures.draw(width: 3, height: 2) { canvas in
      for (x, y) in [(-1, 0), (3, 0), (0, -1), (0, 2), (2, 1)] { canvas.point(x: x, y: y, color: white) }
    }
    #expect(pixels == [UInt8](repeating: 0, count: 15) + [255, 255, 255])
  }

  @Test("luma is the image's grayscale")
  func luma() {
    let bytes = GeneratorFixtures.pattern(3 * 50 * 40)
    var gray = [UInt8](repeating: 0, count: 50 * 40)
    _ = GeneratorFixtures.draw(width: 50, height: 40, on: bytes) { canvas in
      gray.withUnsafeMutableBufferPointer { canvas.copyLuma(to: $0) }
    }
    #expect(gray == Image(width: 50, height: 40, channels: 3, pixels: bytes).grayscale().pixels)
  }

  @Test("MD5 digests of RFC 1321")
  func md5() {
    let vectors = [
      "": "d41d8cd98f00b204e9800998ecf8427e", "a": "0cc175b9c0f1b6a831c399e269772661",
      "abc": "900150983cd24fb0d6963f7d28e17f72", "message digest": "f96b697d7cb7938d525a2f31aaf161d0",
      "abcdefghijklmnopqrstuvwxyz": "c3fcd3d76192e4007dfb496cca67e13b",
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789": "d174ab98d277d9f5a5611c2c9f419d9f",
      String(repeating: "1234567890", count: 8): "57edf4a22be3c955ac49da2e2107b67a",
    ]
    for (message, digest) in vectors { #expect(MD5.hexDigest(Array(message.utf8)) == digest) }
  }
}
