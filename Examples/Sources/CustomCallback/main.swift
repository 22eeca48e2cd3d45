// A callback of one's own, from registration to its effect: `swift run -c release CustomCallback`
//
// The callback itself is in the module StopAtTarget. Here it is registered beside the stock callbacks, made by its name as
// a configuration file would name it, and seen to end a training.

import Callbacks
import Data
import Foundation
import Layers
import Optimizers
import PluginConfiguration
import StopAtTarget
import Training

var registry = CallbackRegistry.standard
registry.registerStopAtTarget()
let callbacks = try registry.makeCallbacks([
  ComponentConfiguration("reduce_lr_on_plateau", ["patience": 3]),
  ComponentConfiguration("stop_at_target", ["monitor": "val_character_accuracy", "target": 0.5, "epochs": 2]),
])

/// Prints a line per epoch. An event sink watches, a callback acts.
final class EpochPrinter: EventSink {
  func receive(_ event: TrainingEvent) {
    guard case .epochEnded(let epoch) = event else { return }
    let numbers = [.valLoss, .valCharacterAccuracy, "epochs_at_target"].map { (key: MetricKey) in
      "\(key) \((epoch.logs[key] ?? .nan).formatted(.number.precision(.fractionLength(3))))"
    }
    print("epoch \(epoch.epoch + 1): \(numbers.joined(separator: ", "))")
  }
}

let codec = try LabelCodec(charset: .digits, maximumLength: 1)
let generator = try CaptchaGenerator(
  configuration: GeneratorConfiguration(
    types: [.digit], lengths: 1...1, width: 100, height: 30, difficulty: GeneratorDifficulty(lines: 0.5)))
func images(_ purpose: DrawnImages.Purpose) -> DrawnImages {
  DrawnImages(generator, width: 100, height: 30, colorMode: .grayscale, seed: 1, purpose: purpose)
}
let model = Sequential {
  Conv2D(1, 16, kernelSize: 5, stride: 2, activation: .relu).named("conv1")
  MaxPool2D()
  Conv2D(16, 32, kernelSize: 3, activation: .relu).named("conv2")
  MaxPool2D()
  Flatten()
  Dense(12 * 3 * 32, codec.outputCount).named("output")
}
model.initialize(seed: 1)
let trainer = Trainer(
  model: model, loss: SoftmaxCrossEntropy(),
  optimizer: Optimizer(Adam(), parameters: model.namedParameters, learningRate: 0.002), codec: codec,
  callbacks: callbacks, sinks: [EpochPrinter()], options: TrainingOptions(epochs: 40, batchSize: 32))
let result = try trainer.fit(
  GeneratedBatches(images(.training), count: 640, codec: codec), validation: images(.validation).dataset(0..<200))

guard case .stopped(.other(let reason)) = result.outcome, result.epochsRun < 40 else {
  fatalError("the callback did not end the training: \(result.outcome) after \(result.epochsRun) epochs")
}
print("stopped after \(result.epochsRun) of 40 epochs: \(reason)")
