import Data
import Foundation
import Layers
import Models
import Tensor
import Testing

/// A model file is all that a recogniser needs.
@Suite final class RecognizerTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    "models-tests-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: folder) }

  private func description(_ color: ColorMode = .rgb, loss: String = "softmax") throws -> ModelDescription {
    ModelDescription(
      configuration: ModelConfiguration(
        architecture: "compact", imageWidth: 40, imageHeight: 20, colorMode: color,
        codec: try LabelCodec(charset: .digits, maximumLength: 4), filters: [4, 6], denseDropout: 0.5),
      loss: LossConfiguration(name: loss))
  }

  private func recognizer(_ description: ModelDescription, seed: UInt64 = 1) throws -> Recognizer {
    let model = try ModelZoo.model(description.configuration)
    model.initialize(seed: seed)
    return try Recognizer(description: description, model: model)
  }

  /// Writes a model file; `change` may damage it first.
  private func write(_ recognizer: Recognizer, change: (inout Safetensors) -> Void = { _ in }) throws -> URL {
    var file = Safetensors(
      tensors: recognizer.model.weights.tensors, metadata: try recognizer.description.metadata())
    change(&file)
    let url = folder.appendingPathComponent("\(UUID().uuidString).safetensors")
    try file.write(to: url)
    return url
  }

  private func images(_ count: Int, width: Int = 40, height: Int = 20, channels: Int = 3) -> [Image] {
    var stream = RandomStream(seed: 8)
    return (0..<count).map { _ in
      let pixels = (0..<width * height * channels).map { _ in UInt8(stream.integer(in: 0...255)) }
      return Image(width: width, height: height, channels: channels, pixels: pixels)
    }
  }

  /// What a model reads is evidence only against labels that it can say, of types that it was trained on.
  @Test func auditorJudgesWhatTheModelKnows() throws {
    let known = try description()
    let image = images(1)[0]
    func found(_ trainedTypes: [String]?, type: String?, label: String) throws -> (files: [String], unjudged: Int) {
      let auditor = LabelAuditor(
        try recognizer(
          ModelDescription(configuration: known.configuration, loss: known.loss, trainedTypes: trainedTypes)),
        confidence: 0)
      let findings = auditor.audit([(Sample(name: "a.png", label: label, type: type), image)])
      #expect(auditor.readCount == 1)
      return (findings.flatMap(\.files), auditor.unjudgedCount)
    }
    let read = try recognizer(known).read([image], areFew: false)[0].text
    let other = read == "1" ? "2" : "1"
    for (trained, type) in [(nil, nil), (nil, "math"), (["digit"], nil), (["digit", "math"], "math")]
      as [([String]?, String?)]
    {
      #expect(try found(trained, type: type, label: other) == (["a.png"], 0))
      #expect(try found(trained, type: type, label: "abc") == ([], 1))
    }
    #expect(try found(["digit"], type: "math", label: other) == ([], 1))
  }

  @Test(arguments: ColorMode.allCases)
  func fileRoundTrip(_ color: ColorMode) throws {
    let original = try recognizer(description(color))
    let loaded = try Recognizer(contentsOf: write(original))
    #expect(loaded.description == original.description)
    let pictures = images(5)
    #expect(loaded.read(pictures) == original.read(pictures))
    #expect(original.read(pictures) != (try recognizer(description(color), seed: 2)).read(pictures))
  }

  /// The reading is what the model's logits say of the bytes divided by 255, with the loss's activation.
  @Test(arguments: [("softmax", OutputActivation.softmax), ("bce", .sigmoid), ("focal", .sigmoid)])
  func readsWhatTheModelSays(_ loss: String, _ activation: OutputActivation) throws {
    let reader = try recognizer(description(loss: loss))
    let picture = images(1)[0]
    let pixels = Tensor(picture.pixels.map { Float($0) / 255 }, shape: [1, 20, 40, 3])
    let probabilities = activation.probabilities(reader.model(pixels, .inference), classes: 11).elements()
    let reading = try #require(reader.read([picture]).first)
    #expect(reading.classes.count == 4)
    let chosen = reading.classes.enumerated().map { Double(probabilities[$0.offset * 11 + $0.element]) }
    #expect(abs(reading.confidence - chosen.reduce(1, *)) < 1e-6)
    // Padding (class 10) may lose to a character before the end, but no character loses to another.
    for (position, index) in reading.classes.enumerated() where index < 10 {
      let row = probabilities[position * 11..<position * 11 + 10]
      #expect(row.max() == probabilities[position * 11 + index])
    }
    #expect(reading.text == reading.classes.filter { $0 < 10 }.map(String.init).joined())
  }

  /// The file says how texts are read; one that says nothing reads as before.
  @Test func theFileKeepsTheDecoding() throws {
    var known = try description()
    let plain = try recognizer(known)
    #expect(try Recognizer(contentsOf: write(plain)).description.decoding == nil)
    known.decoding = DecodingOptions(characters: "37", lengths: 2...3, temperature: 2, minimumConfidence: 0.5)
    let loaded = try Recognizer(contentsOf: write(recognizer(known)))
    #expect(loaded.description == known && loaded.decoder.options == known.decoding)
    let pictures = images(6)
    for reading in loaded.read(pictures) {
      #expect((2...3).contains(reading.text.count) && reading.text.allSatisfy { "37".contains($0) })
    }
    try loaded.decode(DecodingOptions())
    #expect(loaded.read(pictures) == plain.read(pictures))
    #expect(throws: DecodingOptionsError.self) { try loaded.decode(DecodingOptions(characters: "x")) }
    try expectRefusal(naming: "decoding.beam_width", "2000") {
      $0.metadata["captcha.decoding"] = #"{"beam_width":2000}"#
    }
    try expectRefusal(naming: "captcha.decoding", "grammar") {
      $0.metadata["captcha.decoding"] = #"{"grammar":"x"}"#
    }
  }

  @Test func readsImagesOfAnySizeAndColour() throws {
    for color in ColorMode.allCases {
      let reader = try recognizer(description(color))
      for (width, height, channels) in [(1, 1, 3), (200, 60, 3), (33, 71, 1), (40, 20, 1)] {
        let readings = reader.read(images(2, width: width, height: height, channels: channels))
        #expect(readings.count == 2 && readings.allSatisfy { (0...1).contains($0.confidence) })
      }
    }
  }

  /// More images than pass through the model together are read one for one, in order.
  @Test func readsManyImages() throws {
    let reader = try recognizer(description())
    #expect(reader.read([]) == [])
    let pictures = images(131)
    let readings = reader.read(pictures)
    #expect(readings.count == 131)
    for index in [0, 63, 64, 65, 127, 128, 130] {
      let alone = reader.read([pictures[index]])[0]
      #expect(alone.text == readings[index].text, "image \(index)")
      #expect(abs(alone.confidence - readings[index].confidence) < 1e-5, "image \(index)")
    }
  }

  @Test func readsAFile() throws {
    let reader = try recognizer(description())
    let picture = images(1, width: 80, height: 30)[0]
    let path = folder.appendingPathComponent("picture.png").path
    try PNG.write(picture, to: path)
    #expect(try reader.read(path: path) == reader.read([picture])[0])
    expectOneLine(naming: "missing.png") { _ = try reader.read(path: "missing.png") }
  }

  // MARK: Files that are no models

  private func expectOneLine(
    naming words: String..., sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
  ) {
    do {
      try body()
      Issue.record("no error", sourceLocation: sourceLocation)
    } catch {
      let text = "\(error)"
      #expect(!text.contains("\n") && text.count < 400, "\(text)", sourceLocation: sourceLocation)
      for word in words { #expect(text.contains(word), "\(text)", sourceLocation: sourceLocation) }
    }
  }

  private func expectRefusal(
    naming words: String..., sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout Safetensors) -> Void
  ) throws {
    let url = try write(recognizer(description()), change: change)
    do {
      _ = try Recognizer(contentsOf: url)
      Issue.record("accepted", sourceLocation: sourceLocation)
    } catch {
      let text = "\(error)"
      #expect(!text.contains("\n") && text.count < 600, "\(text)", sourceLocation: sourceLocation)
      for word in [url.lastPathComponent] + words {
        #expect(text.contains(word), "\(text)", sourceLocation: sourceLocation)
      }
    }
  }

  @Test func missingFile() {
    let url = folder.appendingPathComponent("none.safetensors")
    expectOneLine(naming: "none.safetensors", "no such file") { _ = try Recognizer(contentsOf: url) }
  }

  @Test func filesThatAreNoModels() throws {
    try expectRefusal(naming: "not a model of this program") { $0.metadata = [:] }
    try expectRefusal(naming: "format is 99", "update the program") { $0.metadata["captcha.format"] = "99" }
    try expectRefusal(naming: "captcha.model cannot be understood", "train the model again") {
      $0.metadata["captcha.model"] = "{"
    }
    try expectRefusal(naming: "architecture is missing") {
      $0.metadata["captcha.model"] = $0.metadata["captcha.model"]?.replacing("architecture", with: "Architecture")
    }
    try expectRefusal(naming: "image_width") {
      $0.metadata["captcha.model"] = $0.metadata["captcha.model"]?.replacing(
        #""image_width":40"#, with: #""image_width":"x""#)
    }
    try expectRefusal(naming: "model.architecture", "\"compakt\"", "compact") {
      $0.metadata["captcha.model"] = $0.metadata["captcha.model"]?.replacing("compact", with: "compakt")
    }
    try expectRefusal(naming: "model.image_width", "9999") {
      $0.metadata["captcha.model"] = $0.metadata["captcha.model"]?.replacing(#":40"#, with: ":9999")
    }
    try expectRefusal(naming: "loss.name", "\"hinge\"", "softmax") {
      $0.metadata["captcha.loss"] = $0.metadata["captcha.loss"]?.replacing("softmax", with: "hinge")
    }
    for key in ["captcha.loss", "captcha.types", "captcha.sizes", "captcha.decoding"] {
      try expectRefusal(naming: "\(key) cannot be understood") { $0.metadata[key] = "3" }
    }
    // A key that is passed over would change what the model is.
    try expectRefusal(naming: "captcha.decoding cannot be understood", "the key \"beam_widht\" is not known") {
      $0.metadata["captcha.decoding"] = #"{"beam_widht":3}"#
    }
    try expectRefusal(naming: "captcha.model cannot be understood", "the key \"codec.case\" is not known") {
      $0.metadata["captcha.model"] = $0.metadata["captcha.model"]?.replacing(
        #""maximum_length""#, with: #""case":1,"maximum_length""#)
    }
    try expectRefusal(naming: "captcha.loss cannot be understood", "the key \"gama\" is not known") {
      $0.metadata["captcha.loss"] = #"{"name":"softmax","gama":2}"#
    }
    try expectRefusal(naming: "captcha.preprocessing is \"bytes / 127\"", "bytes / 255", "update the program") {
      $0.metadata["captcha.preprocessing"] = "bytes / 127"
    }
    try expectRefusal(naming: "captcha.preprocessing is missing") { $0.metadata["captcha.preprocessing"] = nil }
    try expectRefusal(naming: "missing conv1/kernel") { $0.tensors["conv1/kernel"] = nil }
    try expectRefusal(naming: "unknown extra/kernel") { $0.tensors["extra/kernel"] = Tensor(1) }
    try expectRefusal(naming: "output/bias", "[3]", "[44]") { $0.tensors["output/bias"] = Tensor(zeros: [3]) }
  }
}
