/// A block's convolution and what surrounds it: where ReLU stands, and whether pooling follows.
public struct ConvolutionBlock: Sendable, Hashable {
  /// Where ReLU stands in a block.
  public enum ReLUPlace: Sendable, Hashable {
    case none, beforeNormalization, afterNormalization
  }

  public let convolution: ConvolutionGeometry
  public let relu: ReLUPlace
  /// Max pooling of the normalised result; nil for none.
  public let pooling: PoolingGeometry?
  /// Of the factors of the convolution and of its gradients; a backend may keep the convolution's result in it as well.
  public let precision: ArithmeticPrecision
  /// The elements of the block's output: float32 or, for one other block, which rounds them anyway, bfloat16. No other
  /// operation takes these.
  public let result: DType

  /// - Parameters:
  ///   - pooling: of the convolution's output.
  ///   - result: bfloat16 only where `precision` is.
  public init(
    _ convolution: ConvolutionGeometry, relu: ReLUPlace, pooling: PoolingGeometry?,
    precision: ArithmeticPrecision = .float32, result: DType = .float32
  ) {
    precondition(
      result == .float32 || (result == .bfloat16 && precision == .bfloat16),
      "ConvolutionBlock: a result of \(result) with factors of \(precision)")
    precondition(
      pooling == nil || pooling?.inputShape == convolution.outputShape,
      "ConvolutionBlock: a pooling of \(String(describing: pooling?.inputShape)) after a convolution to "
        + "\(convolution.outputShape)")
    self.convolution = convolution
    self.relu = relu
    self.pooling = pooling
    self.precision = precision
    self.result = result
  }

  public var outputShape: Shape { pooling?.outputShape ?? convolution.outputShape }
}

/// The weights of a block's convolution and normalisation.
public struct ConvolutionBlockWeights: Sendable {
  /// [h, w, C, K].
  public var kernel: Tensor
  /// [K].
  public var bias: Tensor?
  /// Scale and offset of the normalisation, [K].
  public var gamma, beta: Tensor
  public var epsilon: Float

  public init(kernel: Tensor, bias: Tensor?, gamma: Tensor, beta: Tensor, epsilon: Float) {
    self.kernel = kernel
    self.bias = bias
    self.gamma = gamma
    self.beta = beta
    self.epsilon = epsilon
  }

  var detached: ConvolutionBlockWeights {
    ConvolutionBlockWeights(
      kernel: kernel.detached, bias: bias?.detached, gamma: gamma.detached, beta: beta.detached, epsilon: epsilon)
  }
}

/// What a block keeps of its forward pass for the gradient.
public struct ConvolutionBlockRecord: Sendable {
  /// The convolution's result, before the normalisation; after ReLU where that stands there. A backend may keep it, and
  /// the winners, in a form of its own where the block's factors are rounded.
  public var convolved: Tensor
  /// The elements of `convolved` that the pooling let through, in the output's shape; nil for no pooling, or where the
  /// backend finds them again by itself.
  public var winners: Tensor?
  /// The batch's statistics of `convolved` per channel.
  public var mean, variance: [Double]

  public init(convolved: Tensor, winners: Tensor?, mean: [Double], variance: [Double]) {
    self.convolved = convolved
    self.winners = winners
    self.mean = mean
    self.variance = variance
  }
}

/// The gradients of a block's inputs; nil where none was asked for.
public struct ConvolutionBlockGradients: Sendable {
  public var x, kernel, bias: Tensor?
  public var gamma, beta: Tensor

  public init(x: Tensor?, kernel: Tensor?, bias: Tensor?, gamma: Tensor, beta: Tensor) {
    self.x = x
    self.kernel = kernel
    self.bias = bias
    self.gamma = gamma
    self.beta = beta
  }
}

