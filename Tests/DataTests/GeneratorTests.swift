import Foundation
import Tensor
import Testing

@testable import Data

@Suite("Generator: labels, reproducibility, errors")
struct GeneratorTests {
  private func generator(
    types: [CaptchaType] = CaptchaType.allCases, mathLabel: MathLabel = .answer, charset: String? = nil
  ) throws -> CaptchaGenerator {
    try CaptchaGenerator(
      configuration: GeneratorConfiguration(
        types: types, mathLabel: mathLabel, charset: charset ?? GeneratorConfiguration.defaultCharset))
  }

  private func pixels(
    _ generator: CaptchaGenerator, _ indices: Range<Int>, seed: UInt64, colorMode: ColorMode = .rgb
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: indices.count * 12000 * colorMode.channels)
    bytes.withUnsafeMutableBufferPointer {
      _ = generator.fill($0, indices: indices, seed: seed, colorMode: colorMode)
    }
    return bytes
  }

  @Test("an image depends on configuration, seed and index only")
  func pure() async throws {
    let generator = try generator()
    let together = pixels(generator, 0..<40, seed: 9)
    // However the images are divided among calls and threads.
    #expect(
      pixels(generator, 0..<1, seed: 9) + pixels(generator, 1..<13, seed: 9) + pixels(generator, 13..<40, seed: 9)
        == together)
    let alone = await withTaskGroup(of: (Int, Captcha).self) { group in
      for index in (0..<40).reversed() { group.addTask { (index, generator.captcha(index: index, seed: 9)) } }
      var captchas: [Int: Captcha] = [:]
      for await (index, captcha) in group { captchas[index] = captcha }
      return captchas
    }
    for index in 0..<40 {
      #expect(try #require(alone[index]).image.pixels == Array(together[(index * 36000)..<((index + 1) * 36000)]))
    }
    #expect(try self.generator().captcha(index: 5, seed: 9) == alone[5])
    #expect(generator.captcha(index: 5, seed: 10) != alone[5])
    #expect(generator.captcha(index: 9, seed: 9).image != alone[5]?.image)
  }

  @Test("gray images are the RGB images' luma")
  func grayscale() throws {
    let generator = try generator()
    let gray = pixels(generator, 3..<11, seed: 1, colorMode: .grayscale)
    let expected = (3..<11).flatMap { generator.captcha(index: $0, seed: 1).image.grayscale().pixels }
    #expect(gray == expected)
  }

  @Test("types take turns, lengths and characters are drawn evenly")
  func texts() throws {
    let generator = try generator(types: [.digit, .alpha, .mixed])
    var lengths: [Int: Int] = [:]
    var characters: [CaptchaType: [Character: Int]] = [:]
    let count = 3000
    var bytes = [UInt8](repeating: 0, count: count * 12000)
    let contents = bytes.withUnsafeMutableBufferPointer {
      generator.fill($0, indices: 0..<count, seed: 4, colorMode: .grayscale)
    }
    for (index, content) in contents.enumerated() {
      #expect(content.type == [.digit, .alpha, .mixed][index % 3])
      #expect(content.label == content.text && content.style == .classic)
      lengths[content.text.count, default: 0] += 1
      for character in content.text { characters[content.type, default: [:]][character, default: 0] += 1 }
    }
    #expect(lengths.keys.sorted() == [4, 5, 6, 7, 8])
    // Five standard deviations of a binomial variable with p = 1/5.
    for (length, number) in lengths {
      #expect(abs(Double(number) - 600) < 5 * (Double(count) * 0.16).squareRoot(), "\(length)")
    }
    let (digits, letters) = ("0123456789", GeneratorConfiguration.defaultCharset.filter(\.isLetter))
    for (type, alphabet) in [(CaptchaType.digit, digits), (.alpha, letters), (.mixed, digits + letters)] {
      let counts = try #require(characters[type])
      #expect(Set(counts.keys) == Set(alphabet))
      let mean = Double(counts.values.reduce(0, +)) / Double(alphabet.count)
      for (character, number) in counts { #expect(abs(Double(number) - mean) < 5 * mean.squareRoot(), "\(character)") }
    }
  }

  @Test("math labels are the results", arguments: [MathLabel.answer, .question])
  func math(mathLabel: MathLabel) throws {
    var random = RandomStream(seed: 2)
    var results = Set<String>()
    for _ in 0..<20000 {
      let question = MathQuestion(using: &random)
      results.insert(question.text)
      let operation = try #require(question.text.first { "+-*".contains($0) })
      let operands = question.text.dropLast(2).split(separator: operation).compactMap { Int($0) }
      #expect(question.text.hasSuffix("=?") && operands.count == 2)
      let range = operation == "*" ? 1...10 : 1...20
      #expect(range.contains(operands[0]) && range.contains(operands[1]))
      let answer = ["+": operands[0] + operands[1], "-": operands[0] - operands[1], "*": operands[0] * operands[1]]
      #expect(question.answer == answer[String(operation)] && question.answer >= 0)
    }
    // Every one of 400 sums, 210 differences that are not negative, and 100 products.
    #expect(results.count == 710)

    let generator = try generator(types: [.math], mathLabel: mathLabel)
    for index in 0..<20 {
      let captcha = generator.captcha(index: index, seed: 0)
      if mathLabel == .question {
        #expect(captcha.label == captcha.text)
      } else {
        #expect(Int(captcha.label) != nil && captcha.text.hasSuffix("=?"))
      }
    }
  }

  @Test("only characters of the charset are drawn")
  func charset() throws {
    let generator = try generator(types: [.digit, .alpha, .mixed], charset: "27aK")
    for index in 0..<60 {
      let allowed = ["27", "aK", "27aK"][index % 3]
      #expect(generator.captcha(index: index, seed: 0).text.allSatisfy { allowed.contains($0) })
    }
  }

  @Test("images measure what the original's measure")
  func statistics() throws {
    struct Value: Decodable {
      let mean: Double
      let error: Double
    }
    let original = try FixtureFiles.json("Generator/statistics.json", as: [String: [String: Value]].self)
    let generator = try generator()
    let count = 150
    for (offset, type) in CaptchaType.allCases.enumerated() {
      var rows: [String: [Double]] = [:]
      for number in 0..<count {
        let image = generator.captcha(index: 4 * number + offset, seed: 6).image
        let gray = image.grayscale().pixels.map { Double($0) }
        let mean = gray.reduce(0, +) / Double(gray.count)
        let variance = gray.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gray.count)
        let steps = gray.indices.dropLast().filter { ($0 + 1) % 200 != 0 }.map { abs(gray[$0] - gray[$0 + 1]) }
        let colors = Set((0..<12000).map { image.pixels[(3 * $0)..<(3 * $0 + 3)].reduce(0) { $0 << 8 | Int($1) } })
        rows["brightness", default: []].append(mean)
        rows["contrast", default: []].append(variance.squareRoot())
        rows["ink", default: []].append(Double(gray.count { $0 < 110 }) / Double(gray.count))
        rows["edges", default: []].append(steps.reduce(0, +) / Double(steps.count))
        rows["blurred", default: []].append(colors.count > 2200 ? 1 : 0)
      }
      for (key, values) in rows {
        let expected = try #require(original[type.rawValue]?[key])
        let mean = values.reduce(0, +) / Double(count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)
        let error = (expected.error * expected.error + variance / Double(count)).squareRoot()
        #expect(abs(mean - expected.mean) <= 4 * error, "\(type) \(key): \(mean), original \(expected.mean)")
      }
    }
  }

  @Test("a missing font names the places and the package")
  func missingFont() throws {
    let paths = ["/nowhere/A.ttf", "/nowhere/B.ttf"]
    let error = #expect(throws: GeneratorError.self) {
      try CaptchaGenerator(configuration: GeneratorConfiguration(), usualFontPaths: paths)
    }
    #expect(error == .fontNotFound(searched: paths, package: "fonts-dejavu-core"))
    for word in paths + ["fonts-dejavu-core"] { #expect(error?.description.contains(word) == true) }
    let missing = #expect(throws: GeneratorError.self) {
      try CaptchaGenerator(configuration: GeneratorConfiguration(fonts: ["/nowhere/C.ttf"]))
    }
    #expect(missing == .unreadableFont(path: "/nowhere/C.ttf", reason: "no such file"))
  }

  @Test("unusable fonts and characters are named")
  func unusableFont() throws {
    let noFont = FixtureFiles.path("Generator/glyphs.json")
    let error = #expect(throws: GeneratorError.self) {
      try CaptchaGenerator(configuration: GeneratorConfiguration(fonts: [noFont]))
    }
    #expect(error?.description.contains(noFont) == true)
    let lacking = #expect(throws: GeneratorError.self) {
      try CaptchaGenerator(configuration: GeneratorConfiguration(types: [.mixed], charset: "ab漢"))
    }
    guard case .characterNotInFont("漢", _) = lacking else {
      Issue.record("got \(String(describing: lacking))")
      return
    }
  }

  @Test("settings that cannot be drawn are refused by key")
  func invalidConfigurations() throws {
    func key(_ make: () throws -> GeneratorConfiguration) -> String? {
      do {
        _ = try make()
      } catch GeneratorError.invalidConfiguration(let key, _, _) {
        return key
      } catch {
        return "\(error)"
      }
      return nil
    }
    #expect(key { try GeneratorConfiguration(types: []) } == "types")
    #expect(key { try GeneratorConfiguration(lengths: 0...4) } == "lengths")
    #expect(key { try GeneratorConfiguration(lengths: 4...33) } == "lengths")
    #expect(key { try GeneratorConfiguration(width: 59) } == "width")
    #expect(key { try GeneratorConfiguration(height: 5000) } == "height")
    #expect(key { try GeneratorConfiguration(types: [.math], charset: "aa") } == "charset")
    #expect(key { try GeneratorConfiguration(charset: "0a/") } == "charset")
    #expect(key { try GeneratorConfiguration(types: [.digit], charset: "abc") } == "charset")
    #expect(key { try GeneratorConfiguration(types: [.alpha], charset: "012") } == "charset")
    #expect(key { try GeneratorConfiguration(types: [.math], charset: "") } == nil)
  }

  @Test("a configuration survives encoding, has defaults, and is checked when decoded")
  func coding() throws {
    let configuration = try GeneratorConfiguration(
      types: [.math, .digit], lengths: 3...5, width: 160, height: 50, mathLabel: .question, charset: "0123",
      fonts: ["/a.ttf"])
    let encoded = try JSONEncoder().encode(configuration)
    #expect(try JSONDecoder().decode(GeneratorConfiguration.self, from: encoded) == configuration)
    let defaults = try JSONDecoder().decode(GeneratorConfiguration.self, from: Foundation.Data("{}".utf8))
    #expect(try defaults == GeneratorConfiguration())
    #expect(throws: GeneratorError.self) {
      try JSONDecoder().decode(GeneratorConfiguration.self, from: Foundation.Data(#"{"width": 3}"#.utf8))
    }
  }

  @Test("other sizes are filled completely")
  func otherSizes() throws {
    for (width, height) in [(60, 20), (160, 60), (301, 97)] {
      let generator = try CaptchaGenerator(configuration: GeneratorConfiguration(width: width, height: height))
      for index in 0..<12 {
        let image = generator.captcha(index: index, seed: 1).image
        #expect(image.width == width && image.height == height)
        // No colour is darker than 20, so that a byte that was left out would show.
        #expect(image.pixels.allSatisfy { $0 >= 20 })
      }
    }
  }
}
