import Layers
import Tensor

/// Batch statistics with the rounding that TensorFlow's have.
///
/// TensorFlow adds up eight channels side by side in a tree of partial sums. Channels after the last eight (all, where
/// there are fewer) it adds up one pixel after the other in Float. Over the 192,000 pixels of `bn1` in enhanced-mini, with
/// its four channels, the variance is then off by 0.0009 of itself. This changes which ReLUs and poolings are open further
/// on, and moves the gradients by three to five times the tolerance of the comparison. Keras in Float64 agrees with our
/// statistics. To compare with Float32 nevertheless, the scale and offset of such a layer are changed so that its output
/// is what it would be with those statistics.
enum FloatStatistics {
  /// The result of a training pass in which the outermost normalisations have TensorFlow's statistics; their gamma and
  /// beta are changed by it.
  static func logits(_ model: Sequential, _ images: Tensor, _ context: ForwardContext) -> Tensor {
    model.children.reduce(images) { x, child in
      if let norm = child.layer as? BatchNorm { adjust(norm, to: x.detached) }
      return child.layer(x, context)
    }
  }

  private static func adjust(_ norm: BatchNorm, to x: Tensor) {
    let channels = x.shape[-1]
    let (values, epsilon) = (x.elements(), Double(norm.epsilon))
    for channel in channels / 8 * 8..<channels {
      let pixels = stride(from: channel, to: values.count, by: channels).map { values[$0] }
      let (rough, exact) = (moments(pixels), moments(pixels.map(Double.init)))
      let inverse = 1 / (Double(rough.variance) + epsilon).squareRoot()
      let (gamma, beta) = (norm.gamma.value.elements()[channel], norm.beta.value.elements()[channel])
      norm.gamma.value.withMutableElements(of: Float.self) {
        $0[channel] = Float(Double(gamma) * inverse * (exact.variance + epsilon).squareRoot())
      }
      norm.beta.value.withMutableElements(of: Float.self) {
        $0[channel] = Float(Double(beta) + Double(gamma) * inverse * (exact.mean - Double(rough.mean)))
      }
    }
  }

  /// Mean and variance, added up one after the other.
  private static func moments<Number: BinaryFloatingPoint>(_ values: [Number]) -> (mean: Number, variance: Number) {
    let count = Number(values.count)
    let mean = values.reduce(0, +) / count
    return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count)
  }
}
