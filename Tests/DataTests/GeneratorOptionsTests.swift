import Foundation
import Tensor
import Testing

@testable import Data

@Suite("Generator: types, characters and fonts")
struct GeneratorOptionsTests {
  private func contents(_ configuration: GeneratorConfiguration, count: Int) throws -> [CaptchaContent] {
    let generator = try CaptchaGenerator(configuration: configuration)
    return (0..<count).map { generator.captcha(index: $0, seed: 1).content }
  }

  private func key(_ make: () throws -> GeneratorConfiguration) -> String {
    do {
      _ = try make()
      return "none"
    } catch GeneratorError.invalidConfiguration(let key, _, _) {
      return key
    } catch {
      return "\(error)"
    }
  }

  @Test("types come as often as their weights say, evenly spread")
  func weights() throws {
    // The order that nginx's documentation of the algorithm gives for the weights 5, 1, 1.
    #expect(
      TypeSequence([.digit, .alpha, .mixed], weights: [5, 1, 1]).period
        == [.digit, .digit, .alpha, .digit, .mixed, .digit, .digit])
    #expect(TypeSequence(CaptchaType.allCases, weights: [7, 7, 7, 7]).period == CaptchaType.allCases)
    for weights in [[3, 1, 1, 1], [1000, 999, 1, 500], [6, 2, 4, 8], [1, 1, 1, 1000]] {
      let sequence = TypeSequence(CaptchaType.allCases, weights: weights)
      let total = weights.reduce(0, +)
      #expect(total % sequence.period.count == 0)
      var counts = [Int](repeating: 0, count: 4)
      for index in 0..<total {
        counts[try #require(CaptchaType.allCases.firstIndex(of: sequence[index]))] += 1
        // No type is ever more than one turn ahead of its share, or with four types a few behind it.
        for (count, weight) in zip(counts, weights) {
          #expect(abs(Double(count) - Double((index + 1) * weight) / Double(total)) < 3)
        }
      }
      #expect(counts == weights)
      #expect((0..<50).allSatisfy { sequence[$0] == sequence[$0 + 7 * total] })
    }
  }

  @Test("an image's type depends on its index alone")
  func weightedImages() throws {
    let configuration = try GeneratorConfiguration(types: [.math, .digit], typeWeights: [.digit: 3], lengths: 1...1)
    #expect(configuration.typesDescription == "math,digit=3")
    let types = try contents(configuration, count: 40).map(\.type)
    #expect(types.count { $0 == .math } == 10)
    let generator = try CaptchaGenerator(configuration: configuration)
    #expect((0..<40).reversed().map(generator.type) == types.reversed())
    #expect(try GeneratorConfiguration(typeWeights: [.alpha: 1]) == GeneratorConfiguration())
    #expect(key { try GeneratorConfiguration(types: [.digit, .math, .digit]) } == "types")
    #expect(key { try GeneratorConfiguration(types: [.digit], typeWeights: [.math: 2]) } == "types")
    for weight in [0, -1, 1001] {
      #expect(key { try GeneratorConfiguration(types: [.digit], typeWeights: [.digit: weight]) } == "types")
    }
  }

