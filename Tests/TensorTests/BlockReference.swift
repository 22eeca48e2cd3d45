@testable import Tensor

/// The sizes and parts of one block test.
struct BlockSizes: CustomStringConvertible, Sendable {
  struct Pooling: CustomStringConvertible, Sendable {
    var window: WindowSize, stride: WindowSize
    var padding = Padding.valid
    var description: String { "window \(window) stride \(stride) \(padding)" }
  }

  var convolution: ConvolutionSizes
  var pooling: Pooling?
  var relu = ConvolutionBlock.ReLUPlace.none
  var hasBias = true

  var block: ConvolutionBlock {
    let geometry = convolution.geometry
    return ConvolutionBlock(
      geometry, relu: relu,
      pooling: pooling.map {
        PoolingGeometry(x: geometry.outputShape, window: $0.window, stride: $0.stride, padding: $0.padding)
      })
  }
  var description: String {
    "\(convolution), ReLU \(relu), \(hasBias ? "bias" : "no bias"), \(pooling?.description ?? "no pooling")"
  }
}

/// What goes into a block: weights and, for training, the gradient of the output.
struct BlockInputs {
  static let epsilon: Float = 1e-3

  var x: Tensor
  var weights: ConvolutionBlockWeights
  var dy: Tensor

  /// - Parameters:
  ///   - isWhole: whole numbers, whose convolutions are exact and have many equal pixels.
  ///   - gamma: the first K are taken.
  init(_ sizes: BlockSizes, isWhole: Bool, gamma: [Float]? = nil, _ numbers: inout Numbers) {
    func draw(_ shape: Shape) -> Tensor { isWhole ? numbers.whole(shape, limit: 2) : numbers.normal(shape) }
    let channels = sizes.convolution.outputs
    x = draw(sizes.convolution.x)
    let (kernel, bias) = (draw(sizes.convolution.kernel), draw([channels]))
    let values = gamma.map { gamma in (0..<channels).map { gamma[$0 % gamma.count] } }
    weights = ConvolutionBlockWeights(
      kernel: kernel, bias: sizes.hasBias ? bias : nil,
      gamma: values.map { Tensor($0, shape: [channels]) } ?? numbers.awayFromZero([channels]),
      beta: numbers.normal([channels]), epsilon: Self.epsilon)
    dy = numbers.normal(sizes.block.outputShape)
  }
}

/// A block as its definition says, in double.
struct BlockReference {
  let sizes: BlockSizes
  let x, kernel, gamma, beta: [Double]
  /// The convolution's result, after ReLU where that stands there.
  let convolved: [Double]
  let mean, variance: [Double]
  let output: [Double]
  /// For each output the element of `convolved` that it is of: the largest one after the normalisation, the first of
  /// equal ones. Where gamma is 0 the largest one before it.
  private let winners: [Int]
  private let inverseDeviation: [Double]
  /// What a number is rounded to: x and the kernel, the convolution's result, and its gradient where it is multiplied again.
  private let rounded: (Double) -> Double

  private var channels: Int { sizes.convolution.outputs }

  init(
    _ sizes: BlockSizes, _ inputs: BlockInputs, statistics: (mean: [Double], variance: [Double])? = nil,
    rounded: @escaping (Double) -> Double = { $0 }
  ) {
    self.init(
      sizes, x: inputs.x.doubles, kernel: inputs.weights.kernel.doubles, bias: inputs.weights.bias?.doubles,
      gamma: inputs.weights.gamma.doubles, beta: inputs.weights.beta.doubles, statistics: statistics,
      rounded: rounded)
  }

  init(
    _ sizes: BlockSizes, x: [Double], kernel: [Double], bias: [Double]?, gamma: [Double], beta: [Double],
    statistics: (mean: [Double], variance: [Double])? = nil, rounded: @escaping (Double) -> Double = { $0 }
  ) {
    let (x, kernel) = (x.map(rounded), kernel.map(rounded))
    (self.sizes, self.x, self.kernel, self.gamma, self.beta, self.rounded) = (sizes, x, kernel, gamma, beta, rounded)
    let (channels, relu) = (sizes.convolution.outputs, sizes.relu)
    var y = Reference.convolution(x, kernel, bias: bias, outputs: channels, window: sizes.convolution.window)
    if relu == .beforeNormalization { y = y.map { max($0, 0) } }
    y = y.map(rounded)
    convolved = y
    let (mean, variance) = statistics ?? Reference.moments(y, channels: channels)
    (self.mean, self.variance) = (mean, variance)
    let inverse = variance.map { 1 / ($0 + Double(BlockInputs.epsilon)).squareRoot() }
    inverseDeviation = inverse
    if let pooling = sizes.pooling {
      let window = Reference.Window(
        x: sizes.convolution.geometry.outputShape, window: pooling.window, stride: pooling.stride,
        padding: pooling.padding)
      winners = Reference.maxPool(y.enumerated().map { gamma[$0 % channels] < 0 ? -$1 : $1 }, window: window).winners
    } else {
      winners = Array(y.indices)
    }
    output = winners.map { index in
      let channel = index % channels
      let value = gamma[channel] * (y[index] - mean[channel]) * inverse[channel] + beta[channel]
      return relu == .afterNormalization ? max(value, 0) : value
    }
  }

  struct Gradients {
    var x, kernel, bias, gamma, beta: [Double]
    /// How large the terms of each gradient are: where they cancel, that is what rounding errors are relative to.
    var xScale, kernelScale, biasScale, gammaScale: Double
  }

  /// The chain rule, step by step.
  func gradients(dy: [Double]) -> Gradients {
    let rows = Double(convolved.count / channels)
    // Of the normalised elements.
    var normalized = [Double](repeating: 0, count: convolved.count)
    for (index, winner) in winners.enumerated() where sizes.relu != .afterNormalization || output[index] > 0 {
      normalized[winner] += dy[index]
    }
    let distances = convolved.enumerated().map { ($1 - mean[$0 % channels]) * inverseDeviation[$0 % channels] }
    let beta = Reference.columnSums(normalized, channels: channels)
    let gammaSlopes = Reference.columnSums(zip(normalized, distances).map { $0 * $1 }, channels: channels)
    var slopes = convolved.indices.map { index in
      let channel = index % channels
      return gamma[channel] * inverseDeviation[channel]
        * (normalized[index] - beta[channel] / rows - distances[index] * gammaSlopes[channel] / rows)
    }
    if sizes.relu == .beforeNormalization {
      for index in slopes.indices where convolved[index] <= 0 { slopes[index] = 0 }
    }
    let result = Reference.convolutionGradients(
      x, kernel, dy: slopes.map(rounded), outputs: channels, window: sizes.convolution.window)
    func largest(_ values: [Double]) -> Double { values.reduce(0) { max($0, abs($1)) } }
    let scale = largest(dy) * largest(zip(gamma, inverseDeviation).map { $0 * $1 })
    return Gradients(
      x: result.x, kernel: result.kernel, bias: Reference.columnSums(slopes, channels: channels), gamma: gammaSlopes,
      beta: beta,
      xScale: scale * largest(kernel) * Double(channels).squareRoot(),
      kernelScale: scale * largest(x) * rows.squareRoot(), biasScale: scale * rows.squareRoot(),
      gammaScale: largest(dy) * rows.squareRoot())
  }
}
