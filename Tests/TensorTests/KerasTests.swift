import Foundation
import Testing

@testable import Tensor

/// Values, gradients and losses that Keras on TensorFlow computed; see `Fixtures/make_fixtures.py`.
@Suite struct KerasTests {
  struct Array: Decodable {
    let shape: [Int]
    let values: [Double]
    var tensor: Tensor { Tensor(values.map { Float($0) }, shape: Shape(shape)) }
    var parameter: Parameter { Parameter("golden", value: tensor) }
  }

  struct Golden: Decodable {
    let convolutions: [Convolution]
    let poolings: [Pooling]
    let normalizations: [Normalization]
    let losses: Losses
    let activations: Activations
  }

  struct Convolution: Decodable {
    let x, kernel, bias, y, dy, dx, dkernel, dbias: Array
    let stride: Int
    let padding: Padding
    let relu: Bool
  }

  struct Pooling: Decodable {
    let x, y, dy, dx: Array
    let window, stride: Int
    let padding: Padding
  }

  struct Normalization: Decodable {
    let x, gamma, beta, y, dy, dx, dgamma, dbeta, mean, variance: Array
    let training: Bool
  }

  struct Losses: Decodable {
    let binary: [Binary]
    let focal: [Focal]
    let softmax: [Softmax]
  }

  struct Binary: Decodable {
    let logits, targets, gradient: Array
    let loss: Double
  }

  struct Focal: Decodable {
    let logits, targets, gradient: Array
    let loss: Double
    let gamma: Float
    let alpha: Float?
  }

  struct Softmax: Decodable {
    let logits, gradient: Array
    let loss: Double
    let smoothing: Float
    let targets: [Int32]
  }

  struct Activations: Decodable {
    let sigmoid: Sigmoid
    let softmax: Probabilities
  }

  struct Sigmoid: Decodable { let x, y, dy, dx: Array }
  struct Probabilities: Decodable { let x, y: Array }

  let golden: Golden

  init() throws {
    let url = Bundle.module.bundleURL.appendingPathComponent("Fixtures/keras.json")
    golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
  }

  @Test func convolutions() {
    #expect(golden.convolutions.count == 8)
    for (index, g) in golden.convolutions.enumerated() {
      let (x, kernel, bias) = (g.x.parameter, g.kernel.parameter, g.bias.parameter)
      let y = x.tensor(tracking: true).convolved(
        with: kernel.tensor(tracking: true), bias: bias.tensor(tracking: true), stride: g.stride, padding: g.padding,
        relu: g.relu)
      expectClose(y.detached, g.y.values, shape: Shape(g.y.shape), tolerance: 1e-6, "y \(index)")
      let gradients = (y * g.dy.tensor).sum().backward()
      expectClose(gradients[x], g.dx.values, tolerance: 1e-6, "dx \(index)")
      expectClose(gradients[kernel], g.dkernel.values, tolerance: 1e-6, "dkernel \(index)")
      expectClose(gradients[bias], g.dbias.values, tolerance: 1e-6, "dbias \(index)")
    }
  }

  @Test func poolings() {
    #expect(golden.poolings.count == 7)
    for (index, g) in golden.poolings.enumerated() {
      let x = g.x.parameter
      let y = x.tensor(tracking: true).maxPooled(
        window: WindowSize(g.window), stride: WindowSize(g.stride), padding: g.padding)
      expectClose(y.detached, g.y.values, shape: Shape(g.y.shape), tolerance: 0, "y \(index)")
      expectClose((y * g.dy.tensor).sum().backward()[x], g.dx.values, tolerance: 1e-6, "dx \(index)")
    }
  }

  @Test func normalizations() {
    #expect(golden.normalizations.count == 3)
    for (index, g) in golden.normalizations.enumerated() {
      let (x, gamma, beta) = (g.x.parameter, g.gamma.parameter, g.beta.parameter)
      let (mean, variance) = (g.mean.tensor, g.variance.tensor)
      let output: Tensor
      if g.training {
        let result = x.tensor(tracking: true).batchNormalized(
          gamma: gamma.tensor(tracking: true), beta: beta.tensor(tracking: true), epsilon: 1e-3)
        expectClose(result.mean, mean.doubles, tolerance: 1e-6, "mean \(index)")
        expectClose(result.variance, variance.doubles, tolerance: 1e-5, "variance \(index)")
        output = result.output
      } else {
        output = x.tensor(tracking: true).normalized(
          mean: mean, variance: variance, gamma: gamma.tensor(tracking: true), beta: beta.tensor(tracking: true),
          epsilon: 1e-3)
      }
      expectClose(output.detached, g.y.values, tolerance: 1e-5, "y \(index)")
      let gradients = (output * g.dy.tensor).sum().backward()
      expectClose(gradients[x], g.dx.values, tolerance: 2e-5, "dx \(index)")
      expectClose(gradients[gamma], g.dgamma.values, tolerance: 1e-5, "dgamma \(index)")
      expectClose(gradients[beta], g.dbeta.values, tolerance: 1e-6, "dbeta \(index)")
    }
  }

  private func expectLoss(
    _ logits: Array, _ expected: Double, _ gradient: Array, _ what: String, _ loss: (Tensor) -> Tensor
  ) {
    let parameter = logits.parameter
    let value = loss(parameter.tensor(tracking: true))
    #expect(Double(value.scalar).isApproximately(expected, tolerance: 2e-6), "\(what)")
    expectClose(value.backward()[parameter], gradient.values, tolerance: 1e-5, "gradient of \(what)")
  }

  @Test func losses() {
    let losses = golden.losses
    #expect(losses.binary.map(\.loss).contains(50))
    for g in losses.binary {
      expectLoss(g.logits, g.loss, g.gradient, "binary") { $0.sigmoidCrossEntropy(targets: g.targets.tensor) }
    }
    #expect(losses.focal.count == 5)
    for g in losses.focal {
      expectLoss(g.logits, g.loss, g.gradient, "focal, gamma \(g.gamma)") {
        $0.sigmoidFocalCrossEntropy(targets: g.targets.tensor, gamma: g.gamma, alpha: g.alpha)
      }
    }
    #expect(losses.softmax.count == 2)
    for g in losses.softmax {
      let targets = Tensor(g.targets, shape: [g.targets.count])
      expectLoss(g.logits, g.loss, g.gradient, "softmax, smoothing \(g.smoothing)") {
        $0.softmaxCrossEntropy(targets: targets, labelSmoothing: g.smoothing)
      }
    }
  }

  @Test func activations() {
    let g = golden.activations
    let x = g.sigmoid.x.parameter
    let y = x.tensor(tracking: true).sigmoid()
    expectClose(y.detached, g.sigmoid.y.values, tolerance: 1e-6)
    expectClose((y * g.sigmoid.dy.tensor).sum().backward()[x], g.sigmoid.dx.values, tolerance: 1e-6)
    expectClose(g.softmax.x.tensor.softmax(), g.softmax.y.values, tolerance: 1e-6)
  }
}
