import Callbacks
import Data
import Foundation
import Layers
import Optimizers
import Tensor
import Testing
import Training

/// The order of calls and what is in the logs; Keras 3's loop.
@Suite struct LoopTests {
  @Test func callbacksAreCalledInKerasOrder() throws {
    let journal = Journal()
    var small = try SmallTraining()
    small.epochs = 2
    small.callbacks = { [Recorder("a", journal), Recorder("b", journal)] }
    try small.fit()
    let points =
      ["trainBegin"]
      + [
        "epochBegin 0", "batchBegin 0", "updateBegin 0", "batchEnd 1", "batchBegin 1", "updateBegin 1", "batchEnd 2",
        "batchBegin 2", "updateBegin 2", "batchEnd 3", "validationEnd 0", "epochEnd 0",
        "epochBegin 1", "batchBegin 3", "updateBegin 3", "batchEnd 4", "batchBegin 4", "updateBegin 4", "batchEnd 5",
        "batchBegin 5", "updateBegin 5", "batchEnd 6", "validationEnd 1", "epochEnd 1",
      ] + ["trainEnd completed"]
    #expect(journal.lines == points.flatMap { ["a \($0)", "b \($0)"] })
  }

  @Test func sinksHearOfEverythingInOrder() throws {
    var events: [String] = []
    let watcher = Watcher { event in
      switch event {
      case .trainBegan(let plan):
        events.append("train \(plan.initialEpoch)-\(plan.epochs) steps \(plan.stepsPerEpoch)")
        #expect((plan.trainingSamples, plan.validationSamples) == (10, 5))
        #expect(plan.learningRate == 0.01)
      case .epochBegan(let epoch, let count, let rate): events.append("epoch \(epoch) of \(count) at \(rate)")
      case .batchEnded(let progress):
        events.append("batch \(progress.step)/\(progress.steps)")
        #expect(progress.imagesPerSecond > 0 && progress.remainingSeconds >= 0)
        #expect((progress.remainingSeconds == 0) == (progress.step == progress.steps))
      case .validationEnded(let summary): events.append("validation \(summary.epoch)")
      case .weightsUpdated(let epoch, let weights): events.append("\(weights.count) weights \(epoch)")
      case .epochEnded(let summary):
        events.append("epoch end \(summary.epoch) at \(summary.learningRate)")
        #expect(summary.seconds > 0 && summary.imagesPerSecond > 0)
      case .trainEnded(let outcome, let epochs, _): events.append("end \(outcome) \(epochs)")
      default: events.append("other")
      }
    }
    var small = try SmallTraining()
    small.epochs = 1
    small.callbacks = {
      // The rate after the epoch's last update is not the one that it used.
      [Recorder { point, context, _ in if point == .epochEnd { context.learningRate = 0.5 } }]
    }
    try small.fit(sinks: [watcher])
    #expect(
      events == [
        "train 0-1 steps 3", "epoch 0 of 1 at 0.01", "batch 1/3", "batch 2/3", "batch 3/3", "validation 0",
        "epoch end 0 at 0.01", "8 weights 0", "end completed 1",
      ])
  }

  @Test func logsPassFromOneCallbackToTheNext() throws {
    var seen: [String: [MetricKey]] = [:]
    var small = try SmallTraining()
    small.epochs = 1
    small.callbacks = {
      let before = Recorder("before") { point, _, logs in if point == .epochEnd { seen["before"] = logs.keys } }
      let giver = Recorder("giver") { point, _, logs in if point == .epochEnd { logs["val_score"] = 0.25 } }
      giver.providedMetrics = ["val_score"]
      let taker = Recorder("taker") { point, _, logs in
        if point == .batchEnd { seen["batch"] = logs.keys }
        if point == .validationEnd { seen["validation"] = logs.keys }
        if point == .epochEnd { seen["after"] = logs["val_score"] == 0.25 ? logs.keys : [] }
      }
      taker.requiredMetrics = ["val_score"]
      return [before, giver, taker]
    }
    let (_, result) = try small.fit()
    let names = ["binary_accuracy", "character_accuracy", "exact_match", "loss", "precision", "recall"]
    let training = names.map { MetricKey(rawValue: $0) }
    let validation = names.map { MetricKey(rawValue: "val_\($0)") }
    #expect(seen["batch"] == training)
    #expect(seen["validation"] == validation)
    #expect(seen["before"] == training + validation)
    #expect(seen["after"] == (training + validation + ["val_score"]).sorted())
    #expect(result.history.map(\.epoch) == [0])
    #expect(result.history[0].logs["val_score"] == 0.25)
  }

  @Test func metricsThatNothingReportsAreRefusedBeforeTheFirstStep() throws {
    let journal = Journal()
    var events = 0
    var small = try SmallTraining()
    small.callbacks = {
      let recorder = Recorder("needy", journal)
      recorder.requiredMetrics = ["val_beauty"]
      return [recorder]
    }
    let trainer = small.trainer(sinks: [Watcher { _ in events += 1 }])
    let before = trainer.model.weightBits
    #expect {
      try trainer.fit(small.training, validation: small.validation)
    } throws: { error in
      guard case .unknownMetric("needy", "val_beauty", let available) = error as? CallbackError else { return false }
      return available.contains(.valExactMatch) && available.contains(.loss)
    }
    #expect(journal.lines.isEmpty && events == 0)
    #expect(trainer.model.weightBits == before)
  }

  @Test func partsWithoutImagesAndSizesThatCannotBeAreRefused() throws {
    func complaint(_ change: (inout SmallTraining) -> Void) throws -> String {
      var small = try SmallTraining()
      change(&small)
      do {
        try small.fit()
        return "none"
      } catch let error as TrainingError {
        return error.description
      }
    }
    #expect(try complaint { $0.images = 0 } == "the training part has no images; give more data")
    #expect(try complaint { $0.validationImages = 0 }.hasPrefix("the validation part has no images"))
    #expect(try complaint { $0.batchSize = 0 } == "batch size 0: a training needs at least 1; give a larger number")
    #expect(try complaint { $0.epochs = -1 } == "epochs -1: a training needs at least 1; give a larger number")
  }

  // MARK: Numbers

  /// Binary cross-entropy by its definition, in Double, of each image.
  private func lossOfEachImage(_ model: Sequential, _ dataset: Dataset, _ codec: LabelCodec) throws -> [Double] {
    try (0..<dataset.count).map { index in
      let logits = model(try dataset.image(at: index).tensor, .inference).elements().map(Double.init)
      let classes = try codec.encode(dataset.labels[index])
      let terms = logits.enumerated().map { output, logit in
        let isTrue = classes[output / codec.classCount] == output % codec.classCount
        let probability = 1 / (1 + exp(-logit))
        return -log(isTrue ? probability : 1 - probability)
      }
      return terms.reduce(0, +) / Double(terms.count)
    }
  }

  @Test func theLossOfAnEpochWeighsBatchesByTheirSize() throws {
    var small = try SmallTraining()
    small.epochs = 1
    // A model that is the same in training and not, with weights that do not move: each loss can be computed beforehand.
    let model = Sequential {
      Flatten()
      Dense(SmallTraining.width * SmallTraining.height, small.codec.outputCount)
    }
    model.initialize(seed: 5)
    let losses = try lossOfEachImage(model, small.training, small.codec)
    let validationLosses = try lossOfEachImage(model, small.validation, small.codec)
    var running: [Double] = []
    small.callbacks = {
      [Recorder { point, _, logs in if point == .batchEnd { running.append(logs[.loss] ?? .nan) } }]
    }
    let trainer = small.trainer(
      model: model, optimizer: Optimizer(SGD(), parameters: model.namedParameters, learningRate: 0))
    let logs = try #require(try trainer.fit(small.training, validation: small.validation).history.first?.logs)

    let mean = losses.reduce(0, +) / 10
    #expect(abs(try #require(logs[.loss]) - mean) < 1e-6)
    #expect(abs(try #require(logs[.valLoss]) - validationLosses.reduce(0, +) / 5) < 1e-6)
    let order = BatchOrder(count: 10, batchSize: 4, seed: small.seed, epoch: 0)
    let sums = order.map { batch in batch.reduce(0) { $0 + losses[$1] } }
    for (value, expected) in zip(running, [sums[0] / 4, (sums[0] + sums[1]) / 8, mean]) {
      #expect(abs(value - expected) < 1e-6)
    }
    #expect(running.count == 3)
    // The mean of the batches' means is another number: the test can tell the two.
    #expect(abs((sums[0] / 4 + sums[1] / 4 + sums[2] / 2) / 3 - mean) > 1e-4)
  }

  @Test func bestValuesAreThoseOfTheHistory() throws {
    var small = try SmallTraining()
    small.epochs = 6
    let (_, result) = try small.fit()
    let losses = result.history.compactMap { $0.logs[.valLoss] }
    #expect(losses.count == 6)
    #expect(result.bestValidationLoss == losses.min())
    #expect(result.bestExactMatch == result.history.compactMap { $0.logs[.valExactMatch] }.max())
    #expect(result.epochsRun == 6 && result.outcome == .completed)
  }

  @Test func exactMatchForCallbacksIsMeasuredOnTheFirstImagesWithTheWeightsAsTheyAre() throws {
    var small = try SmallTraining()
    small.epochs = 1
    let validation = try small.validation
    var measured: [(samples: Int, share: Double, expected: Double)] = []
    let model = small.model()
    let codec = small.codec
    func expected(_ samples: Int) throws -> Double {
      let count = min(samples, validation.count)
      let right = try (0..<count).filter { index in
        let logits = model(try validation.image(at: index).tensor, .inference).elements()
        return codec.decode(scores: logits).text == validation.labels[index]
      }
      return Double(right.count) / Double(count)
    }
    small.callbacks = {
      [
        Recorder { point, context, _ in
          if point == .epochEnd {
            // Everything reads as the first label: only such images are right.
            var snapshot = context.weightsSnapshot()
            snapshot["output/kernel"] = Tensor(zeros: model.weights.tensors["output/kernel"]!.shape)
            var bias = [Float](repeating: -5, count: codec.outputCount)
            for (position, index) in try codec.encode(validation.labels[1]).enumerated() {
              bias[position * codec.classCount + index] = 5
            }
            snapshot["output/bias"] = Tensor(bias, shape: [codec.outputCount])
            try context.restoreWeights(snapshot)
          }
          guard point == .batchEnd || point == .epochEnd else { return }
          for samples in [2, 1, 5, 100] {
            measured.append((samples, try context.exactMatch(samples: samples), try expected(samples)))
          }
        }
      ]
    }
    _ = try small.trainer(model: model).fit(small.training, validation: validation)
    #expect(measured.count == 16)
    for (samples, share, expected) in measured { #expect(share == expected, "\(samples) samples") }
    #expect(measured.suffix(4).map(\.share) == [0.5, 0, 0.2, 0.2])
  }
}
