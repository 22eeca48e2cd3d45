import Foundation
import Tensor
import Testing

@testable import Data

@Suite("Generator: the style library against the Python package captcha")
struct LibraryStyleTests {
  private struct SceneCase: Decodable {
    struct Item: Decodable {
      let character: String
      let size: Int
      let shift: Int
      let angle: Double
      let warp: [Int]
      let x: Int
    }
    let width: Int
    let height: Int
    let background: [UInt8]
    let color: [UInt8]
    let opacity: UInt8
    let text: [Item]
    let textWidth: Int
    let dots: [[Int]]
    let arc: [Int]

    func scene(glyphs: LibraryGlyphs) throws -> LibraryScene {
      var scene = LibraryScene()
      scene.background = Color(red: background[0], green: background[1], blue: background[2])
      scene.color = Color(red: color[0], green: color[1], blue: color[2])
      scene.opacity = opacity
      scene.text = try text.map { item in
        let face = try #require(LibraryRecipe.original.sizes.firstIndex(of: item.size))
        return LibraryScene.Placement(
          glyph: glyphs.glyph(Character(item.character), face: face, shift: item.shift), angle: item.angle,
          warp: LibraryScene.Warp(x1: item.warp[0], y1: item.warp[1], x2: item.warp[2], y2: item.warp[3]), x: item.x)
      }
      // The widths of the boxes are the glyphs' own, so that this compares them too.
      scene.textWidth = scene.text.reduce(0) { $0 + $1.glyph.boxWidth }
      #expect(scene.textWidth == textWidth)
      scene.dots = dots.map { LibraryScene.Dot(x: $0[0], y: $0[1]) }
      scene.arcs = [Arc(x0: arc[0], y0: arc[1], x1: arc[2], y1: arc[3], start: arc[4], extent: arc[5], width: 1)]
      return scene
    }
  }

  private struct Steps: Decodable {
    struct Smoothed: Decodable {
      let width: Int
      let height: Int
      let md5: String
    }
    struct Narrowed: Decodable {
      let width: Int
      let height: Int
      let target: Int
      let pixels: Foundation.Data
    }
    let smoothed: [Smoothed]
    let narrowed: [Narrowed]

    init() throws { self = try FixtureFiles.json("Library/steps.json") }
  }

  private func glyphs(fonts: [String]? = nil) throws -> LibraryGlyphs {
    let characters = Array(GeneratorConfiguration.defaultCharset) + MathQuestion.characters
    return try LibraryGlyphs(
      fonts: fonts ?? [FontLocation.droidSansMono.find()], characters: characters,
      sizes: LibraryRecipe.original.sizes, shiftCount: LibraryRecipe.original.shift.count)
  }

  private func generator(
    types: [CaptchaType] = CaptchaType.allCases, width: Int = 200, height: Int = 60
  ) throws -> CaptchaGenerator {
    try CaptchaGenerator(
      configuration: GeneratorConfiguration(types: types, width: width, height: height, style: .library))
  }

  // Pillow's resizing counts in fixed point where ours counts in floating point, so that a value just beside a half may
  // be rounded the other way; where the opacity is small, the division by it makes more of that.
  @Test("whole images are the package's but for a few pixels at the borders of the ink", arguments: 0..<5)
  func scenes(index: Int) throws {
    let item = try FixtureFiles.json("Library/scenes.json", as: [SceneCase].self)[index]
    let glyphs = try glyphs()
    let scene = try item.scene(glyphs: glyphs)
    var painter = LibraryPainter(
      glyphs: glyphs, recipe: .original, longestText: scene.text.count, width: item.width, height: item.height)
    defer { painter.deallocate() }
    let expected = try ImageFile.read(FixtureFiles.path("Library/scene-\(index).png"), as: .rgb)
    // Once more with the memory that the first image left.
    for _ in 0..<2 {
      let pixels = GeneratorFixtures.draw(width: item.width, height: item.height) { painter.paint(scene, on: $0) }
      let differences = zip(pixels, expected.pixels).map { abs(Int($0) - Int($1)) }
      #expect(differences.count { $0 > 2 } <= differences.count / 4000)
      #expect(differences.allSatisfy { $0 <= 10 })
      #expect(Double(differences.reduce(0, +)) / Double(differences.count) < 0.01)
    }
  }