extension Tensor {
  /// Convolution, batch normalisation with the batch's statistics, ReLU and max pooling as one operation.
  ///
  /// Equal to `convolved`, `batchNormalized`, `relu` and `maxPooled` one after the other, within rounding, in fewer passes
  /// over memory: what lies between them is not kept. Where a scale `gamma` is 0 all pixels of a window are equal after the
  /// normalisation, and the one that was largest before it counts as the winner.
  ///
  /// x may be the bfloat16 result of another block where the block's factors are too; its gradient is then bfloat16 as well.
  ///
  /// - Returns: x [N,H,W,C] → the block's output, and the batch's mean and variance [K] for the running statistics.
  public func convolutionBlock(
    _ block: ConvolutionBlock, _ weights: ConvolutionBlockWeights
  ) -> (output: Tensor, mean: Tensor, variance: Tensor) {
    requireFit(block, weights, allowsBFloat16: block.precision == .bfloat16)
    precondition(block.convolution.batch > 0, "convolutionBlock: x \(shape) has no images to take statistics of")
    let (y, record) = device.backend.convolutionBlock(self, weights, block)
    let (x, constants) = (detached, weights.detached)
    let (needsX, needsKernel, needsBias) = (isTracked, weights.kernel.isTracked, weights.bias?.isTracked ?? false)
    let inputs = [self, weights.kernel, weights.gamma, weights.beta] + (weights.bias.map { [$0] } ?? [])
    let output = Self.tracked(y, from: inputs, operation: "convolutionBlock") { dy in
      let gradients = dy.device.backend.convolutionBlockGradient(
        dy, x: x, constants, block, record, needsX: needsX, needsKernel: needsKernel)
      return [gradients.x, gradients.kernel, gradients.gamma, gradients.beta, needsBias ? gradients.bias : nil]
    }
    let channels = block.convolution.outputChannels
    return (
      output, Tensor(record.mean.map(Float.init), shape: [channels]),
      Tensor(record.variance.map(Float.init), shape: [channels])
    )
  }

  /// The block with given statistics [K], for use after training; not tracked.
  public func convolutionBlock(
    _ block: ConvolutionBlock, _ weights: ConvolutionBlockWeights, mean: Tensor, variance: Tensor
  ) -> Tensor {
    requireFit(block, weights, allowsBFloat16: false)
    precondition(block.result == .float32, "convolutionBlock: a result of \(block.result) with given statistics")
    let channels = block.convolution.outputChannels
    precondition(
      mean.shape == [channels] && variance.shape == [channels],
      "convolutionBlock: statistics \(mean.shape), \(variance.shape) for \(channels) channels")
    precondition(
      ![self, weights.kernel, weights.gamma, weights.beta].contains { $0.isTracked } && weights.bias?.isTracked != true,
      "convolutionBlock: no gradient flows through given statistics; use convolved and normalized")
    return device.backend.convolutionBlock(self, weights, block, mean: mean, variance: variance)
  }

  private func requireFit(_ block: ConvolutionBlock, _ weights: ConvolutionBlockWeights, allowsBFloat16: Bool) {
    for tensor in [weights.kernel, weights.gamma, weights.beta] + (weights.bias.map { [$0] } ?? []) {
      tensor.requireFloat("convolutionBlock")
    }
    if !(allowsBFloat16 && dtype == .bfloat16) { requireFloat("convolutionBlock") }
    let channels = block.convolution.outputChannels
    precondition(
      shape == block.convolution.inputShape && weights.kernel.shape == block.convolution.kernelShape
        && weights.gamma.shape == [channels] && weights.beta.shape == [channels]
        && weights.bias.map { $0.shape == [channels] } ?? true,
      "convolutionBlock: x \(shape), kernel \(weights.kernel.shape), gamma \(weights.gamma.shape), beta "
        + "\(weights.beta.shape), bias \(String(describing: weights.bias?.shape)) do not fit the block's geometry")
  }
}

