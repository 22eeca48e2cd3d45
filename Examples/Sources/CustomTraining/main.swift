// A training script of one's own: `swift run -c release CustomTraining [FOLDER]`
//
// Draws images of two digits under full interference, composes a model, trains it, and reads an image that it has not seen.

import Callbacks
import Data
import Foundation
import Layers
import Optimizers
import Training

let codec = try LabelCodec(charset: .digits, maximumLength: 2)
let generator = try CaptchaGenerator(
  configuration: GeneratorConfiguration(types: [.digit], lengths: 2...2, width: 100, height: 40))
func images(_ purpose: DrawnImages.Purpose) -> DrawnImages {
  DrawnImages(generator, width: 100, height: 40, colorMode: .grayscale, seed: 42, purpose: purpose)
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
  Dense(12 * 5 * 32, codec.outputCount).named("output")
}
model.initialize(seed: 42)

let folder = URL(filePath: CommandLine.arguments.dropFirst().first ?? "runs/custom-training")
let trainer = Trainer(
  model: model, loss: SoftmaxCrossEntropy(), optimizer: Optimizer(Adam(), parameters: model.namedParameters),
  codec: codec,
  callbacks: [OneCycle(maximum: 0.005), ModelCheckpoint(fileName: "best-exact-match", monitor: .valExactMatch)],
  sinks: [ProgressBarSink()], options: TrainingOptions(epochs: 10, batchSize: 32),
  directory: RunDirectory(folder))
let training = try GeneratedBatches(images(.training), count: 1600, codec: codec)
let result = try trainer.fit(training, validation: images(.validation).dataset(0..<300))

let captcha = images(.heldOut).captcha(0)
let logits = model(captcha.image.grayscale().tensor, .inference)
let reading = codec.readings(trainer.loss.outputActivation.probabilities(logits, classes: codec.classCount))[0]
print("\(captcha.label) is read as \(reading.text), \(Int(100 * reading.confidence)) % sure")

guard let share = result.bestExactMatch, share > 0.5 else { fatalError("the model has not learned to read") }
print("\(Int(100 * share)) % of 300 images are read right after \(Int(result.seconds)) s; models: \(folder.path)")
