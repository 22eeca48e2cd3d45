import Tensor

/// Covers squares of an image with its mean colour, so that a model does not rely on any one part of it.
///
/// The middle of each square is anywhere in the image; what lies outside is left out.
/// Source: DeVries, Taylor, "Improved regularization of convolutional neural networks with Cutout" (2017).
public struct Cutout: Augmentation {
  /// The side of the squares as a share of the image's height.
  public let size: Float
  /// How many squares.
  public let count: Int

  public init(size: Float = 0.25, count: Int = 1) {
    self.size = size
    self.count = count
  }

  public func apply(to image: AugmentedImage, using random: inout RandomStream) {
    let means = image.means
    let side = max(1, Int((size * Float(image.height)).rounded()))
    for _ in 0..<count {
      let left = random.integer(in: 0..<image.width) - side / 2
      let top = random.integer(in: 0..<image.height) - side / 2
      for row in max(0, top)..<min(image.height, top + side) {
        for column in max(0, left)..<min(image.width, left + side) {
          for channel in 0..<image.channels {
            image.values[(row * image.width + column) * image.channels + channel] = means[channel]
          }
        }
      }
    }
  }
}
