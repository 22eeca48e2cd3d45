import Data
import Foundation
import Layers
import Models
import Tensor
import Testing

/// Weights of one model in another, compared one by one.
@Suite final class WeightTransferTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    "transfer-tests-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: folder) }

  private func configuration(
    _ charset: String, length: Int = 3, head: OutputAlignment = .positions, filters: [Int] = [4, 6],
    color: ColorMode = .grayscale, dense: [Int]? = nil
  ) throws -> ModelConfiguration {
    ModelConfiguration(
      architecture: "compact", imageWidth: 40, imageHeight: 16, colorMode: color,
      codec: try LabelCodec(charset: Charset(charset), maximumLength: length), head: head, filters: filters,
      dense: dense)
  }

  private func write(_ configuration: ModelConfiguration, _ change: (inout Safetensors) -> Void = { _ in }) throws
    -> URL
  {
    let model = try ModelZoo.model(configuration)
    model.initialize(seed: 1)
    let description = ModelDescription(
      configuration: configuration, loss: LossConfiguration(name: configuration.head == .columns ? "ctc" : "softmax"))
    var file = Safetensors(tensors: model.weights.tensors, metadata: try description.metadata())
    change(&file)
    let url = folder.appendingPathComponent("source.safetensors")
    try file.write(to: url)
    return url
  }

  private struct Outcome {
    let report: TransferReport
    let source, drawn, result: [String: Tensor]

    func fate(_ name: String) -> TransferReport.Fate? { report.entries.first { $0.name == name }?.fate }
    func detail(_ name: String) -> String { report.entries.first { $0.name == name }?.detail ?? "none" }
  }

  /// Starts a model of `target` from one of `source`.
  private func transfer(_ source: ModelConfiguration, _ target: ModelConfiguration) throws -> Outcome {
    let url = try write(source)
    let model = try ModelZoo.model(target)
    model.initialize(seed: 2)
    let drawn = model.weights.tensors
    let report = try WeightTransfer(contentsOf: url, to: target).apply(to: model)
    return Outcome(
      report: report, source: try Safetensors(contentsOf: url).tensors, drawn: drawn, result: model.weights.tensors)
  }

  private func expectTaken(_ outcome: Outcome, but others: Set<String>) {
    for (name, tensor) in outcome.result where !others.contains(name) {
      #expect(outcome.fate(name) == .taken && tensor.elements() == outcome.source[name]?.elements(), "\(name)")
    }
  }

  /// By hand: which column of the output belongs to which character at which position.
  @Test func positionsOfAnotherCharsetAndLength() throws {
    let outcome = try transfer(configuration("0123"), configuration("3a1", length: 4))
    expectTaken(outcome, but: ["output/kernel", "output/bias"])
    // "3", "a", "1" and padding; "0", "1", "2", "3" and padding.
    let columns: [Int?] = [3, nil, 1, 4, 8, nil, 6, 9, 13, nil, 11, 14, nil, nil, nil, nil]
    for name in ["output/kernel", "output/bias"] {
      let (source, drawn, result) = (outcome.source[name], outcome.drawn[name], outcome.result[name])
      let values = try (#require(source).elements(), #require(drawn).elements(), #require(result).elements())
      for (index, value) in values.2.enumerated() {
        let (row, column) = (index / 16, index % 16)
        let expected = columns[column].map { values.0[row * 15 + $0] } ?? values.1[index]
        #expect(value == expected, "\(name) \(row) \(column)")
      }
      #expect(outcome.fate(name) == .partlyTaken)
      #expect(
        outcome.detail(name)
          == "taken \"31\" and the padding at positions 1 to 3; drawn anew \"a\" and position 4; not used \"02\"")
    }
    #expect(outcome.report.entries(.notUsed).isEmpty && outcome.report.entries(.drawnAnew).isEmpty)
    #expect(outcome.report.lines[0].hasSuffix("taken 10, partly taken 2, drawn anew 0, not used 0"))
  }

  @Test func columnsOfAnotherCharset() throws {
    let outcome = try transfer(
      configuration("0123", head: .columns), configuration("b32", length: 5, head: .columns))
    expectTaken(outcome, but: ["output/kernel", "output/bias"])
    let columns: [Int?] = [nil, 3, 2, 4]
    for name in ["output/kernel", "output/bias"] {
      let values = try (
        #require(outcome.source[name]).elements(), #require(outcome.drawn[name]).elements(),
        #require(outcome.result[name]).elements()
      )
      for (index, value) in values.2.enumerated() {
        #expect(value == columns[index % 4].map { values.0[index / 4 * 5 + $0] } ?? values.1[index])
      }
      #expect(outcome.detail(name) == "taken \"32\" and the blank; drawn anew \"b\"; not used \"01\"")
    }
  }

  /// The same characters in another order have outputs of the same shape, which must not be taken as they are.
  @Test func anotherOrderIsAnotherCharset() throws {
    let outcome = try transfer(configuration("012", length: 1), configuration("210", length: 1))
    let (source, result) = (outcome.source["output/bias"], outcome.result["output/bias"])
    let kernels = try (
      #require(outcome.source["output/kernel"]).elements(), #require(outcome.result["output/kernel"]).elements()
    )
    #expect(source?.shape == result?.shape && outcome.fate("output/kernel") == .taken)
    for (index, value) in kernels.1.enumerated() {
      #expect(value == kernels.0[index / 4 * 4 + [2, 1, 0, 3][index % 4]])
    }
  }

  @Test func aShorterLengthIsTakenWhole() throws {
    let outcome = try transfer(configuration("01", length: 3), configuration("01", length: 2))
    expectTaken(outcome, but: ["output/kernel", "output/bias"])
    #expect(outcome.fate("output/kernel") == .taken)
    #expect(outcome.detail("output/kernel") == "taken \"01\" and the padding at positions 1 to 2; not used position 3")
    let source = try #require(outcome.source["output/kernel"]).elements()
    for (index, value) in try #require(outcome.result["output/kernel"]).elements().enumerated() {
      #expect(value == source[index / 6 * 9 + index % 6])
    }
  }

  @Test func equalModelsAreTakenWhole() throws {
    let outcome = try transfer(configuration("0123"), configuration("0123"))
    expectTaken(outcome, but: [])
    #expect(outcome.report.entries.allSatisfy { $0.fate == .taken && $0.detail.isEmpty })
  }

  @Test func whatDoesNotFitIsDrawnAndReported() throws {
    let outcome = try transfer(
      configuration("01", filters: [4, 6, 8], dense: [5]), configuration("01", filters: [4, 7], color: .rgb))
    let drawn = [
      "conv1/kernel", "conv2/kernel", "bn2/gamma", "bn2/beta", "bn2/moving_mean", "output/kernel", "output/bias",
    ]
    for name in drawn {
      #expect(outcome.fate(name) == .drawnAnew, "\(name)")
      #expect(outcome.result[name]?.elements() == outcome.drawn[name]?.elements())
    }
    #expect(outcome.detail("conv1/kernel") == "the file has [5, 5, 1, 4]")
    // A bias says nothing without its column.
    #expect(outcome.detail("output/bias") == "the rest of the layer does not fit")
    expectTaken(outcome, but: Set(drawn + ["bn2/moving_variance"]))
    #expect(outcome.fate("bn1/gamma") == .taken)
    #expect(
      outcome.report.entries(.notUsed).map(\.name) == [
        "bn3/beta", "bn3/gamma", "bn3/moving_mean", "bn3/moving_variance", "conv3/kernel", "fc1/bias", "fc1/kernel",
      ])
    #expect(outcome.report.lines.contains("  not used      conv3/kernel [3, 3, 6, 8]"))
    #expect(outcome.report.lines.contains("  drawn anew    conv1/kernel [5, 5, 3, 4]: the file has [5, 5, 1, 4]"))
  }

  @Test func anotherHeadHasAnotherOutput() throws {
    let outcome = try transfer(configuration("01", length: 1), configuration("01", length: 1, head: .columns))
    expectTaken(outcome, but: ["output/kernel", "output/bias"])
    for name in ["output/kernel", "output/bias"] {
      #expect(outcome.fate(name) == .drawnAnew && outcome.detail(name) == "the file's outputs are by positions")
      #expect(outcome.result[name]?.elements() == outcome.drawn[name]?.elements())
    }
  }

  @Test func filesThatAreOfNoUseAreRefused() throws {
    func expectRefusal(_ words: String..., change: (inout Safetensors) -> Void) throws {
      let url = try write(configuration("01"), change)
      do {
        _ = try WeightTransfer(contentsOf: url, to: configuration("01"))
        Issue.record("accepted")
      } catch {
        #expect("\(error)".contains("source.safetensors") && !"\(error)".contains("\n"))
        for word in words { #expect("\(error)".contains(word), "\(error)") }
      }
    }
    try expectRefusal("none of its weights fit the model") { $0.tensors = ["other/kernel": Tensor(1)] }
    try expectRefusal("bn1/beta", "NaN") { $0.tensors["bn1/beta"] = Tensor(repeating: .nan, shape: [4]) }
    try expectRefusal("not a model of this program") { $0.metadata = [:] }
  }
}