  @Test("folding draws both cases and labels in lower case")
  func folding() throws {
    let codec = try LabelCodec(charset: Charset("0123456789abk"), maximumLength: 4)
    let configuration = try GeneratorConfiguration(
      types: [.alpha, .mixed, .digit], lengths: 4...4, charset: "03abK", foldsCase: true)
    let images = try contents(configuration, count: 300)
    #expect(Set(images.filter { $0.type == .alpha }.flatMap(\.text)) == Set("abkABK"))
    #expect(Set(images.filter { $0.type == .mixed }.flatMap(\.text)) == Set("03abkABK"))
    #expect(images.allSatisfy { $0.label == $0.text.lowercased() })
    // Whatever the labels are, the extreme ones tell whether a codec can express them.
    for label in configuration.extremeLabels + images.map(\.label) { _ = try codec.encode(label) }
    #expect(configuration.labelCharacters(for: .alpha) == Array("abk"))
    // The 62 usual characters hold both cases, so that the pictures are the same.
    let (plain, folded) = try (
      CaptchaGenerator(configuration: GeneratorConfiguration()),
      CaptchaGenerator(configuration: GeneratorConfiguration(foldsCase: true))
    )
    for index in 0..<16 {
      let (left, right) = (plain.captcha(index: index, seed: 3), folded.captcha(index: index, seed: 3))
      #expect(left.image == right.image && left.text == right.text)
      #expect(left.type == .math ? left.label == right.label : left.label.lowercased() == right.label)
    }
    // Letters whose other case has several code points are as they are.
    #expect(
      try GeneratorConfiguration(types: [.mixed], charset: "ßİé", foldsCase: true).drawnCharacters == Array("ßİéÉ"))
  }

  @Test("without confusables the characters are those of Base58")
  func confusables() throws {
    let base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    let configuration = try GeneratorConfiguration(includesConfusables: false)
    #expect(Set(configuration.drawnCharacters) == Set(base58) && configuration.drawnCharacters.count == 58)
    let images = try contents(configuration, count: 400)
    #expect(Set(images.filter { $0.type != .math }.flatMap(\.text)) == Set(base58))
    #expect(images.contains { $0.type == .math && $0.text.contains("0") })
    let folded = try GeneratorConfiguration(foldsCase: true, includesConfusables: false)
    #expect(Set(folded.labelCharacters(for: .mixed)) == Set("123456789abcdefghijklmnopqrstuvwxyz"))
    #expect(
      key { try GeneratorConfiguration(types: [.digit], charset: "0a", includesConfusables: false) } == "confusables")
    #expect(
      key { try GeneratorConfiguration(types: [.alpha], charset: "0I", includesConfusables: false) } == "confusables")
    #expect(key { try GeneratorConfiguration(types: [.digit], charset: "lI", includesConfusables: false) } == "charset")
    #expect(key { try GeneratorConfiguration(types: [.math], charset: "0", includesConfusables: false) } == "none")
    #expect(key { try GeneratorConfiguration(types: [.mixed], charset: "a\u{7}") } == "charset")
    #expect(key { try GeneratorConfiguration(types: [.mixed], charset: "a\u{200D}b") } == "charset")
    // Other characters of the font.
    #expect(
      try contents(GeneratorConfiguration(types: [.mixed], charset: "é#"), count: 9).allSatisfy {
        "é#".contains($0.text.first ?? "x")
      })
  }

  private static let folder = "/usr/share/fonts/truetype/dejavu"
  private static let bold = "\(folder)/DejaVuSans-Bold.ttf"
  private static let regular = "\(folder)/DejaVuSans.ttf"

  @Test("one of the fonts is chosen for each character", .enabled(if: FileManager.default.fileExists(atPath: regular)))
  func fonts() throws {
    var random = RandomStream(seed: 1)
    var scene = ClassicScene()
    var counts = [0, 0]
    let rotations = Rotations(ClassicRecipe.original.angle)
    for _ in 0..<200 {
      scene.draw(
        Array("abcdef"), width: 200, height: 60, interference: false, recipe: .original, rotations: rotations, fonts: 2,
        using: &random)
      for placement in scene.text { counts[placement.font] += 1 }
    }
    // Four standard deviations of a binomial variable with p = 1/2.
    #expect(abs(Double(counts[0]) - 600) < 4 * 300.0.squareRoot() && counts[0] + counts[1] == 1200)

    let atlas = try GlyphAtlas(fonts: [Self.bold, Self.regular], characters: ["M"], sizes: [36])
    func ink(_ font: Int) -> Int {
      let glyph = atlas.glyph("M", size: 36, font: font)
      return atlas.coverage[glyph.offset..<glyph.offset + glyph.width * glyph.height].reduce(0) { $0 + Int($1) }
    }
    #expect(ink(0) > ink(1) * 5 / 4)
    // The usual font by name draws the usual images, and two draw others.
    let usual = try CaptchaGenerator(configuration: GeneratorConfiguration())
    let named = try CaptchaGenerator(configuration: GeneratorConfiguration(fonts: [Self.bold]))
    let both = try CaptchaGenerator(configuration: GeneratorConfiguration(fonts: [Self.bold, Self.regular]))
    #expect(named.captcha(index: 2, seed: 4).image == usual.captcha(index: 2, seed: 4).image)
    #expect(both.captcha(index: 2, seed: 4).image != usual.captcha(index: 2, seed: 4).image)
    #expect(both.captcha(index: 2, seed: 4).text == usual.captcha(index: 2, seed: 4).text)
  }

  @Test(
    "letters of a font with much room above them stay on the tile",
    .enabled(if: FileManager.default.fileExists(atPath: "\(folder)/DejaVuMathTeXGyre.ttf")))
  func tallFont() throws {
    let path = "\(Self.folder)/DejaVuMathTeXGyre.ttf"
    let small = try GlyphAtlas(fonts: [path], characters: Array("gX"), sizes: [39])
    let tall = try GlyphAtlas(
      fonts: [path], characters: Array("gX"), sizes: [39],
      tile: GlyphTile(width: 50, height: 400, originX: 10, originY: 15))
    for character in "gX" {
      let (cut, whole) = (small.glyph(character, size: 39), tall.glyph(character, size: 39))
      #expect(cut.height == whole.height && cut.top + cut.height <= 70)
    }
  }

  @Test("a folder stands for its fonts, sorted; each file counts once")
  func folders() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fonts-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let usual = try FontLocation.dejaVuSansBold.find()
    for name in ["b.TTF", "a.otf", "read.me"] {
      try FileManager.default.copyItem(atPath: usual, toPath: folder.appendingPathComponent(name).path)
    }
    let files = ["\(folder.path)/a.otf", "\(folder.path)/b.TTF"]
    #expect(try FontFiles.expand([folder.path]) == files)
    #expect(try FontFiles.expand([files[1], folder.path + "/", usual]) == [files[1], files[0], usual])
    let generator = try CaptchaGenerator(configuration: GeneratorConfiguration(fonts: [folder.path]))
    #expect(generator.fonts == files)
    let empty = folder.appendingPathComponent("none").path
    try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
    for (path, reason) in [
      (empty, "no .ttf, .ttc, .otf or .otc"), ("/nowhere/x.ttf", "no such file"),
      (folder.path + "/read.me/x", "no such file"),
    ] {
      let error = #expect(throws: GeneratorError.self) {
        try CaptchaGenerator(configuration: GeneratorConfiguration(fonts: [usual, path]))
      }
      #expect(error?.description.contains(path) == true && error?.description.contains(reason) == true)
    }
    // The font that lacks the character is named, not the first.
    let lacking = #expect(throws: GeneratorError.self) {
      try CaptchaGenerator(configuration: GeneratorConfiguration(types: [.mixed], charset: "a漢", fonts: [files[0]]))
    }
    #expect(lacking == .characterNotInFont(character: "漢", path: files[0]))
    #expect(key { try GeneratorConfiguration(fonts: []) } == "fonts")
    #expect(key { try GeneratorConfiguration(fonts: ["a", ""]) } == "fonts")
    #expect(key { try GeneratorConfiguration(fonts: ["a", "b", "a"]) } == "fonts")
  }

  @Test("every setting survives encoding")
  func coding() throws {
    let configuration = try GeneratorConfiguration(
      types: [.mixed, .digit], typeWeights: [.mixed: 4], width: 400, height: 120, charset: "Ab1", foldsCase: true,
      includesConfusables: false, fonts: ["/a.ttf", "/b.otf"],
      difficulty: GeneratorDifficulty(lines: 0.5, noise: 2, overlap: -0.25, blur: 0))
    let encoded = try JSONEncoder().encode(configuration)
    #expect(try JSONDecoder().decode(GeneratorConfiguration.self, from: encoded) == configuration)
    #expect(throws: GeneratorError.self) {
      try JSONDecoder().decode(
        GeneratorConfiguration.self, from: Foundation.Data(#"{"difficulty": {"lines": -1}}"#.utf8))
    }
  }
}
