import Tensor

/// Layers of a sequence that run as one operation: a convolution with the normalisation, ReLU and pooling that follow it.
///
/// The result is that of the layers one after the other, within rounding; see `Tensor.convolutionBlock`.
struct FusedBlock {
  let convolution: Conv2D
  let normalization: BatchNorm
  let relu: ConvolutionBlock.ReLUPlace
  let pooling: MaxPool2D?
  /// How many layers of the sequence it stands for.
  let layerCount: Int

  /// The block with which `layers` begin; nil for none.
  init?(_ layers: ArraySlice<any Layer>) {
    var rest = layers
    guard let convolution = rest.popFirst() as? Conv2D, let normalization = rest.popFirst() as? BatchNorm else {
      return nil
    }
    switch convolution.activation {
    case .relu: relu = .beforeNormalization
    case .linear:
      if rest.first is ReLU {
        relu = .afterNormalization
        rest.removeFirst()
      } else {
        relu = .none
      }
    case .sigmoid: return nil
    }
    pooling = rest.first as? MaxPool2D
    self.convolution = convolution
    self.normalization = normalization
    layerCount = layers.count - rest.count + (pooling == nil ? 0 : 1)
  }

  /// Whether the normalisation takes the batch's own statistics. The block then always runs as one operation.
  private func usesBatch(_ context: ForwardContext) -> Bool { context.isTraining && normalization.gamma.isTrainable }

  /// The block's result; nil where it can't run as one operation in this context: where statistics are given, be it that
  /// the normalisation is frozen or that the model is finished, and a gradient flows through them as constants.
  ///
  /// - Parameter next: the block that alone takes the result, if one does. Where it rounds it to bfloat16 anyway, it gets
  ///   it rounded, which is half the memory to write and to read.
  func callAsFunction(_ x: Tensor, _ context: ForwardContext, next: FusedBlock?) -> Tensor? {
    let usesBatch = usesBatch(context)
    guard usesBatch || !(context.isTracking || x.isTracked) else { return nil }
    let geometry = ConvolutionGeometry(
      x: x.shape, kernel: convolution.kernel.shape, stride: convolution.stride, padding: convolution.padding)
    let block = ConvolutionBlock(
      geometry, relu: relu,
      pooling: pooling.map {
        PoolingGeometry(x: geometry.outputShape, window: $0.window, stride: $0.stride, padding: $0.padding)
      }, precision: context.precision,
      result: context.precision == .bfloat16 && usesBatch && next?.usesBatch(context) == true ? .bfloat16 : .float32)
    let weights = ConvolutionBlockWeights(
      kernel: context.value(of: convolution.kernel), bias: convolution.bias.map(context.value),
      gamma: context.value(of: normalization.gamma), beta: context.value(of: normalization.beta),
      epsilon: normalization.epsilon)
    guard usesBatch else {
      return x.convolutionBlock(
        block, weights, mean: normalization.movingMean.value, variance: normalization.movingVariance.value)
    }
    let (output, mean, variance) = x.convolutionBlock(block, weights)
    normalization.moveAverages(mean: mean, variance: variance)
    return output
  }
}