  @Test("SMOOTH filters every pixel as Pillow")
  func smooth() throws {
    for item in try Steps().smoothed {
      var scratch = [UInt16](repeating: 0, count: Canvas.smoothScratchCount(width: item.width))
      let start = GeneratorFixtures.pattern(3 * item.width * item.height)
      let pixels = GeneratorFixtures.draw(width: item.width, height: item.height, on: start) { canvas in
        scratch.withUnsafeMutableBufferPointer { canvas.smooth(scratch: $0) }
      }
      #expect(MD5.hexDigest(pixels) == item.md5, "\(item.width)×\(item.height)")
    }
  }

  @Test("wide pictures are made narrower as Pillow's resize does, give or take one")
  func narrower() throws {
    for item in try Steps().narrowed {
      var picture = LibraryCanvas(widest: item.width, width: item.target, height: item.height)
      defer { picture.deallocate() }
      picture.fill(Color(red: 0, green: 0, blue: 0), width: item.width)
      let pattern = GeneratorFixtures.pattern(3 * item.width * item.height)
      for y in 0..<item.height {
        for x in 0..<item.width {
          let place = 3 * (y * item.width + x)
          let values = (0..<3).map { UInt16(pattern[place + $0]) << 7 }
          picture.column(x)[y] = LibraryCanvas.Pixel(values[0], values[1], values[2], 0)
        }
      }
      let pixels = GeneratorFixtures.draw(width: item.target, height: item.height) { picture.copy(to: $0) }
      let differences = zip(pixels, item.pixels).map { abs(Int($0) - Int($1)) }
      #expect(differences.count == item.pixels.count && differences.allSatisfy { $0 <= 1 })
      #expect(differences.count { $0 > 0 } < differences.count / 20, "\(item.width) to \(item.target)")
    }
  }

  @Test("images measure what the package's measure")
  func statistics() throws {
    struct Value: Decodable {
      let mean: Double
      let error: Double
    }
    let original = try FixtureFiles.json("Library/statistics.json", as: [String: Value].self)
    let generator = try generator(types: [.mixed])
    var rows: [String: [Double]] = [:]
    let count = 500
    for index in 0..<count {
      let image = generator.captcha(index: index, seed: 3).image
      let gray = image.grayscale().pixels.map { Double($0) }
      let mean = gray.reduce(0, +) / Double(gray.count)
      let variance = gray.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gray.count)
      var histogram = [Int](repeating: 0, count: 256)
      for value in gray { histogram[Int(value)] += 1 }
      let background = Double(try #require(histogram.indices.max { histogram[$0] < histogram[$1] }))
      let across = gray.indices.dropLast().filter { ($0 + 1) % 200 != 0 }.map { abs(gray[$0] - gray[$0 + 1]) }
      let down = gray.indices.dropLast(200).map { abs(gray[$0] - gray[$0 + 200]) }
      let columns = (0..<200).count { x in (0..<60).contains { abs(gray[200 * $0 + x] - background) > 20 } }
      let colors = Set((0..<12000).map { image.pixels[(3 * $0)..<(3 * $0 + 3)].reduce(0) { $0 << 8 | Int($1) } })
      rows["brightness", default: []].append(mean)
      rows["contrast", default: []].append(variance.squareRoot())
      rows["ink", default: []].append(Double(gray.count { abs($0 - background) > 20 }) / Double(gray.count))
      rows["edges across", default: []].append(across.reduce(0, +) / Double(across.count))
      rows["edges down", default: []].append(down.reduce(0, +) / Double(down.count))
      rows["columns", default: []].append(Double(columns) / 200)
      rows["colors", default: []].append(Double(colors.count))
    }
    #expect(Set(rows.keys) == Set(original.keys))
    for (key, values) in rows {
      let expected = try #require(original[key])
      let mean = values.reduce(0, +) / Double(count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)
      let error = (expected.error * expected.error + variance / Double(count)).squareRoot()
      #expect(abs(mean - expected.mean) <= 4 * error, "\(key): \(mean), the package \(expected.mean)")
    }
  }

