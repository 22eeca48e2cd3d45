import CKernels

/// One step of Adam on neighbouring elements: clipping, weight decay, both means and the weights in one pass over memory.
///
/// A loop of the processor rather than an operation of `Backend`: optimizers divide their parameters among its threads.
public struct AdamStep: Sendable {
  /// The factor on every element of the gradient, and its largest magnitude after that.
  public var gradientScale, gradientLimit: Float
  /// The factor on the weights before the update.
  public var retention: Float
  /// How far the means move towards the gradient and its square.
  public var meanGain, squareGain: Float
  /// The learning rate, corrected for the step's number.
  public var rate: Float
  public var epsilon: Float

  public init(
    gradientScale: Float, gradientLimit: Float, retention: Float, meanGain: Float, squareGain: Float, rate: Float,
    epsilon: Float
  ) {
    self.gradientScale = gradientScale
    self.gradientLimit = gradientLimit
    self.retention = retention
    self.meanGain = meanGain
    self.squareGain = squareGain
    self.rate = rate
    self.epsilon = epsilon
  }

  /// Moves `count` weights and their means in place, on the calling thread.
  ///
  /// - Parameter largest: the largest mean square so far, for AMSGrad.
  public func apply(
    count: Int, gradient: UnsafePointer<Float>, weights: UnsafeMutablePointer<Float>,
    mean: UnsafeMutablePointer<Float>, square: UnsafeMutablePointer<Float>, largest: UnsafeMutablePointer<Float>?
  ) {
    apply(
      with: SIMDLevel.active.kernels, count: count, gradient: gradient, weights: weights, mean: mean, square: square,
      largest: largest)
  }

  func apply(
    with kernels: UnsafePointer<ckernels_table>, count: Int, gradient: UnsafePointer<Float>,
    weights: UnsafeMutablePointer<Float>, mean: UnsafeMutablePointer<Float>, square: UnsafeMutablePointer<Float>,
    largest: UnsafeMutablePointer<Float>?
  ) {
    var arguments = ckernels_adam(
      scale: gradientScale, limit: gradientLimit, retention: retention, mean_gain: meanGain, square_gain: squareGain,
      rate: rate, epsilon: epsilon)
    kernels.pointee.adam(&arguments, count, gradient, weights, mean, square, largest)
  }
}
