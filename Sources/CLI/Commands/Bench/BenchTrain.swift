import ArgumentParser
import Callbacks
import Data
import Foundation
import Models
import Optimizers
import Tensor
import Training

/// `captcha-cli bench train`.
struct BenchTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Measures the steps of a training.",
    discussion: """
      One iteration is one step of the recipe "seed", as `captcha-cli train` does it: images to floats, forward pass, \
      loss, metrics, backward pass, clipping and update.

      Example:
        captcha-cli bench train --model enhanced --batch-size 128 --seconds 20
      """)

  @OptionGroup var options: BenchOptions

  func validate() throws { try TrainingWork.check(options) }

  func run() throws { try options.report(TrainingWork.self) }
}

/// Steps of a training: the trainer's own loop, whose batches are timed.
struct TrainingWork: BenchmarkWork {
  static let name = "train"
  static let warmUpIterations = 2
  static let minimumIterations = 3

  let batchSize: Int
  let dataBytes: Int
  private let configuration: TrainingConfiguration
  private let images: Dataset
  private let precision: ArithmeticPrecision

  static func check(_ options: BenchOptions) throws {
    if case .file(let path) = try BenchmarkModel(options.model) {
      throw ValidationError(
        "--model is \"\(path)\"; training starts from drawn weights, give one of "
          + ModelZoo.names.joined(separator: ", "))
    }
  }

  init(_ options: BenchOptions) throws {
    configuration = try BenchmarkModel(options.model).configuration()
    precision = options.precision
    batchSize = options.batchSize ?? configuration.training.batchSize
    let model = configuration.model
    let distinct: Dataset
    if let folder = options.data {
      let progress = ProgressLine("reading images")
      distinct = try DatasetLoader(
        options: DatasetOptions(
          width: model.imageWidth, height: model.imageHeight, colorMode: model.colorMode, codec: model.codec,
          maximumRejectedShare: configuration.data.maximumRejectedShare)
      ).load(folder, progress: progress.update).dataset
      progress.finish()
    } else {
      distinct = try BenchmarkImages.dataset(nil, for: model)
    }
    dataBytes = distinct.count * distinct.imageSize
    // Whole batches only, so that all steps are alike.
    let batches = (max(distinct.count, batchSize) + batchSize - 1) / batchSize
    images = distinct.subset((0..<batches * batchSize).map { $0 % distinct.count })
  }

  func run(_ timer: IterationTimer) throws {
    guard let loss = configuration.loss.make() else {
      preconditionFailure("TrainingWork: the recipe's loss \(configuration.loss.name) is not known")
    }
    let model = try ModelZoo.model(configuration.model)
    model.initialize(seed: configuration.seed)
    let trainer = Trainer(
      model: model, loss: loss,
      optimizer: try Plugins.current.optimizers.makeOptimizer(
        configuration.optimizer, parameters: model.namedParameters),
      codec: configuration.model.codec, callbacks: [StepTimer(timer)],
      // The timer ends it.
      // A recorder shows what making a batch costs only where the loop makes it.
      options: TrainingOptions(
        epochs: 1_000_000, batchSize: batchSize, seed: configuration.seed, precision: precision,
        prefetch: timer.isRecording ? 0 : configuration.training.prefetch))
    // What is validated between epochs is not timed; a single image is soon done.
    _ = try trainer.fit(images, validation: images.subset([0]))
  }
}

/// Times the batches of a training and ends it when enough were measured.
private final class StepTimer: Callback {
  let name = "step_timer"
  private let timer: IterationTimer

  init(_ timer: IterationTimer) { self.timer = timer }

  func onBatchBegin(_ context: any TrainingContext) { timer.begin() }

  func onBatchEnd(_ context: any TrainingContext, logs: Logs) {
    timer.end()
    if timer.isFinished { context.requestStop(.other("enough was measured")) }
  }
}
