import Tensor

/// Raises or lowers contrast: `(x − mean) c + mean`, the mean of each channel over the image, `c` uniform in 1 ± `factor`.
///
/// Source: Keras, `RandomContrast`.
public struct RandomContrast: Augmentation {
  public let factor: Float

  public init(factor: Float = 0.2) { self.factor = factor }

  public func apply(to image: AugmentedImage, using random: inout RandomStream) {
    Self.scale(image, by: random.float(in: (1 - factor)..<(1 + factor)))
  }

  static func scale(_ image: AugmentedImage, by contrast: Float) {
    for (channel, mean) in image.means.enumerated() {
      for index in stride(from: channel, to: image.values.count, by: image.channels) {
        image.values[index] = (image.values[index] - mean) * contrast + mean
      }
    }
  }
}