/// The block composed of its single operations: what a backend has that brings no faster one.
extension Backend {
  public func convolutionBlock(
    _ x: Tensor, _ weights: ConvolutionBlockWeights, _ block: ConvolutionBlock
  ) -> (y: Tensor, record: ConvolutionBlockRecord) {
    let convolved = convolution(
      x.converted(to: .float32), kernel: weights.kernel, bias: weights.bias, geometry: block.convolution,
      relu: block.relu == .beforeNormalization, precision: block.precision)
    let (mean, variance) = columnMoments(convolved)
    let record = ConvolutionBlockRecord(convolved: convolved, winners: nil, mean: mean, variance: variance)
    let y = normalizedAndPooled(record, weights, block, keepOffsets: false).y
    return (y.converted(to: block.result), record)
  }

  public func convolutionBlock(
    _ x: Tensor, _ weights: ConvolutionBlockWeights, _ block: ConvolutionBlock, mean: Tensor, variance: Tensor
  ) -> Tensor {
    let convolved = convolution(
      x, kernel: weights.kernel, bias: weights.bias, geometry: block.convolution,
      relu: block.relu == .beforeNormalization, precision: block.precision)
    let record = ConvolutionBlockRecord(
      convolved: convolved, winners: nil, mean: mean.elements().map(Double.init),
      variance: variance.elements().map(Double.init))
    return normalizedAndPooled(record, weights, block, keepOffsets: false).y
  }

  public func convolutionBlockGradient(
    _ dy: Tensor, x: Tensor, _ weights: ConvolutionBlockWeights, _ block: ConvolutionBlock,
    _ record: ConvolutionBlockRecord, needsX: Bool, needsKernel: Bool
  ) -> ConvolutionBlockGradients {
    let normalization = Normalization(record, weights)
    let (_, normalized, offsets) = normalizedAndPooled(record, weights, block, keepOffsets: true)
    var gradient = dy.converted(to: .float32)
    if let pooling = block.pooling, let offsets {
      gradient = maxPoolGradient(gradient, offsets: offsets, geometry: pooling)
    }
    if block.relu == .afterNormalization { gradient = reluGradient(gradient, y: normalized).masked }
    let (sums, products) = columnProducts(gradient, record.convolved, pivot: normalization.pivot)
    let slopes = normalization.slopes(sums: sums, products: products, count: record.convolved.shape.rows)
    gradient = columnCombination(gradient, record.convolved, a: normalization.scale, b: slopes.b, c: slopes.c)
    var bias: Tensor
    if block.relu == .beforeNormalization {
      (gradient, bias) = reluGradient(gradient, y: record.convolved)
    } else {
      bias = columnSums(gradient)
    }
    let dx =
      needsX
      ? convolutionInputGradient(
        gradient, kernel: weights.kernel, geometry: block.convolution, precision: block.precision) : nil
    return ConvolutionBlockGradients(
      x: dx?.converted(to: x.dtype),
      kernel: needsKernel
        ? convolutionKernelGradient(
          x.converted(to: .float32), dy: gradient, geometry: block.convolution, precision: block.precision) : nil,
      bias: bias, gamma: normalization.gammaGradient(products: products),
      beta: Tensor(sums.map(Float.init), shape: weights.beta.shape))
  }

  private func normalizedAndPooled(
    _ record: ConvolutionBlockRecord, _ weights: ConvolutionBlockWeights, _ block: ConvolutionBlock, keepOffsets: Bool
  ) -> (y: Tensor, normalized: Tensor, offsets: Tensor?) {
    let normalization = Normalization(record, weights)
    var normalized = columnAffine(record.convolved, scale: normalization.scale, shift: normalization.shift)
    if block.relu == .afterNormalization { normalized = relu(normalized) }
    guard let pooling = block.pooling else { return (normalized, normalized, nil) }
    let (y, offsets) = maxPool(normalized, geometry: pooling, keepOffsets: keepOffsets)
    return (y, normalized, offsets)
  }
}

extension Normalization {
  init(_ record: ConvolutionBlockRecord, _ weights: ConvolutionBlockWeights) {
    self.init(
      mean: record.mean, variance: record.variance, gamma: weights.gamma, beta: weights.beta, epsilon: weights.epsilon)
  }
}
