import Data
import Foundation
import Layers
import Models
import Tensor
import Testing

/// Several models in one file that read together.
@Suite final class EnsembleTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    "ensemble-tests-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: folder) }

  private func recognizer(
    _ charset: String = "0123456789", length: Int = 2, width: Int = 40, color: ColorMode = .grayscale,
    loss: String = "softmax", decoding: DecodingOptions? = nil, seed: UInt64 = 1
  ) throws -> Recognizer {
    let configuration = ModelConfiguration(
      architecture: "compact", imageWidth: width, imageHeight: 20, colorMode: color,
      codec: try LabelCodec(charset: Charset(charset), maximumLength: length),
      head: loss == "ctc" ? .columns : .positions,
      filters: [4, 6])
    let model = try ModelZoo.model(configuration)
    model.initialize(seed: seed)
    return try Recognizer(
      description: ModelDescription(
        configuration: configuration, loss: LossConfiguration(name: loss), trainedTypes: ["digit", "t\(seed)"],
        trainedSizes: ["200×60", "\(width)×20"], decoding: decoding),
      model: model)
  }

  private func write(_ recognizer: Recognizer, _ name: String) throws -> URL {
    let url = folder.appendingPathComponent("\(name).safetensors")
    let file = Safetensors(
      tensors: recognizer.model.weights.tensors,
      metadata: try recognizer.description.metadata().merging(["note": name]) { $1 })
    try file.write(to: url)
    return url
  }

  /// The ensemble of some models, by way of their files and its own.
  private func ensemble(_ method: EnsembleMethod, _ members: [Recognizer]) throws -> (ensemble: Ensemble, file: URL) {
    let names = members.indices.map { "m\($0)" }
    let file = try Ensemble.file(method, of: zip(members, names).map(write), names: names)
    let url = folder.appendingPathComponent("ensemble-\(UUID().uuidString).safetensors")
    try file.write(to: url)
    return (try Ensemble(contentsOf: url), url)
  }

  private func images(_ count: Int, width: Int = 50, height: Int = 30) -> [Image] {
    var stream = RandomStream(seed: 8)
    return (0..<count).map { _ in
      Image(
        width: width, height: height, channels: 3,
        pixels: (0..<width * height * 3).map { _ in UInt8(stream.integer(in: 0...255)) })
    }
  }

  private func expectRefusal(
    naming words: String..., sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
  ) {
    do {
      try body()
      Issue.record("no error", sourceLocation: sourceLocation)
    } catch {
      let text = "\(error)"
      #expect(!text.contains("\n") && text.count < 600, "\(text)", sourceLocation: sourceLocation)
      for word in words { #expect(text.contains(word), "no \(word) in: \(text)", sourceLocation: sourceLocation) }
    }
  }

  /// Models of other sizes, colours, heads and characters; each must read every image as it does alone.
  @Test func aVoteIsTakenOfWhatEachReadsAlone() throws {
    let members = [
      try recognizer("0123", width: 40, loss: "softmax"),
      try recognizer("3210x", length: 3, width: 48, color: .rgb, loss: "ctc"),
      try recognizer("0123", width: 40, loss: "bce", seed: 3), try recognizer("12", length: 1, width: 64, seed: 4),
    ]
    let (ensemble, _) = try ensemble(.vote, members)
    #expect(ensemble.codec.charset.text == "0123x" && ensemble.codec.maximumLength == 3)
    // Two of them take the same images.
    #expect(
      ensemble.inputs == [
        ImageInput(width: 40, height: 20, colorMode: .grayscale), ImageInput(width: 48, height: 20, colorMode: .rgb),
        ImageInput(width: 64, height: 20, colorMode: .grayscale),
      ])
    #expect(ensemble.knownSizes == ["200×60"] && ensemble.trainedTypes == ["digit"])
    let pictures = images(67)
    let alone = members.map { $0.read(pictures) }
    var disputed = 0
    for (index, reading) in ensemble.read(pictures).enumerated() {
      let votes = alone.map { $0[index] }.filter { !$0.text.isEmpty }
      func rank(_ text: String) -> (Int, Double) {
        let own = votes.filter { $0.text == text }
        return (own.count, own.reduce(0) { $0 + $1.confidence })
      }
      let best = try #require(votes.map(\.text).max { rank($0) < rank($1) })
      #expect(reading.text == best, "image \(index)")
      #expect(abs(reading.confidence - rank(best).1 / 4) < 1e-9, "image \(index)")
      #expect(ensemble.codec.decode(reading.classes) == reading.text)
      disputed += Set(votes.map(\.text)).count > 1 ? 1 : 0
    }
    #expect(disputed > 10)
  }

  /// The probabilities of each position are averaged, and the first of the largest is read.
  @Test(arguments: [("softmax", OutputActivation.softmax), ("bce", .sigmoid)])
  func theMeanIsThatOfTheProbabilities(_ loss: String, _ activation: OutputActivation) throws {
    let members = try (1...3).map { try recognizer(width: 40 + Int($0), loss: loss, seed: $0) }
    let (ensemble, _) = try ensemble(.mean, members)
    let pictures = images(9)
    let readings = ensemble.read(pictures, areFew: false)
    for (index, picture) in pictures.enumerated() {
      var mean = [Double](repeating: 0, count: 22)
      for member in members {
        let configuration = member.configuration
        let image = picture.grayscale().resized(width: configuration.imageWidth, height: 20)
        let values = activation.probabilities(member.model(image.tensor, .inference), classes: 11).elements()
        for (place, value) in values.enumerated() { mean[place] += Double(value) / 3 }
      }
      // Padding may end the text only.
      let rows = [Array(mean[..<11]), Array(mean[11...])]
      let ends = rows[1][10] > (rows[1].dropLast().max() ?? 0)
      let classes = rows.enumerated().map { row, values in
        row == 1 && ends ? 10 : values.dropLast().firstIndex(of: values.dropLast().max() ?? 0) ?? 0
      }
      let isEmpty = ends && rows[0][10] > (rows[0].dropLast().max() ?? 0)
      #expect(readings[index].classes == (isEmpty ? [10, 10] : classes), "image \(index)")
      let confidence = rows[0][readings[index].classes[0]] * rows[1][readings[index].classes[1]]
      #expect(abs(readings[index].confidence - confidence) < 1e-6)
    }
  }

  /// Equal models read together as one of them, and with its loss.
  @Test(arguments: [("softmax", 1e-4), ("bce", 1e-5), ("focal", 1e-5), ("ctc", 1e-4)])
  func equalModelsAreOne(_ loss: String, _ tolerance: Double) throws {
    let one = try recognizer(width: 60, loss: loss)
    let (ensemble, _) = try ensemble(.mean, [one, try recognizer(width: 60, loss: loss)])
    let pictures = images(5)
    for (own, common) in zip(one.read(pictures), ensemble.read(pictures)) {
      #expect(own.text == common.text || loss == "ctc")
      #expect(common.confidence > own.confidence - 1e-5)
    }
    let input = [
      Tensor(
        pictures.flatMap { ImageInput(width: 60, height: 20, colorMode: .grayscale).prepared($0).pixels }
          .map { Float($0) / 255 }, shape: [5, 20, 60, 1])
    ]
    let labels = try EncodedLabels(["12", "3", "44", "7", "08"], codec: one.codec).classes(at: 0..<5)
    let expected = try #require(one.meanLoss(one.outputs(input, float16Weights: false), labels: labels))
    let found = try #require(ensemble.meanLoss(ensemble.outputs(input, float16Weights: false), labels: labels))
    #expect(abs(found - expected) < tolerance * max(1, expected), "\(found) \(expected)")
  }

  @Test func onlyAMeanOfEqualLossesHasOne() throws {
    let labels = try EncodedLabels(["12"], codec: recognizer().codec).classes(at: 0..<1)
    for (method, losses) in [(EnsembleMethod.vote, ["softmax", "softmax"]), (.mean, ["bce", "softmax"])] {
      let (ensemble, _) = try ensemble(method, losses.map { try recognizer(loss: $0) })
      let outputs = ensemble.outputs([Tensor(zeros: [1, 20, 40, 1])], float16Weights: false)
      #expect(ensemble.meanLoss(outputs, labels: labels) == nil)
      #expect((ensemble.probabilities(outputs) == nil) == (method == .vote))
    }
  }

  // MARK: Options

  @Test func optionsReachEveryMember() throws {
    let members = [try recognizer("0123"), try recognizer("12ab", length: 4, seed: 2)]
    let (ensemble, _) = try ensemble(.vote, members)
    try ensemble.decode { own in
      var options = own
      (options.characters, options.lengths, options.minimumConfidence) = ("1b0", 2...3, 0.5)
      return options
    }
    #expect(ensemble.members.map(\.recognizer.options.characters) == ["10", "1b"])
    #expect(ensemble.members.map(\.recognizer.options.lengths) == [2...2, 2...3])
    #expect(ensemble.options.minimumConfidence == 0.5)
    for (characters, lengths, words) in [
      ("1x", nil, ["decoding.characters", "cannot read \"x\""]), ("ab", nil, ["decoding.characters", "(m0)"]),
      (nil, 3...4, ["decoding.lengths", "(m0)"]), (nil, 1...5, ["decoding.lengths", "1...4"]),
    ] as [(String?, ClosedRange<Int>?, [String])] {
      let before = ensemble.members.map(\.recognizer.options)
      do {
        try ensemble.decode { _ in DecodingOptions(characters: characters, lengths: lengths) }
        Issue.record("accepted")
      } catch {
        for word in words { #expect("\(error)".contains(word), "\(error)") }
      }
      #expect(ensemble.members.map(\.recognizer.options) == before)
    }
  }

  /// The temperature of the whole multiplies those of the members, and both are kept in the file.
  @Test func temperaturesMultiply() throws {
    let own = DecodingOptions(temperature: 2, minimumConfidence: 0.9)
    let calibrated = try ensemble(.vote, [try recognizer(decoding: own), try recognizer(seed: 2)])
    #expect(calibrated.ensemble.options == DecodingOptions())
    try calibrated.ensemble.calibrate(temperature: 1.5, minimumConfidence: 0.25)
    var file = try Safetensors(contentsOf: calibrated.file)
    file.metadata.merge(try calibrated.ensemble.metadata()) { $1 }
    try file.write(to: calibrated.file)
    let loaded = try #require(try ModelFile.recognizer(contentsOf: calibrated.file) as? Ensemble)
    #expect(loaded.options == DecodingOptions(temperature: 1.5, minimumConfidence: 0.25))
    let expected = try ensemble(
      .vote,
      [
        try recognizer(decoding: DecodingOptions(temperature: 3)),
        try recognizer(decoding: DecodingOptions(temperature: 1.5), seed: 2),
      ])
    let pictures = images(6)
    for (one, other) in zip(loaded.read(pictures), expected.ensemble.read(pictures)) {
      #expect(one.text == other.text && abs(one.confidence - other.confidence) < 1e-6)
    }
  }

  // MARK: Files

  @Test func theFileHoldsTheFilesOfItsMembers() throws {
    let members = [try recognizer(), try recognizer("abc", seed: 2)]
    let (_, url) = try ensemble(.vote, members)
    let file = try Safetensors(contentsOf: url)
    for (index, member) in members.enumerated() {
      let own = try Safetensors(contentsOf: folder.appendingPathComponent("m\(index).safetensors"))
      for (name, tensor) in own.tensors {
        #expect(file.tensors["\(index)/\(name)"]?.elements() == tensor.elements())
      }
      for (key, text) in own.metadata { #expect(file.metadata["\(index)/\(key)"] == text) }
      #expect(file.metadata["\(index)/note"] == "m\(index)" && !member.model.weights.tensors.isEmpty)
    }
    #expect(file.tensors.count == members.reduce(0) { $0 + $1.model.weights.tensors.count })
    // Earlier versions look for these three, and refuse any format but 1.
    let keys = ["captcha.format", "captcha.model", "captcha.loss"]
    #expect(keys.allSatisfy { file.metadata[$0] != nil } && file.metadata["captcha.format"] != "1")
    expectRefusal(naming: url.path, "an ensemble, where one model is needed") { _ = try Recognizer(contentsOf: url) }
    expectRefusal(naming: "m0.safetensors", "not an ensemble") {
      _ = try Ensemble(contentsOf: folder.appendingPathComponent("m0.safetensors"))
    }
    #expect(try ModelFile.recognizer(contentsOf: url) is Ensemble)
    #expect(try ModelFile.recognizer(contentsOf: folder.appendingPathComponent("m0.safetensors")) is Recognizer)
    // Members are models, not ensembles.
    expectRefusal(naming: "e.safetensors", "an ensemble") {
      _ = try Ensemble.file(.vote, of: [url, url], names: ["e.safetensors", "f"])
    }
  }

  @Test func damagedFilesAreRefused() throws {
    func damaged(_ words: String..., change: (inout Safetensors) -> Void) throws {
      let (_, url) = try ensemble(.vote, [try recognizer(), try recognizer(seed: 2)])
      var file = try Safetensors(contentsOf: url)
      change(&file)
      try file.write(to: url)
      do {
        _ = try ModelFile.recognizer(contentsOf: url)
        Issue.record("accepted \(words)")
      } catch {
        #expect("\(error)".contains(url.lastPathComponent) && !"\(error)".contains("\n"))
        for word in words { #expect("\(error)".contains(word), "\(error)") }
      }
    }
    try damaged("captcha.ensemble") { $0.metadata["captcha.ensemble"] = nil }
    try damaged("captcha.ensemble") { $0.metadata["captcha.ensemble"] = #"{"method":"sum","names":["a","b"]}"# }
    try damaged("m1", "missing conv1/kernel") { $0.tensors["1/conv1/kernel"] = nil }
    try damaged("belongs to no member") { $0.tensors["2/conv1/kernel"] = Tensor(1) }
    try damaged("m1", "not a model") { $0.metadata["1/captcha.format"] = nil }
    try damaged("m0", "NaN") { $0.tensors["0/output/bias"] = Tensor(repeating: .nan, shape: [22]) }
    try damaged("decoding.temperature") { $0.metadata["captcha.decoding"] = #"{"temperature":-1}"# }
  }

  @Test func meansOfModelsThatDoNotFitAreRefused() throws {
    for (other, words) in [
      (try recognizer(length: 3), ["m1: model.maximum_length is 3, and 2 in m0"]),
      (try recognizer("0123456798"), ["m1: model.charset is \"0123456798\""]),
      (try recognizer(width: 60, loss: "ctc"), ["m1: model.head is columns, and positions in m0"]),
      (try recognizer(decoding: DecodingOptions(grammar: .arithmetic)), ["decoding.grammar is arithmetic"]),
      (try recognizer(decoding: DecodingOptions(lengths: 1...1)), ["decoding.lengths is 1...1, and all in m0"]),
    ] {
      do {
        _ = try ensemble(.mean, [try recognizer(), other])
        Issue.record("accepted")
      } catch {
        for word in words { #expect("\(error)".contains(word), "\(error)") }
      }
      _ = try ensemble(.vote, [try recognizer(), other])
    }
  }

  @Test func aVoteOfQuestionsAndAnswers() throws {
    let (ensemble, _) = try ensemble(
      .vote,
      [try recognizer(), try recognizer("0123456789+-*=?", decoding: DecodingOptions(grammar: .arithmetic), seed: 2)])
    #expect(ensemble.options.grammar == .arithmetic)
  }

  @Test func theAuditorTakesEnsembles() throws {
    let (ensemble, _) = try ensemble(.vote, [try recognizer(), try recognizer(width: 60, seed: 2)])
    let auditor = LabelAuditor(ensemble, confidence: 0)
    let picture = images(1, width: 200, height: 60)[0]
    #expect(auditor.preparation(picture) == picture && auditor.preparation(images(1, width: 40, height: 20)[0]) == nil)
    let read = ensemble.read([picture], areFew: false)[0].text
    let found = auditor.audit([(Sample(name: "a.png", label: read == "1" ? "2" : "1", type: nil), picture)])
    #expect(found.map(\.read) == [read])
  }
}