  @Test("every quantity keeps to its range and reaches both ends of it")
  func ranges() throws {
    let (glyphs, recipe) = (try glyphs(), LibraryRecipe.original)
    var random = RandomStream(seed: 3)
    var scene = LibraryScene()
    var seen: [String: (low: Int, high: Int)] = [:]
    func note(_ name: String, _ value: Int) {
      let known = seen[name] ?? (value, value)
      seen[name] = (min(known.low, value), max(known.high, value))
    }
    let space = Set((0..<3).map { glyphs.glyph(" ", face: $0, shift: 0) }.map(\.offset))
    var spaces = 0
    let count = 3000
    for _ in 0..<count {
      scene.draw(Array("WWWW"), width: 200, height: 60, recipe: recipe, glyphs: glyphs, using: &random)
      for channel in [scene.background.red, scene.background.green, scene.background.blue] {
        note("background", Int(channel))
      }
      for channel in [scene.color.red, scene.color.green, scene.color.blue] { note("color", Int(channel)) }
      note("opacity", Int(scene.opacity))
      note("items", scene.text.count)
      note("dots", scene.dots.count)
      for dot in scene.dots {
        note("dot x", dot.x)
        note("dot y", dot.y)
      }
      let arc = try #require(scene.arcs.first)
      #expect(scene.arcs.count == 1 && scene.isSmoothed)
      #expect(arc.y0 <= arc.y1 && arc.width == 1)
      note("arc left", arc.x0)
      note("arc right", arc.x1)
      note("arc y", arc.y0)
      note("arc y", arc.y1)
      note("arc start", arc.start)
      note("arc end", arc.start + arc.extent)
      let mean = scene.textWidth / 4
      #expect(scene.textWidth == scene.text.reduce(0) { $0 + $1.glyph.boxWidth })
      #expect(scene.text.first?.x == mean / 10)
      for (item, next) in zip(scene.text, scene.text.dropFirst()) {
        #expect((0...(mean / 4)).contains(item.x + item.glyph.boxWidth - next.x))
      }
      for item in scene.text where item.glyph.width == 0 {
        spaces += 1
        #expect(space.contains(item.glyph.offset))
      }
      for item in scene.text where item.glyph.width > 0 {
        note("angle", Int(item.angle.rounded(.down)))
        // Less than 0.2 of 35 pixels and 0.1, and 0.1 of 61 pixels and 0.2.
        for x in [item.warp.x1, item.warp.x2] { note("warp x", x) }
        for y in [item.warp.y1, item.warp.y2] { note("warp y", y) }
      }
    }
    let expected: [String: ClosedRange<Int>] = [
      "background": 238...255, "color": 10...200, "opacity": 220...255, "items": 4...8, "dots": 30...30,
      "dot x": 0...200, "dot y": 0...60, "arc left": 0...40, "arc right": 40...200, "arc y": 12...48,
      "arc start": 0...20, "arc end": 160...200, "angle": -30...29, "warp x": -6...6, "warp y": -6...6,
    ]
    #expect(Set(seen.keys) == Set(expected.keys))
    for (name, range) in expected {
      let (low, high) = try #require(seen[name])
      #expect(low...high == range, "\(name): \(low)...\(high)")
    }
    // Four standard deviations of a binomial variable.
    let share = Double(spaces) / Double(4 * count)
    #expect(abs(share - 0.5) < 4 * (0.25 / Double(4 * count)).squareRoot())
  }

  @Test("difficulty changes arcs, dots, distances and smoothing, and nothing else")
  func difficulty() throws {
    let glyphs = try glyphs()
    func scene(_ difficulty: GeneratorDifficulty, seed: UInt64 = 4) -> LibraryScene {
      var random = RandomStream(seed: seed)
      var scene = LibraryScene()
      scene.draw(
        Array("WWWW"), width: 200, height: 60, recipe: LibraryRecipe(height: 60, difficulty: difficulty),
        glyphs: glyphs, using: &random)
      return scene
    }
    let original = scene(.original)
    let bare = scene(try GeneratorDifficulty(lines: 0, noise: 0, blur: 0))
    #expect(bare.arcs.isEmpty && bare.dots.isEmpty && !bare.isSmoothed)
    #expect(bare.text == original.text && bare.color == original.color)
    let full = scene(try GeneratorDifficulty(lines: 3, noise: 2))
    #expect(full.arcs.count == 3 && full.dots.count == 60 && full.isSmoothed)
    let smoothed = try (0..<1000).count { scene(try GeneratorDifficulty(blur: 0.3), seed: UInt64($0)).isSmoothed }
    // Five standard deviations of a binomial variable.
    #expect(abs(smoothed - 300) < 73)

    for overlap in [-0.5, 0.5] {
      let moved = scene(try GeneratorDifficulty(overlap: overlap))
      for index in original.text.indices.dropLast() {
        let width = Double(original.text[index].glyph.boxWidth)
        let before = original.text[index + 1].x - original.text[index].x
        let after = moved.text[index + 1].x - moved.text[index].x
        // The random part of the distance is a share of the mean width, which grows where there is more room.
        let slack = 1 + (overlap < 0 ? width / 4 : 0)
        #expect(abs(Double(before - after) - width * overlap) <= slack, "overlap \(overlap), character \(index)")
      }
    }
  }

