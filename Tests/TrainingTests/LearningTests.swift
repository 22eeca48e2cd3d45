import Callbacks
import Data
import Foundation
import Layers
import Optimizers
import Tensor
import Testing
import Training

/// Training as a whole: it learns, and gives back the memory that it took.
@Suite struct LearningTests {
  /// In bfloat16 as well as in float32.
  @Test(arguments: ArithmeticPrecision.allCases)
  func aTinyModelLearnsToReadDrawnDigits(precision: ArithmeticPrecision) throws {
    let (width, height) = (100, 30)
    let codec = try LabelCodec(charset: .digits, maximumLength: 1)
    let generator = try CaptchaGenerator(
      configuration: GeneratorConfiguration(
        types: [.digit], lengths: 1...1, width: width, height: height, difficulty: GeneratorDifficulty(lines: 0.5)))
    func images(_ purpose: DrawnImages.Purpose) -> DrawnImages {
      DrawnImages(generator, width: width, height: height, colorMode: .grayscale, seed: 1, purpose: purpose)
    }
    let model = Sequential {
      Conv2D(1, 16, kernelSize: 5, stride: 2, useBias: false).named("conv1")
      BatchNorm(16, momentum: 0.9).named("bn1")
      ReLU()
      MaxPool2D()
      Conv2D(16, 32, kernelSize: 3, useBias: false).named("conv2")
      BatchNorm(32, momentum: 0.9).named("bn2")
      ReLU()
      MaxPool2D()
      Flatten()
      Dense(32 * 12 * 3, codec.outputCount).named("output")
    }
    model.initialize(seed: 1)
    let epochs = 12
    let trainer = Trainer(
      model: model, loss: SoftmaxCrossEntropy(), optimizer: Optimizer(Adam(), parameters: model.namedParameters),
      codec: codec, callbacks: [OneCycle(maximum: 0.005)],
      options: TrainingOptions(epochs: epochs, batchSize: 32, precision: precision))
    let result = try trainer.fit(
      GeneratedBatches(images(.training), count: 1000, codec: codec), validation: images(.validation).dataset(0..<200))
    let losses = result.history.compactMap { $0.logs[.valLoss] }
    // A reader that knows nothing has ln 11 = 2.4 and one image in ten.
    #expect(try #require(losses.last) < 0.7)
    #expect(try #require(result.bestExactMatch) > 0.75)
  }

  @Test func memoryIsGivenBack() async {
    // In a process of its own: other tests hold tensors too.
    await #expect(processExitsWith: .success) {
      func train() throws {
        var small = try SmallTraining()
        let journal = Journal()
        small.callbacks = {
          [EarlyStopping(patience: 5, restoreBestWeights: true), ModelCheckpoint(), Recorder("recorder", journal)]
        }
        let folder = try TemporaryFolder()
        let trainer = small.trainer(directory: folder.run)
        let blocks = StoragePool.shared.liveCount
        _ = try trainer.fit(small.training, validation: small.validation)
        // Of the run the optimizer's moments stay, one block for each trainable parameter, and a gradient sum for each, as
        // the ninth step begins an update of two.
        let trainable = trainer.model.namedParameters.filter(\.parameter.isTrainable).count
        // Writing to the weights drops the forms in which the kernels read them.
        for named in trainer.model.namedParameters {
          named.parameter.value.withMutableElements(of: Float.self) { _ in }
        }
        let kept = StoragePool.shared.liveCount - blocks
        guard kept == 2 * trainable else {
          throw Mishap(description: "\(kept) blocks are kept of a run with \(trainable) parameters")
        }
      }
      let before = StoragePool.shared.liveCount
      try train()
      guard StoragePool.shared.liveCount == before else {
        throw Mishap(description: "\(StoragePool.shared.liveCount - before) blocks are never given back")
      }
    }
  }
}
