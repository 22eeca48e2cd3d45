// A layer of one's own: `swift run -c release CustomLayer`
//
// A highway layer beside the stock layers of a model. Its gradient comes from the operations that it is made of; its
// parameters are saved, loaded, trained and counted like all others, since it lists them.

import Data
import Foundation
import Layers
import Optimizers
import Tensor
import Training

/// A highway layer: y = x + gate(x) · (relu(x · kernel) − x), with gate(x) = sigmoid(x · gate_kernel + gate_bias).
///
/// x [N, units] → y [N, units]. The gates begin almost closed, so that the layer begins as nothing at all and even many of
/// them can be trained. Source: Srivastava, Greff, Schmidhuber 2015.
final class Highway: Layer {
  let kernel, gateKernel, gateBias: Parameter

  init(_ units: Int) {
    kernel = Parameter("kernel", shape: [units, units]) { Initializer.heNormal($0, &$1) }
    gateKernel = Parameter("gate_kernel", shape: [units, units]) { Initializer.glorotUniform($0, &$1) }
    gateBias = Parameter("gate_bias", shape: [units]) { shape, _ in Tensor(repeating: -2, shape: shape) }
  }

  var parameters: [Parameter] {
    kernel
    gateKernel
    gateBias
  }

  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let gate = x.matrixProduct(context.value(of: gateKernel)).adding(bias: context.value(of: gateBias)).sigmoid()
    return x + gate * (x.matrixProduct(context.value(of: kernel)).relu() - x)
  }

  func outputShape(for input: Shape) -> Shape {
    precondition(input.rank == 2 && input[1] == kernel.shape[0], "Highway: \(input) does not fit \(kernel.shape)")
    return input
  }
}

let codec = try LabelCodec(charset: .digits, maximumLength: 1)
let highway = Highway(64)
let model = Sequential {
  Conv2D(1, 16, kernelSize: 5, stride: 2, activation: .relu).named("conv1")
  MaxPool2D()
  Conv2D(16, 32, kernelSize: 3, activation: .relu).named("conv2")
  MaxPool2D()
  Flatten()
  Dense(12 * 3 * 32, 64, activation: .relu).named("dense")
  highway.named("highway")
  Dense(64, codec.outputCount).named("output")
}
model.initialize(seed: 1)
let before = model.weights

let generator = try CaptchaGenerator(
  configuration: GeneratorConfiguration(
    types: [.digit], lengths: 1...1, width: 100, height: 30, difficulty: GeneratorDifficulty(lines: 0.5)))
let images = [DrawnImages.Purpose.training, .validation].map {
  DrawnImages(generator, width: 100, height: 30, colorMode: .grayscale, seed: 1, purpose: $0)
}
let trainer = Trainer(
  model: model, loss: SoftmaxCrossEntropy(),
  optimizer: Optimizer(Adam(), parameters: model.namedParameters, learningRate: 0.002),
  codec: codec, options: TrainingOptions(epochs: 15, batchSize: 32))
let result = try trainer.fit(images[0].dataset(0..<640), validation: images[1].dataset(0..<100))
let losses = result.history.compactMap { $0.logs[.loss] }
print("loss", losses.map { $0.formatted(.number.precision(.fractionLength(2))) }.joined(separator: " → "))

guard let first = losses.first, let last = losses.last, last < 0.8 * first else {
  fatalError("the model learns nothing")
}
for (name, tensor) in before.tensors.sorted(by: { $0.key < $1.key }) where name.hasPrefix("highway/") {
  guard let now = model.weights.tensors[name] else { fatalError("\(name) is not among the weights") }
  print("\(name) \(now.shape) has moved by \((now - tensor).norm.formatted(.number.precision(.fractionLength(3))))")
  guard (now - tensor).norm > 0 else { fatalError("no gradient has reached \(name)") }
}
guard before.tensors.keys.filter({ $0.hasPrefix("highway/") }).count == 3 else { fatalError("a parameter is missing") }
