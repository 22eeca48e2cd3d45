import Foundation
import Tensor
import Testing

@testable import Data

@Suite("Generator: sizes and difficulty")
struct GeneratorScalingTests {
  /// Images drawn by the program as it was before there were options; Pillow read their pixels.
  @Test("with the usual settings every image is as it always was")
  func unchanged() throws {
    let generator = try CaptchaGenerator(configuration: GeneratorConfiguration())
    let digests = (0..<400).map { MD5.hexDigest(generator.captcha(index: $0, seed: 7).image.pixels) }.sorted()
    #expect(MD5.hexDigest(Array(digests.joined().utf8)) == "b562ee499251415bd89f41dfd894c624")
    let recipe = ClassicRecipe(width: 200, height: 60)
    #expect(recipe.sizes == Array(33...39) && recipe.tile == .original && recipe.margin == 20)
    #expect(recipe.shiftX == -3...3 && recipe.shiftY == -5...5 && recipe.points == 1000...1500)
    #expect(recipe.linesAcrossWidth == 1...3 && recipe.blurRadius == 0.3..<0.7 && recipe.blurProbability == 0.4)
  }

  /// The means over many images: brightness, its standard deviation, and the share of dark pixels.
  private func measures(width: Int, height: Int, reducing factor: Int) throws -> [(mean: Double, error: Double)] {
    let generator = try CaptchaGenerator(
      configuration: GeneratorConfiguration(types: [.mixed], width: width, height: height))
    let count = 150
    let rows = (0..<count).map { index in
      let pixels = generator.captcha(index: index, seed: 5).image.grayscale().pixels
      let (columns, lines) = (width / factor, height / factor)
      let gray = (0..<columns * lines).map { place in
        let (x, y) = (place % columns * factor, place / columns * factor)
        let sum = (0..<factor * factor).reduce(0) {
          $0 + Double(pixels[(y + $1 / factor) * width + x + $1 % factor])
        }
        return sum / Double(factor * factor)
      }
      let mean = gray.reduce(0, +) / Double(gray.count)
      let variance = gray.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gray.count)
      return [mean, variance.squareRoot(), Double(gray.count { $0 < 110 }) / Double(gray.count)]
    }
    return (0..<3).map { key in
      let values = rows.map { $0[key] }
      let mean = values.reduce(0, +) / Double(count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)
      return (mean, (variance / Double(count)).squareRoot())
    }
  }

  @Test("a larger image, made smaller again, measures what the original measures")
  func scaling() throws {
    let original = try measures(width: 200, height: 60, reducing: 1)
    let reduced = try measures(width: 400, height: 120, reducing: 2)
    // The means of dots in groups of four vary less than dots do, which is half of a tenth of the contrast.
    for (name, (left, right), tolerance) in [
      ("brightness", (original[0], reduced[0]), 0.0), ("contrast", (original[1], reduced[1]), 3.0),
      ("ink", (original[2], reduced[2]), 0.0),
    ] {
      let error = (left.error * left.error + right.error * right.error).squareRoot()
      #expect(abs(left.mean - right.mean) <= tolerance + 4 * error, "\(name): \(right.mean), original \(left.mean)")
    }
    // Small lines cannot be thinner than a pixel.
    let small = try measures(width: 100, height: 32, reducing: 1)
    #expect(abs(small[2].mean - original[2].mean) < 0.03)
  }

  @Test("glyphs, margins, shifts, lines and blur grow with the image, dots with its area")
  func lengths() {
    let double = ClassicRecipe(width: 400, height: 120)
    #expect(double.sizes == stride(from: 66, through: 78, by: 2).map { $0 })
    #expect(double.tile == GlyphTile(width: 100, height: 140, originX: 20, originY: 30))
    #expect(double.margin == 40 && double.shiftX == -6...6 && double.shiftY == -10...10)
    #expect(double.linesBelowWidth == 2...4 && double.linesAcrossWidth == 2...6 && double.thinLineWidth == 2...2)
    #expect(double.arcWidth == 2...4 && double.blurRadius == 0.6..<1.4 && double.points == 4000...6000)
    #expect(double.linesBelow == 6...10 && double.angle == -30...30 && double.blurProbability == 0.4)
    // The smaller factor decides, so that neither the height nor the width is left.
    #expect(ClassicRecipe(width: 400, height: 60).sizes == Array(33...39))
    #expect(ClassicRecipe(width: 200, height: 600).sizes == Array(33...39))
    #expect(ClassicRecipe(width: 200, height: 120).points == 2000...3000)
    let half = ClassicRecipe(width: 100, height: 30)
    #expect(
      half.sizes == [17, 17, 18, 18, 19, 19, 20] && half.thinLineWidth == 1...1 && half.linesAcrossWidth == 1...2)
  }

  @Test("the largest images can be drawn")
  func largest() throws {
    let generator = try CaptchaGenerator(
      configuration: GeneratorConfiguration(
        width: 2048, height: 2048, difficulty: GeneratorDifficulty(noise: 0.1, blur: 10)))
    let captcha = generator.captcha(index: 0, seed: 1)
    #expect(captcha.image.pixels.allSatisfy { $0 >= 20 })
    // More glyphs than memory is meant for.
    #expect(throws: GeneratorError.self) {
      let fonts = ["DejaVuSans-Bold", "DejaVuSans"].flatMap { name in
        ["/", "/./", "/././"].map { "/usr/share/fonts/truetype/dejavu\($0)\(name).ttf" }
      }
      _ = try GlyphAtlas(
        fonts: fonts + fonts, characters: Array(GeneratorConfiguration.defaultCharset),
        sizes: Array(350...400), tile: GlyphTile.original.scaled(by: 10))
    }
  }

  private func scenes(_ difficulty: GeneratorDifficulty, _ body: (ClassicScene, ClassicRecipe) -> Void) {
    let recipe = ClassicRecipe(width: 200, height: 60, difficulty: difficulty)
    var random = RandomStream(seed: 3)
    var scene = ClassicScene()
    for _ in 0..<400 {
      scene.draw(
        Array("abcdef"), width: 200, height: 60, interference: true, recipe: recipe,
        rotations: Rotations(recipe.angle), using: &random)
      body(scene, recipe)
    }
  }

  @Test("lines and noise are factors on the numbers")
  func factors() throws {
    let original = GeneratorDifficulty.original
    var lowest = (below: Int.max, above: Int.max, dots: Int.max)
    var highest = (below: 0, above: 0, dots: 0, curves: 0)
    scenes(try GeneratorDifficulty(lines: 2, noise: 0.5)) { scene, _ in
      lowest = (
        min(lowest.below, scene.below.count), min(lowest.above, scene.above.count), min(lowest.dots, scene.dots.count)
      )
      highest = (
        max(highest.below, scene.below.count), max(highest.above, scene.above.count),
        max(highest.dots, scene.dots.count),
        max(highest.curves, scene.curves.count)
      )
    }
    #expect(lowest.below == 12 && highest.below == 20)
    // 8 to 14 lines across and 6 to 12 thin ones.
    #expect((14...15).contains(lowest.above) && (25...26).contains(highest.above))
    #expect((500...505).contains(lowest.dots) && (745...750).contains(highest.dots) && highest.curves > 4)
    scenes(try GeneratorDifficulty(lines: 0, noise: 0, blur: 0)) { scene, _ in
      #expect(scene.below.isEmpty && scene.above.isEmpty && scene.curves.isEmpty && scene.dots.isEmpty)
      #expect(scene.blur == 0 && scene.text.count == 6)
    }
    var blurred = 0
    scenes(try GeneratorDifficulty(blur: 2)) { scene, _ in
      if scene.blur > 0 { blurred += 1 }
      #expect(scene.blur == 0 || (0.3..<0.7).contains(scene.blur))
    }
    // Four standard deviations of a binomial variable with p = 0.8.
    #expect(abs(Double(blurred) - 320) < 4 * (400 * 0.16).squareRoot())
    scenes(try GeneratorDifficulty(blur: 3)) { scene, _ in #expect(scene.blur > 0) }
    #expect(try GeneratorDifficulty(lines: 1, noise: 1, overlap: 0, blur: 1) == original)
  }

  @Test("overlap moves characters together or apart about the middle", arguments: [-0.5, -0.2, 0, 0.25, 0.75])
  func overlap(overlap: Double) throws {
    for count in 1...12 {
      let recipe = try ClassicRecipe(width: 200, height: 60, difficulty: GeneratorDifficulty(overlap: overlap))
      let (first, step) = recipe.columns(count: count, width: 200)
      let original = Double(160 / (count + 1))
      let last = first + Double(count - 1) * step
      if count == 1 {
        #expect(first == 20)
      } else if overlap >= 0 {
        #expect(step == original * (1 - overlap))
        #expect(abs((first + last) / 2 - (20 + original * Double(count - 1) / 2)) < 1e-9)
      } else {
        #expect(step > original || original * Double(count - 1) >= 150)
        #expect(step <= original * (1 - overlap) && first >= 0)
        #expect(last + 50 <= 200.0001 || step == original)
      }
    }
  }

  @Test("values that cannot be are refused by key", arguments: ["lines", "noise", "overlap", "blur"])
  func invalidDifficulty(key: String) {
    for value in [-1, -0.51, 10.1, .nan, .infinity, -.infinity] {
      let error = #expect(throws: GeneratorError.self) {
        switch key {
        case "lines": try GeneratorDifficulty(lines: value)
        case "noise": try GeneratorDifficulty(noise: value)
        case "overlap": try GeneratorDifficulty(overlap: value)
        default: try GeneratorDifficulty(blur: value)
        }
      }
      guard case .invalidConfiguration("difficulty.\(key)", "\(value)", _) = error else {
        Issue.record("got \(String(describing: error))")
        return
      }
    }
  }
}
