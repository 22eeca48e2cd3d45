import Tensor

/// Makes images lighter or darker: adds one number, uniform in ±`factor`, to all values of an image.
///
/// Source: Keras, `RandomBrightness` with values from 0 to 1.
public struct RandomBrightness: Augmentation {
  public let factor: Float

  public init(factor: Float = 0.2) { self.factor = factor }

  public func apply(to image: AugmentedImage, using random: inout RandomStream) {
    Self.shift(image, by: random.float(in: -factor..<factor))
  }

  static func shift(_ image: AugmentedImage, by offset: Float) {
    for index in image.values.indices { image.values[index] += offset }
  }
}
