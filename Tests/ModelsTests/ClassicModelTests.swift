import Data
import Foundation
import Models
import Tensor
import Testing

/// The model that comes with the package. What it reads is tested only where nothing but a well trained one passes.
@Suite struct ClassicModelTests {
  private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Sources/CClassicModel/classic.safetensors")

  /// Images by the original generator, ten of each type: label, and path.
  private static func originals() throws -> [(label: String, path: String)] {
    let folder = Bundle.module.bundleURL.appendingPathComponent("Fixtures/classic")
    struct Line: Decodable {
      let file: String
      let label: String
    }
    return try String(contentsOf: folder.appendingPathComponent("manifest.jsonl"), encoding: .utf8)
      .split(separator: "\n").map {
        let line = try JSONDecoder().decode(Line.self, from: Foundation.Data($0.utf8))
        return (line.label, folder.appendingPathComponent(line.file).path)
      }
  }

  private static func bits(_ recognizer: Recognizer) -> [String: [UInt32]] {
    recognizer.model.weights.tensors.mapValues { $0.elements().map(\.bitPattern) }
  }

  @Test func isTheFileOfTheRepository() throws {
    #expect(try ModelFile.classic == Foundation.Data(contentsOf: Self.file))
  }

  @Test func isSmall() {
    #expect(ModelFile.classic.count <= 8_000_000)
  }

  /// Out of memory and out of the file comes the same model, bit for bit.
  @Test func readsAsTheFile() throws {
    let (shipped, loaded) = (try Recognizer.classic(), try Recognizer(contentsOf: Self.file))
    #expect(shipped.description == loaded.description)
    #expect(Self.bits(shipped) == Self.bits(loaded))
    let images = try Self.originals().map { try ImageFile.read($0.path) }
    #expect(images.count == 40)
    for areFew in [false, true] {
      #expect(shipped.read(images, areFew: areFew) == loaded.read(images, areFew: areFew))
    }
  }

  /// What a user may rely on without looking.
  @Test func knowsClassicImages() throws {
    let recognizer = try Recognizer.classic()
    #expect(recognizer.knownSizes == ["200×60"])
    #expect(Set(try #require(recognizer.trainedTypes)) == ["alpha", "digit", "math", "mixed"])
    #expect(recognizer.options.grammar == .arithmetic)
    for (label, _) in try Self.originals() { #expect(throws: Never.self) { try recognizer.codec.encode(label) } }
    #expect(!ModelZoo.names.contains(ModelFile.classicName))
  }

  /// Of these images 40 out of 600, of which it reads 91 %.
  @Test func readsTheOriginalsImages() throws {
    let originals = try Self.originals()
    let readings = try Recognizer.classic().read(originals.map { try ImageFile.read($0.path) }, areFew: false)
    let right = zip(originals, readings).count { $0.label == $1.text }
    #expect(right >= 32, "\(right) of 40")
  }
}
