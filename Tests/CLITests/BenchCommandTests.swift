import Data
import Foundation
import Layers
import Models
import Tensor
import Testing

@testable import CLI

/// `captcha-cli bench`, run as a user runs it. No times are expected: the machine may be busy.
@Suite struct BenchCommandTests {
  let runner: CommandRunner

  init() throws { runner = try CommandRunner() }

  /// Enough to be a measurement.
  private static let short = ["--seconds", "0", "--warm-up-iterations", "1", "--threads", "2", "--json"]

  /// Checks the figures that every measurement has.
  private func check(_ json: [String: Any], work: String, model: String, batchSize: Int) throws {
    func number(_ key: String) throws -> Double { try #require(json[key] as? Double, "no \(key) in \(json)") }
    #expect(json["work"] as? String == work)
    #expect(json["model"] as? String == model)
    #expect(json["batch_size"] as? Int == batchSize)
    #expect(json["threads"] as? Int == 2)
    #expect(json["simd"] as? String == SIMDLevel.active.rawValue)
    for key in ["cpu", "blas"] { #expect((json[key] as? String)?.isEmpty == false) }
    let (median, p99) = (try number("median_ms"), try number("p99_ms"))
    let (minimum, maximum) = (try number("minimum_ms"), try number("maximum_ms"))
    #expect(minimum > 0 && minimum <= median && median <= p99 && p99 <= maximum)
    #expect(abs(try number("images_per_second") / (Double(batchSize) / median * 1000) - 1) < 1e-6)
    #expect(abs(try number("images_per_second_per_thread") * 2 / number("images_per_second") - 1) < 1e-6)
    #expect(try number("iterations") >= 3)
    #expect(try number("data_bytes") > 0)
    #expect(try number("peak_rss_bytes") > number("data_bytes"))
  }

  @Test(arguments: ["train", "infer", "decode", "generate"])
  func everyWorkIsMeasured(_ work: String) throws {
    let result = try runner.run(
      ["bench", work, "--model", "compact", "--batch-size", "4"] + Self.short)
    #expect(result.code == 0, "\(result.errors)")
    try check(try result.json(), work: work, model: "compact", batchSize: 4)
    // Nothing is left behind.
    #expect(try FileManager.default.contentsOfDirectory(atPath: runner.folder.path).isEmpty)
  }

  /// Models whose outputs are columns are trained and read with another loss than the recipe's.
  @Test(arguments: ModelZoo.names)
  func everyModelIsMeasured(_ model: String) throws {
    let result = try runner.run(["bench", "latency", "--model", model] + Self.short)
    #expect(result.code == 0, "\(result.errors)")
    try check(try result.json(), work: "latency", model: model, batchSize: 1)
    let configuration = try BenchmarkModel(model).configuration()
    #expect(configuration.model.architecture == model)
    try ModelZoo.requireFit(#require(configuration.loss.make()), configuration.model)
  }

  @Test(arguments: CaptchaStyle.allCases)
  func everyStyleIsDrawn(_ style: CaptchaStyle) throws {
    let result = try runner.run(
      ["bench", "generate", "--model", "compact", "--batch-size", "4", "--style", style.rawValue] + Self.short)
    #expect(result.code == 0, "\(result.errors)")
    try check(try result.json(), work: "generate", model: "compact", batchSize: 4)
    let folder = "images in \(style.rawValue)"
    let drawn = try runner.run(
      "generate", "--output", folder, "--count", "8", "--style", style.rawValue)
    #expect(drawn.code == 0, "\(drawn.errors)")
    let manifest = try String(contentsOfFile: runner.path("\(folder)/manifest.jsonl"), encoding: .utf8)
    #expect(manifest.split(separator: "\n").count { $0.contains(#""style":"\#(style.rawValue)""#) } == 8)
  }

  @Test func latencyIsThatOfOneImage() throws {
    let result = try runner.run(["bench", "latency", "--model", "compact"] + Self.short)
    #expect(result.code == 0, "\(result.errors)")
    try check(try result.json(), work: "latency", model: "compact", batchSize: 1)
  }

  @Test func linesForPeople() throws {
    let result = try runner.run(
      "bench", "infer", "--model", "compact", "--batch-size", "2", "--seconds", "0", "--threads", "1")
    #expect(result.code == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 4)
    #expect(lines.first?.hasPrefix("infer compact, batch 2, 1 thread, \(SIMDLevel.active.rawValue): ") == true)
    #expect(lines.first?.hasSuffix(" images/s") == true)
  }

  @Test func givenImagesAreUsed() throws {
    try runner.run("generate", "--output", "images", "--count", "6", "--types", "digit")
    for work in ["train", "infer", "decode"] {
      let result = try runner.run(
        ["bench", work, "--model", "compact", "--batch-size", "4", "--data", "images"] + Self.short)
      #expect(result.code == 0, "\(result.errors)")
      let json = try result.json()
      try check(json, work: work, model: "compact", batchSize: 4)
      if work == "train" { #expect(json["data_bytes"] as? Int == 6 * 200 * 60 * 3) }
    }
    // Names need not be labels where nothing is trained.
    let folder = runner.path("images")
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix(".jsonl") {
      try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
    }
    let name = try #require(FileManager.default.contentsOfDirectory(atPath: folder).first)
    try FileManager.default.moveItem(atPath: "\(folder)/\(name)", toPath: "\(folder)/picture.png")
    let result = try runner.run(["bench", "latency", "--model", "compact", "--data", "images"] + Self.short)
    #expect(result.code == 0, "\(result.errors)")
    #expect(try result.json()["data_bytes"] as? Int == 6 * 200 * 60 * 3)
  }

  @Test func modelFilesAreMeasured() throws {
    let configuration = ModelConfiguration(
      architecture: "compact", imageWidth: 64, imageHeight: 32, colorMode: .grayscale,
      codec: try LabelCodec(charset: .digits, maximumLength: 4), filters: [4, 8])
    let model = try ModelZoo.model(configuration)
    model.initialize(seed: 1)
    let description = ModelDescription(configuration: configuration, loss: LossConfiguration(name: "softmax"))
    try Safetensors(tensors: model.weights.tensors, metadata: description.metadata())
      .write(to: URL(fileURLWithPath: runner.path("m.safetensors")))
    for (work, bytes) in [("infer", 512 * 64 * 32), ("latency", 512 * 64 * 32), ("generate", 128 * 64 * 32)] {
      let result = try runner.run(["bench", work, "--model", "m.safetensors"] + Self.short)
      #expect(result.code == 0, "\(result.errors)")
      #expect(try result.json()["data_bytes"] as? Int == bytes)
    }
    let decoded = try runner.run(["bench", "decode", "--model", "m.safetensors", "--batch-size", "8"] + Self.short)
    #expect(decoded.code == 0, "\(decoded.errors)")
  }

  @Test(arguments: [("train", ["batch", "forward", "metrics", "backward", "update"]), ("infer", ["forward"])])
  func profileAccountsForTheTime(_ work: String, _ passes: [String]) throws {
    let result = try runner.run(
      ["bench", "profile", work, "--model", "compact", "--batch-size", "8"] + Self.short)
    #expect(result.code == 0, "\(result.errors)")
    let json = try result.json()
    try check(json, work: work, model: "compact", batchSize: 8)
    let rows = try #require(json["operations"] as? [[String: Any]])
    func sum(_ rows: [[String: Any]], _ key: String) -> Double {
      rows.reduce(0) { $0 + ($1[key] as? Double ?? .nan) }
    }
    let mean = try #require(json["mean_ms"] as? Double)
    let outside = try #require(json["outside_ms"] as? Double)
    #expect(outside >= 0)
    #expect(abs(sum(rows, "ms") + outside - mean) <= mean * 1e-6)
    #expect(sum(rows, "share") > 0 && sum(rows, "share") <= 1.000001)
    let totals = try #require(json["passes"] as? [[String: Any]])
    #expect(totals.compactMap { $0["pass"] as? String } == passes)
    for key in ["ms", "gigaflop", "bytes"] {
      #expect(abs(sum(totals, key) - sum(rows, key)) <= sum(rows, key) * 1e-6)
    }
    // The stem: a 5×5 window with stride 2 over 200×60×3, 32 filters.
    let stem = try #require(
      rows.first {
        ($0["operation"] as? String)?.hasPrefix("convolution+normalize+relu+pool") == true
          && $0["shapes"] as? [[Int]] == [[8, 60, 200, 3], [5, 5, 3, 32]]
      })
    #expect(stem["calls"] as? Int == 1)
    let gigaflop = try #require(stem["gigaflop"] as? Double)
    #expect(abs(gigaflop - 2.0 * 8 * 30 * 100 * 32 * 75 / 1e9) < 1e-9)
    let rate = try #require(stem["gigaflop_per_second"] as? Double)
    let milliseconds = try #require(stem["ms"] as? Double)
    #expect(abs(rate * milliseconds / 1000 / gigaflop - 1) < 1e-6)
    #expect(stem["gigabytes_per_second"] is Double)
  }

  @Test func profileTable() throws {
    let result = try runner.run(
      "bench", "profile", "latency", "--model", "compact", "--seconds", "0", "--threads", "1")
    #expect(result.code == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    #expect(lines.first?.hasPrefix("latency compact, batch 1, 1 thread, ") == true)
    #expect(lines.contains { $0.hasPrefix("pass ") && $0.contains("GFLOP/s") && $0.hasSuffix("GB/s") })
    #expect(lines.contains { $0.contains("convolution") && $0.contains("1×60×200×3, 5×5×3×32") })
    #expect(lines.contains { $0.contains(" total ") && $0.contains("100.0 %") })
  }

  @Test(arguments: [
    (["train", "--batch-size", "0"], "--batch-size is 0"),
    (["infer", "--threads", "0"], "--threads is 0"),
    (["decode", "--threads", "1025"], "--threads is 1025"),
    (["generate", "--seconds", "-1"], "--seconds is -1"),
    (["latency", "--seconds", "nan"], "--seconds is nan"),
    (["train", "--warm-up-iterations", "-1"], "--warm-up-iterations is -1"),
    (["latency", "--batch-size", "2"], "--batch-size is 2"),
    (["profile", "latency", "--batch-size", "2"], "--batch-size is 2"),
    (["profile", "decode"], "'train', 'infer'"),
    (["generate", "--data", "images"], "--data is \"images\""),
    (["train", "--precision", "float8"], "float32"),
    (["infer", "--precision", "bfloat16"], "--precision is \"bfloat16\""),
    (["latency", "--precision", "bfloat16"], "--precision is \"bfloat16\""),
    (["decode", "--precision", "bfloat16"], "--precision is \"bfloat16\""),
    (["generate", "--precision", "bfloat16"], "--precision is \"bfloat16\""),
    (["profile", "infer", "--precision", "bfloat16"], "--precision is \"bfloat16\""),
    (["train", "--model", "m.safetensors"], ModelZoo.names.joined(separator: ", ")),
    (["infer", "--model", "enhancd"], "--model is \"enhancd\"; did you mean \"enhanced\"?"),
    (["profile", "--model", "xyzzy"], ModelZoo.names.joined(separator: ", ")),
    (["trian"], "trian"),
  ])
  func wrongUsageIs64(_ arguments: [String], _ message: String) throws {
    // The equals sign lets a value begin with a hyphen.
    var words = ["bench"]
    for word in arguments {
      if word.hasPrefix("-"), !word.hasPrefix("--") { words[words.count - 1] += "=" + word } else { words.append(word) }
    }
    let result = try runner.run(words)
    #expect(result.code == 64)
    let error = result.errors.split(separator: "\n").first ?? ""
    #expect(error.hasPrefix("error: ") && error.contains(message), "\(result.errors)")
    #expect(result.output.isEmpty)
  }

  @Test func whatIsMissingOrDamagedIsNamed() throws {
    for work in ["train", "infer", "latency", "decode"] {
      try runner.run("bench", work, "--data", "nowhere", "--model", "compact")
        .expectError(1, "nowhere: no such folder")
    }
    try FileManager.default.createDirectory(atPath: runner.path("images"), withIntermediateDirectories: true)
    try runner.run("bench", "decode", "--data", "images").expectError(1, "images: the folder holds no images")
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: runner.path("images/a-1.png")))
    for work in ["train", "infer", "latency", "decode"] {
      try runner.run("bench", work, "--data", "images", "--model", "compact")
        .expectError(1, "a-1.png", "not a PNG, JPEG, GIF or BMP image")
    }
    try runner.run("bench", "infer", "--model", "nothing.safetensors").expectError(1, "nothing.safetensors")
  }

  @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
  func signalsEndAtOnce(_ signal: Int32, _ code: Int32) throws {
    let running = try runner.start(["bench", "train", "--model", "compact", "--seconds", "100", "--json"])
    try running.waitUntil { running.errorsSoFar.contains("measuring train") }
    kill(running.process.processIdentifier, signal)
    let result = try running.wait()
    #expect(result.code == code)
    #expect(result.output.isEmpty)
    #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
  }

  @Test func quantilesAreNearestRanks() {
    let times = Quantiles((1...200).map(Double.init).shuffled())
    #expect(times.minimum == 1 && times.maximum == 200 && times.mean == 100.5 && times.median == 100.5)
    #expect(times.value(atOrAbove: 0.99) == 198)
    #expect(Quantiles([3, 1, 2]).median == 2)
    #expect(Quantiles([7]).value(atOrAbove: 0.99) == 7)
  }
}
