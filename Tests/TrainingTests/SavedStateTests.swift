import Callbacks
import Data
import Foundation
import Layers
import Optimizers
import Tensor
import Testing
import Training

/// What is refused when a run is resumed, and what a disk that fails costs.
@Suite struct SavedStateTests {
  /// The one line that says why a run of `small` cannot go on from the state of the standard run, and what it changed.
  private func refusal(
    training: Dataset? = nil, source: (any BatchSource)? = nil, metrics: [any Metric]? = nil,
    _ change: (inout SmallTraining) throws -> Void = { _ in }
  ) throws -> String {
    let folder = try TemporaryFolder()
    var small = try SmallTraining()
    try small.fit(directory: folder.run)
    let state = try ResumeState(contentsOf: folder.run.resumeState)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.run.checkpoints.path)
    small.epochs = 4
    try change(&small)
    var events = 0
    let trainer = small.trainer(directory: folder.run, sinks: [Watcher { _ in events += 1 }], metrics: metrics)
    let before = trainer.model.weightBits
    do {
      _ = try trainer.fit(
        source ?? DatasetBatches(training ?? small.training, codec: small.codec), validation: small.validation,
        resuming: state)
      return "not refused"
    } catch let error as TrainingError {
      #expect(events == 0 && trainer.model.weightBits == before)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.run.checkpoints.path) == files)
      #expect(!error.description.contains("\n"))
      #expect(
        error.description.hasPrefix("\(folder.run.resumeState.path): cannot resume, since this is another training"))
      #expect(error.description.hasSuffix("; use the settings of the first run or another run directory"))
      return error.description
    }
  }

  @Test func anotherTrainingIsRefusedWithWhatDiffers() throws {
    #expect(try refusal() == "not refused")
    #expect(try refusal { $0.seed = 8 }.contains("(seed: 7, now 8)"))
    #expect(try refusal { $0.batchSize = 5 }.contains("(batch size: 4, now 5)"))
    #expect(try refusal { $0.precision = .bfloat16 }.contains("(precision: float32, now bfloat16)"))
    #expect(try refusal { $0.loss = SoftmaxCrossEntropy() }.contains("(loss: bce, now softmax)"))
    #expect(try refusal { $0.modelMetadata = ["model": "big"] }.contains("(model: small, now big)"))
    #expect(try refusal { $0.modelMetadata = [:] }.contains("(model: small, now none)"))
    #expect(try refusal { $0.callbacks = { [OneCycle(maximum: 1)] } }.contains("(callbacks: , now one_cycle)"))
    #expect(try refusal(metrics: [ExactMatch()]).contains("(metrics: binary_accuracy, "))
    let both = try refusal {
      $0.seed = 1
      $0.batchSize = 2
    }
    #expect(both.contains("(seed: 7, now 1; batch size: 4, now 2)"))
  }

  @Test func otherImagesAreRefused() throws {
    let same = try SmallTraining().training
    #expect(try refusal(training: same) == "not refused")
    let fewer = try refusal(training: same.subset(0..<9))
    #expect(fewer.contains("(training images: 10 images, hash ") && fewer.contains(", now 9 images, hash "))
    let reordered = try refusal(training: same.subset([1, 0] + Array(2..<10)))
    #expect(reordered.contains("(training images: 10 images, hash "))
    #expect(try refusal { $0.validationImages = 4 }.contains("(validation images: 5 images, hash "))
    // Equal counts and names, but one label differs.
    let relabelled = try Dataset(
      width: same.width, height: same.height, channels: 1, count: same.count
    ) { index, pixels in
      pixels.update(repeating: 0)
      var sample = same.samples[index]
      if index == 3 { sample.label = sample.label == "1" ? "2" : "1" }
      return sample
    }
    #expect(try refusal(training: relabelled).contains("(training images: 10 images, hash "))
    let drawn = try refusal(source: Self.drawn())
    #expect(drawn.contains("now 10 images drawn per epoch, types digit, lengths 1-2, "))
  }

  private static func drawn(
    count: Int = 10, seed: UInt64 = 1, types: [CaptchaType] = [.digit], lengths: ClosedRange<Int> = 1...2,
    drawnWidth: Int = 60, width: Int = 60, charset: String = "0123456789", mathLabel: MathLabel = .answer,
    colorMode: ColorMode = .grayscale, purpose: DrawnImages.Purpose = .training, weights: [CaptchaType: Int] = [:],
    foldsCase: Bool = false, includesConfusables: Bool = true, fonts: [String]? = nil,
    difficulty: GeneratorDifficulty = .original
  ) throws -> GeneratedBatches {
    let configuration = try GeneratorConfiguration(
      types: types, typeWeights: weights, lengths: lengths, width: drawnWidth, height: 20, mathLabel: mathLabel,
      charset: charset, foldsCase: foldsCase, includesConfusables: includesConfusables, fonts: fonts,
      difficulty: difficulty)
    let images = DrawnImages(
      try CaptchaGenerator(configuration: configuration), width: width, height: 20, colorMode: colorMode, seed: seed,
      purpose: purpose)
    return try GeneratedBatches(
      images, count: count,
      codec: LabelCodec(
        charset: Charset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-*=?"), maximumLength: 7))
  }

  @Test func everySettingOfDrawnImagesTellsThemFromOthers() throws {
    let identities = [
      try Self.drawn(), try Self.drawn(count: 11), try Self.drawn(seed: 2), try Self.drawn(types: [.mixed]),
      try Self.drawn(types: [.math]), try Self.drawn(types: [.math], mathLabel: .question),
      try Self.drawn(lengths: 1...3),
      try Self.drawn(lengths: 2...2), try Self.drawn(drawnWidth: 61), try Self.drawn(width: 61),
      try Self.drawn(charset: "012345678"), try Self.drawn(colorMode: .rgb), try Self.drawn(purpose: .validation),
      try Self.drawn(types: [.digit, .math]), try Self.drawn(types: [.digit, .math], weights: [.math: 2]),
      try Self.drawn(foldsCase: true), try Self.drawn(includesConfusables: false),
      try Self.drawn(fonts: ["/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"]),
      // Math shows nothing of these, but other images may.
      try Self.drawn(types: [.math, .digit], difficulty: GeneratorDifficulty(lines: 0)),
      try Self.drawn(types: [.math, .digit], difficulty: GeneratorDifficulty(noise: 0)),
      try Self.drawn(types: [.math, .digit], difficulty: GeneratorDifficulty(blur: 0)),
      try Self.drawn(difficulty: GeneratorDifficulty(overlap: 0.5)),
    ].map(\.identity)
    #expect(Set(identities).count == identities.count)
    #expect(try Self.drawn().identity == identities[0])
  }

  @Test func weightsOfAnotherModelAreRefusedEvenWithoutADescription() throws {
    let folder = try TemporaryFolder()
    var small = try SmallTraining()
    try small.fit(directory: folder.run)
    let state = try ResumeState(contentsOf: folder.run.resumeState)
    small.filters = 5
    let wider = small.trainer()
    #expect(throws: WeightsError.self) {
      try wider.fit(small.training, validation: small.validation, resuming: state)
    }
    small.filters = 4
    let model = small.model()
    let other = small.trainer(
      model: model, optimizer: Optimizer(SGD(momentum: 0.9), parameters: model.namedParameters))
    #expect(throws: OptimizerStateError.self) {
      try other.fit(small.training, validation: small.validation, resuming: state)
    }
  }

  // MARK: Damage

  private func complaint(_ url: URL) -> String? {
    do {
      _ = try ResumeState(contentsOf: url)
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func aDamagedFileIsRefusedInOneLine() throws {
    let folder = try TemporaryFolder()
    try SmallTraining().fit(directory: folder.run)
    let file = folder.run.resumeState
    #expect(complaint(file) == nil)
    let content = try Foundation.Data(contentsOf: file)
    let damaged = folder.url.appendingPathComponent("damaged.safetensors")
    // One bit in every 7th byte of the header, in every 97th after it, and the first bytes of each.
    let headerEnd = 8 + content.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let places =
      Array(0..<64) + Array(stride(from: 64, to: headerEnd, by: 7)) + Array(headerEnd..<headerEnd + 8)
      + Array(stride(from: headerEnd + 8, to: content.count, by: 97)) + [content.count - 1]
    var accepted: [Int] = []
    for place in places {
      var bytes = content
      bytes[place] ^= UInt8(1 << (place % 8))
      try bytes.write(to: damaged)
      guard let refusal = complaint(damaged) else {
        accepted.append(place)
        continue
      }
      #expect(refusal.hasPrefix("\(damaged.path): ") && !refusal.contains("\n"), "byte \(place): \(refusal)")
    }
    #expect(accepted.isEmpty, "a changed byte is not noticed")
    #expect(places.count > 200)
  }

  @Test func aTruncatedOrStrangeFileIsRefusedInOneLine() throws {
    let folder = try TemporaryFolder()
    try SmallTraining().fit(directory: folder.run)
    let content = try Foundation.Data(contentsOf: folder.run.resumeState)
    let other = folder.url.appendingPathComponent("other.safetensors")
    for count in [0, 1, 7, 8, 9, 100, content.count / 2, content.count - 1] {
      try content.prefix(count).write(to: other)
      let refusal = try #require(complaint(other), "\(count) bytes are taken for a whole file")
      #expect(refusal.hasPrefix("\(other.path): ") && !refusal.contains("\n"))
    }
    try (content + Foundation.Data([0])).write(to: other)
    #expect(complaint(other)?.hasPrefix("\(other.path): ") == true)
    let missing = folder.url.appendingPathComponent("missing.safetensors")
    #expect(
      complaint(missing)
        == "\(missing.path): nothing to resume; train without --resume first, or check the run directory")
    // A model file is a sound safetensors file, but not a training's state.
    let model = folder.url.appendingPathComponent("model.safetensors")
    try SmallTraining().trainer().saveModel(to: model)
    #expect(
      complaint(model)
        == "\(model.path): not the state of a training; give the file that a run keeps for resuming")
    #expect(complaint(folder.url)?.hasPrefix("\(folder.url.path): ") == true)
  }

  // MARK: The disk

  @Test func aDiskThatFailsEndsTheTrainingAndLosesNothing() throws {
    let whole = try SmallTraining().fit().0
    let folder = try TemporaryFolder()
    var small = try SmallTraining()
    var outcome: TrainingOutcome?
    let run = folder.run
    let aside = folder.url.appendingPathComponent("aside")
    small.callbacks = {
      [
        Recorder { point, context, _ in
          // The folder is gone and something else is in its place: nobody can write there, not even root.
          if point == .epochEnd, context.epoch == 1 {
            try FileManager.default.moveItem(at: run.checkpoints, to: aside)
            try Foundation.Data("in the way".utf8).write(to: run.checkpoints)
          }
        }
      ]
    }
    let failing = small.trainer(
      directory: run, sinks: [Watcher { if case .trainEnded(let end, _, _) = $0 { outcome = end } }])
    #expect {
      try failing.fit(small.training, validation: small.validation)
    } throws: { error in
      guard let error = error as? SafetensorsError else { return false }
      return error.file == run.resumeState.path && error.reason.contains("cannot be written")
        && !error.description.contains("\n")
    }
    guard case .failed(let reason) = outcome else {
      Issue.record("the end is not told as a failure: \(String(describing: outcome))")
      return
    }
    #expect(reason.contains("cannot be written"))
    // What the first epoch saved is whole, and the run goes on from it once the disk is back.
    try FileManager.default.removeItem(at: run.checkpoints)
    try FileManager.default.moveItem(at: aside, to: run.checkpoints)
    #expect(try FileManager.default.contentsOfDirectory(atPath: run.checkpoints.path) == ["resume.safetensors"])
    let state = try ResumeState(contentsOf: run.resumeState)
    #expect(state.finishedEpochs == 1)
    small.callbacks = { [Recorder()] }
    let trainer = small.trainer(directory: run)
    let result = try trainer.fit(small.training, validation: small.validation, resuming: state)
    #expect(result.outcome == .completed)
    #expect(trainer.model.weightBits == whole.model.weightBits)
  }

  @Test func aRunDirectoryThatCannotBeMadeIsRefusedBeforeTheFirstStep() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("file")
    try Foundation.Data("in the way".utf8).write(to: file)
    let small = try SmallTraining()
    var events = 0
    let trainer = small.trainer(directory: RunDirectory(file), sinks: [Watcher { _ in events += 1 }])
    #expect {
      try trainer.fit(small.training, validation: small.validation)
    } throws: { error in
      (error as? TrainingError)?.description
        == "\(file.path): the run directory cannot be made; choose a folder that you may write to"
    }
    #expect(events == 0)
  }

  @Test(arguments: [
    "config.yaml", "metrics.csv", "timeline.csv", "starts.jsonl", "summary.json", "report.html", "evaluations/a.json",
    "checkpoints/final.safetensors",
  ])
  func aFolderWithAFileOfARunIsUsed(_ name: String) throws {
    let folder = try TemporaryFolder()
    for part in ["checkpoints", "evaluations"] {
      try FileManager.default.createDirectory(
        at: folder.run.url.appendingPathComponent(part), withIntermediateDirectories: true)
    }
    try Foundation.Data().write(to: folder.run.url.appendingPathComponent("notes.txt"))
    #expect(!folder.run.isUsed)
    try Foundation.Data().write(to: folder.run.url.appendingPathComponent(name))
    #expect(folder.run.isUsed)
  }
}
