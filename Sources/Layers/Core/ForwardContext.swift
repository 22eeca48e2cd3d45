import Tensor

/// How a forward pass runs: for training or for use, with or without gradients, with which randomness.
///
/// One context serves one pass; there is no global mode.
public final class ForwardContext {
  /// Whether layers behave as in training: dropout drops, normalisation uses the batch and moves its averages.
  public let isTraining: Bool
  /// Whether the pass is recorded for `backward()`.
  public let isTracking: Bool
  /// Whether dense layers may read their weights as float16; see `Tensor.matrixProduct(float16Weights:)`.
  public let usesFloat16Weights: Bool
  /// How the factors of dense layers, convolutions and LSTMs are taken, also on the way back.
  public let precision: ArithmeticPrecision

  private let stream: RandomStream
  private var draws = 0

  private init(
    isTraining: Bool, isTracking: Bool, usesFloat16Weights: Bool, precision: ArithmeticPrecision,
    stream: RandomStream
  ) {
    self.isTraining = isTraining
    self.isTracking = isTracking
    self.usesFloat16Weights = usesFloat16Weights
    self.precision = precision
    self.stream = stream
  }

  /// A pass that trains; everything random in it is a pure function of `stream`.
  public static func training(stream: RandomStream, precision: ArithmeticPrecision = .float32) -> ForwardContext {
    ForwardContext(
      isTraining: true, isTracking: true, usesFloat16Weights: false, precision: precision, stream: stream)
  }

  /// A pass that only computes.
  public static var inference: ForwardContext { inference(float16Weights: false) }

  /// A pass that only computes, with dense weights as float16 where that is faster.
  public static func inference(float16Weights: Bool) -> ForwardContext {
    ForwardContext(
      isTraining: false, isTracking: false, usesFloat16Weights: float16Weights, precision: .float32,
      stream: RandomStream(seed: 0))
  }

  /// A stream of its own for the next layer that draws; layers ask in the order in which they run.
  public func nextStream() -> RandomStream {
    defer { draws += 1 }
    return stream.stream("layer", draws)
  }

  /// A parameter's value for this pass.
  public func value(of parameter: Parameter) -> Tensor { parameter.tensor(tracking: isTracking) }
}