  @Test("everything grows with the height")
  func scaling() {
    let double = LibraryRecipe(height: 120)
    #expect(double.sizes == [84, 100, 112] && double.dotWidth == 6 && double.arcWidth == 2 && double.dots == 30)
    #expect(double.shift == 0...8)
    let original = LibraryRecipe(height: 60)
    #expect(original.sizes == [42, 50, 56] && original.dotWidth == 3 && original.arcWidth == 1)
  }

  @Test("each of several fonts is used")
  func fonts() throws {
    let plain = try glyphs()
    let bold = try FontLocation.dejaVuSansBold.find()
    let both = try glyphs(fonts: [FontLocation.droidSansMono.find(), bold])
    #expect(plain.faceCount == 3 && both.faceCount == 6)
    #expect(both.largestBoxWidth > plain.largestBoxWidth)
    var random = RandomStream(seed: 1)
    var scene = LibraryScene()
    var widths = Set<Int>()
    for _ in 0..<50 {
      scene.draw(Array("WiM"), width: 200, height: 60, recipe: .original, glyphs: both, using: &random)
      widths.formUnion(scene.text.map(\.glyph.boxWidth))
    }
    // A font of one width has two boxes for a size at most.
    #expect(widths.count > 6)
  }

  @Test("an image depends on configuration, seed and index only, in color and in gray")
  func pure() throws {
    let generator = try generator()
    var together = [UInt8](repeating: 0, count: 24 * 36000)
    var gray = [UInt8](repeating: 0, count: 24 * 12000)
    let contents = together.withUnsafeMutableBufferPointer {
      generator.fill($0, indices: 0..<24, seed: 9, colorMode: .rgb)
    }
    _ = gray.withUnsafeMutableBufferPointer { generator.fill($0, indices: 0..<24, seed: 9, colorMode: .grayscale) }
    for index in (0..<24).reversed() {
      let captcha = try self.generator().captcha(index: index, seed: 9)
      #expect(captcha.content == contents[index] && captcha.style == .library)
      #expect(captcha.image.pixels == Array(together[(index * 36000)..<((index + 1) * 36000)]))
      #expect(captcha.image.grayscale().pixels == Array(gray[(index * 12000)..<((index + 1) * 12000)]))
    }
    #expect(contents.map(\.type) == (0..<24).map { CaptchaType.allCases[$0 % 4] })
    #expect(generator.captcha(index: 5, seed: 10).image != generator.captcha(index: 5, seed: 9).image)
  }

  @Test("other sizes are filled completely", arguments: [(60, 20), (160, 60), (301, 97), (1000, 61)])
  func otherSizes(width: Int, height: Int) throws {
    let generator = try generator(width: width, height: height)
    // A byte that was left out would keep what was there before.
    let drawn = [UInt8(0), 255].map { before in
      var pixels = [UInt8](repeating: before, count: 12 * 3 * width * height)
      pixels.withUnsafeMutableBufferPointer { _ = generator.fill($0, indices: 0..<12, seed: 1, colorMode: .rgb) }
      return pixels
    }
    #expect(drawn[0] == drawn[1] && Set(drawn[0]).count > 50)
  }

  @Test("a missing font names the places and the package")
  func missingFont() throws {
    let error = #expect(throws: GeneratorError.self) {
      try CaptchaGenerator(configuration: GeneratorConfiguration(style: .library), usualFontPaths: ["/nowhere/A.ttf"])
    }
    #expect(error == .fontNotFound(searched: ["/nowhere/A.ttf"], package: "fonts-noto-mono"))
    for word in ["/nowhere/A.ttf", "fonts-noto-mono"] { #expect(error?.description.contains(word) == true) }
  }
}
