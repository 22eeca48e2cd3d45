import Layers
import Tensor

/// Batch statistics with the rounding that TensorFlow's have on processors.
///
/// TensorFlow adds up the pixels of a channel in Float, one after the other, in four partial sums (pixel 0, 4, 8, …;
/// 1, 5, 9, …); channels after the last multiple of eight have one sum only. Over the 192,000 pixels of `bn1` in
/// enhanced-mini, with its four channels, the variance is then off by 0.0009 of itself. This changes which ReLUs and
/// poolings are open further on, and moves the gradients by three to five times the tolerance of the comparison. Keras in
/// Float64 agrees with our statistics. To compare with Float32 nevertheless, scale and offset are changed during a pass so
/// that the normalisations give what they would with those statistics.
enum FloatStatistics {
  /// The result of a training pass in which the normalisations outside of residual blocks have TensorFlow's statistics.
  static func logits(_ model: Sequential, _ images: Tensor, _ context: ForwardContext) -> Tensor {
    model.children.reduce(images) { x, child in
      guard let norm = child.layer as? BatchNorm else { return child.layer(x, context) }
      let (gamma, beta) = (norm.gamma.value, norm.beta.value)
      adjust(norm, to: x.detached)
      defer { (norm.gamma.value, norm.beta.value) = (gamma, beta) }
      return norm(x, context)
    }
  }

  private static func adjust(_ norm: BatchNorm, to x: Tensor) {
    let channels = x.shape[-1]
    let (values, epsilon) = (x.elements(), Double(norm.epsilon))
    var (gamma, beta) = (norm.gamma.value.elements(), norm.beta.value.elements())
    for channel in 0..<channels {
      let pixels = stride(from: channel, to: values.count, by: channels).map { values[$0] }
      let sums = channel < channels / 8 * 8 && pixels.count >= 16 ? 4 : 1
      let (rough, exact) = (moments(pixels, sums: sums), moments(pixels.map(Double.init), sums: 1))
      let scale = Double(gamma[channel]) / (Double(rough.variance) + epsilon).squareRoot()
      gamma[channel] = Float(scale * (exact.variance + epsilon).squareRoot())
      beta[channel] = Float(Double(beta[channel]) + scale * (exact.mean - Double(rough.mean)))
    }
    norm.gamma.value = Tensor(gamma, shape: [channels])
    norm.beta.value = Tensor(beta, shape: [channels])
  }

  private static func moments<Number: BinaryFloatingPoint>(
    _ values: [Number], sums: Int
  ) -> (mean: Number, variance: Number) {
    let count = Number(values.count)
    let mean = sum(values, sums) / count
    return (mean, sum(values.map { ($0 - mean) * ($0 - mean) }, sums) / count)
  }

  /// The sum of `parts` interleaved sums.
  private static func sum<Number: BinaryFloatingPoint>(_ values: [Number], _ parts: Int) -> Number {
    var partial = [Number](repeating: 0, count: parts)
    for (index, value) in values.enumerated() { partial[index % parts] += value }
    return partial.reduce(0, +)
  }
}
