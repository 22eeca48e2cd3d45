import Foundation
import Testing

@testable import Data

@Suite("Generator: folders of images")
struct GeneratorWriterTests {
  private func contents(_ url: URL) throws -> [String: Foundation.Data] {
    var files: [String: Foundation.Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: url.path) {
      files[name] = try Foundation.Data(contentsOf: url.appendingPathComponent(name))
    }
    return files
  }

  @Test("files are named by label and digest, and listed in order")
  func files() throws {
    let generator = try CaptchaGenerator(configuration: GeneratorConfiguration())
    let temporary = try TemporaryFolder()
    defer { withExtendedLifetime(temporary) {} }
    let folder = URL(fileURLWithPath: temporary.path)
    var reported: [Int] = []
    try generator.write(count: 24, seed: 8, to: folder.appendingPathComponent("a")) { done, total in
      #expect(total == 24)
      reported.append(done)
    }
    #expect(reported.last == 24)
    let files = try contents(folder.appendingPathComponent("a"))
    #expect(files.count == 25)
    let manifest = String(decoding: try #require(files["manifest.jsonl"]), as: UTF8.self)
    let lines = try manifest.split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Foundation.Data(line.utf8)) as? [String: String])
    }
    #expect(lines.compactMap { $0["file"] } == files.keys.filter { $0 != "manifest.jsonl" }.sorted())
    var images: [[UInt8]: CaptchaContent] = [:]
    for index in 0..<24 {
      let captcha = generator.captcha(index: index, seed: 8)
      images[captcha.image.pixels] = captcha.content
    }
    for line in lines {
      #expect(Set(line.keys) == ["file", "type", "text", "label", "style"])
      let name = try #require(line["file"])
      let bytes = [UInt8](try #require(files[name]))
      #expect(name == "\(try #require(line["label"]))-\(MD5.hexDigest(bytes)).png")
      let content = try #require(images[PNG.decode(bytes, named: name).pixels])
      #expect(content.label == line["label"] && content.text == line["text"])
      #expect(content.type.rawValue == line["type"] && content.style.rawValue == line["style"])
    }

    try generator.write(count: 24, seed: 8, to: folder.appendingPathComponent("b"))
    #expect(try contents(folder.appendingPathComponent("b")) == files)
  }

  @Test("a folder that holds files is left alone")
  func notEmpty() throws {
    let generator = try CaptchaGenerator(configuration: GeneratorConfiguration(types: [.math]))
    let temporary = try TemporaryFolder()
    defer { withExtendedLifetime(temporary) {} }
    let folder = URL(fileURLWithPath: temporary.path)
    let file = folder.appendingPathComponent("kept.txt")
    try Foundation.Data("kept".utf8).write(to: file)
    #expect(throws: GeneratorError.outputNotEmpty(path: folder.path)) {
      try generator.write(count: 1, seed: 0, to: folder)
    }
    #expect(try contents(folder) == ["kept.txt": Foundation.Data("kept".utf8)])
    let error = #expect(throws: GeneratorError.self) { try generator.write(count: 1, seed: 0, to: file) }
    #expect(error?.description.contains(file.path) == true)
  }

  @Test("a progress handler that throws stops the writing")
  func stopped() throws {
    struct Stop: Error {}
    let generator = try CaptchaGenerator(configuration: GeneratorConfiguration(types: [.math]))
    let temporary = try TemporaryFolder()
    defer { withExtendedLifetime(temporary) {} }
    let folder = URL(fileURLWithPath: temporary.path)
    #expect(throws: Stop.self) { try generator.write(count: 3, seed: 0, to: folder) { _, _ in throw Stop() } }
    #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("manifest.jsonl").path))
  }
}
