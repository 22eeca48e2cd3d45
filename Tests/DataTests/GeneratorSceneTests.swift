import Foundation
import Tensor
import Testing

@testable import Data

@Suite("Generator: characters and whole images")
struct GeneratorSceneTests {
  private struct GlyphCase: Decodable {
    let character: String
    let size: Int
    let md5: String
  }

  private struct SceneCase: Decodable {
    struct Item: Decodable {
      let line: [Int]?
      let arc: [Int]?
      let place: [Int]?
      let character: String?
      let size: Int?
      let angle: Int?
      let x: Int?
      let y: Int?
      let color: [UInt8]
    }
    let background: [UInt8]
    let below: [Item]
    let dots: [Item]
    let text: [Item]
    let above: [Item]
    let curves: [Item]
    let blur: Float

    func scene() throws -> ClassicScene {
      func color(_ channels: [UInt8]) -> Color { Color(red: channels[0], green: channels[1], blue: channels[2]) }
      func stroke(_ item: Item) throws -> ClassicScene.Stroke {
        let ends = try #require(item.line)
        let line = Line(x0: ends[0], y0: ends[1], x1: ends[2], y1: ends[3], width: ends[4])
        return ClassicScene.Stroke(line: line, color: color(item.color))
      }
      var scene = ClassicScene()
      scene.background = color(background)
      scene.below = try below.map(stroke)
      scene.above = try above.map(stroke)
      scene.dots = try dots.map { item in
        let place = try #require(item.place)
        return ClassicScene.Dot(x: place[0], y: place[1], color: color(item.color))
      }
      scene.text = try text.map { item in
        ClassicScene.Placement(
          character: Character(try #require(item.character)), size: try #require(item.size),
          angle: try #require(item.angle), x: try #require(item.x), y: try #require(item.y), color: color(item.color))
      }
      scene.curves = try curves.map { item in
        let arc = try #require(item.arc)
        return ClassicScene.Curve(
          arc: Arc(x0: arc[0], y0: arc[1], x1: arc[2], y1: arc[3], start: arc[4], extent: arc[5], width: arc[6]),
          color: color(item.color))
      }
      scene.blur = blur
      return scene
    }
  }

  private func atlas() throws -> GlyphAtlas {
    let characters = Array(GeneratorConfiguration.defaultCharset) + MathQuestion.characters
    return try GlyphAtlas(
      fonts: [FontLocation.dejaVuSansBold.find()], characters: characters, sizes: ClassicRecipe.original.sizes)
  }

  @Test("every character lies on its tile as in Pillow")
  func glyphs() throws {
    let atlas = try atlas()
    let cases = try FixtureFiles.json("Generator/glyphs.json", as: [GlyphCase].self)
    #expect(cases.count == 67 * 7)
    for item in cases {
      let glyph = atlas.glyph(Character(item.character), size: item.size)
      var tile = [UInt8](repeating: 0, count: 50 * 70)
      for y in 0..<glyph.height {
        for x in 0..<glyph.width {
          tile[(glyph.top + y) * 50 + glyph.left + x] = atlas.coverage[glyph.offset + y * glyph.width + x]
        }
      }
      #expect(MD5.hexDigest(tile) == item.md5, "\(item.character) at \(item.size)")
    }
  }

  @Test("whole images are Pillow's, pixel by pixel", arguments: 0..<4)
  func scenes(index: Int) throws {
    let scene = try FixtureFiles.json("Generator/scenes.json", as: [SceneCase].self)[index].scene()
    let atlas = try atlas()
    let rotations = Rotations(ClassicRecipe.original.angle)
    var scratch = [UInt8](repeating: 0, count: Canvas.blurScratchCount(width: 200, height: 60, radius: scene.blur))
    let pixels = GeneratorFixtures.draw { canvas in
      scratch.withUnsafeMutableBufferPointer {
        scene.paint(on: canvas, atlas: atlas, rotations: rotations, scratch: $0)
      }
    }
    let expected = try ImageFile.read(FixtureFiles.path("Generator/scene-\(index).png"), as: .rgb)
    let differing = zip(pixels, expected.pixels).count { $0 != $1 }
    #expect(differing == 0)
  }

  @Test("every quantity keeps to its range and reaches both ends of it")
  func ranges() throws {
    let recipe = ClassicRecipe.original
    let rotations = Rotations(recipe.angle)
    var random = RandomStream(seed: 3)
    var scene = ClassicScene()
    var seen: [String: (low: Int, high: Int)] = [:]
    func note(_ name: String, _ value: Int) {
      let known = seen[name] ?? (value, value)
      seen[name] = (min(known.low, value), max(known.high, value))
    }
    func note(_ name: String, _ color: Color) {
      for channel in [color.red, color.green, color.blue] { note(name, Int(channel)) }
    }
    func note(_ name: String, _ stroke: ClassicScene.Stroke) {
      for x in [stroke.line.x0, stroke.line.x1] { note("\(name) x", x) }
      for y in [stroke.line.y0, stroke.line.y1] { note("\(name) y", y) }
      note("\(name) width", stroke.line.width)
      note("\(name) color", stroke.color)
    }
    var blurred = 0
    var radii: [Float] = []
    let count = 1500
    for _ in 0..<count {
      scene.draw(
        Array("abcdef"), width: 200, height: 60, interference: true, recipe: recipe, rotations: rotations,
        using: &random)
      note("background", scene.background)
      note("below", scene.below.count)
      note("above", scene.above.count)
      note("dots", scene.dots.count)
      note("arcs", scene.curves.count)
      for stroke in scene.below { note("below", stroke) }
      for dot in scene.dots {
        note("dot x", dot.x)
        note("dot y", dot.y)
        note("dot color", dot.color)
      }
      for (index, item) in scene.text.enumerated() {
        note("size", item.size)
        note("angle", item.angle)
        note("shift x", item.x - (20 + index * 22))
        let height = rotations[item.angle].height
        note("shift y", item.y - Int((Double(60 - height) / 2).rounded(.down)))
        note("text color", item.color)
      }
      for stroke in scene.above.prefix(4) { note("across", stroke) }
      for stroke in scene.above.suffix(3) { note("thin", stroke) }
      for curve in scene.curves {
        #expect(curve.arc.y0 <= curve.arc.y1)
        note("arc left", curve.arc.x0)
        note("arc right", curve.arc.x1)
        note("arc y", curve.arc.y0)
        note("arc y", curve.arc.y1)
        note("arc start", curve.arc.start)
        note("arc extent", curve.arc.extent)
        note("arc width", curve.arc.width)
        note("arc color", curve.color)
      }
      if scene.blur > 0 {
        blurred += 1
        radii.append(scene.blur)
      }
    }
    let expected: [String: ClosedRange<Int>] = [
      "background": 230...255, "below": 6...10, "below x": 0...200, "below y": 0...60, "below width": 1...2,
      "below color": 100...200, "dots": 1000...1500, "dot x": 0...200, "dot y": 0...60, "dot color": 150...255,
      "size": 33...39, "angle": -30...30, "shift x": -3...3, "shift y": -5...5, "text color": 20...100,
      "above": 7...13, "across x": 0...200, "across y": 15...45, "across width": 1...3, "across color": 80...180,
      "thin x": 0...200, "thin y": 0...60, "thin width": 1...1, "thin color": 120...200, "arcs": 0...4,
      "arc left": 0...100, "arc right": 100...200, "arc y": 0...60, "arc start": 0...359, "arc extent": 30...120,
      "arc width": 1...2, "arc color": 100...190,
    ]
    #expect(Set(seen.keys) == Set(expected.keys))
    for (name, range) in expected {
      let (low, high) = try #require(seen[name])
      #expect(low...high == range, "\(name)")
    }
    // Four standard deviations of a binomial variable.
    #expect(abs(Double(blurred) / Double(count) - 0.4) < 4 * (0.24 / Double(count)).squareRoot())
    let (smallest, largest) = (try #require(radii.min()), try #require(radii.max()))
    #expect(smallest >= 0.3 && smallest < 0.31 && largest < 0.7 && largest > 0.69)
  }

  @Test("math images have text only")
  func withoutInterference() {
    var scene = ClassicScene()
    var random = RandomStream(seed: 1)
    let rotations = Rotations(ClassicRecipe.original.angle)
    for interference in [true, false] {
      scene.draw(
        Array("1+2=?"), width: 200, height: 60, interference: interference, recipe: .original, rotations: rotations,
        using: &random)
      #expect(scene.below.isEmpty == !interference)
    }
    #expect(scene.dots.isEmpty && scene.above.isEmpty && scene.curves.isEmpty && scene.blur == 0)
    #expect(scene.text.map(\.character) == Array("1+2=?"))
  }
}
