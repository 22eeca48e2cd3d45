import Foundation
import Tensor

/// Changes the colours of RGB images: their saturation and their hue.
///
/// Saturation: `luma + (x − luma) c` with the luma of ITU-R 601-2 and `c` uniform in 1 ± `saturation`, as torchvision's
/// `ColorJitter`. Hue: the colours are turned about the grey axis by an angle uniform in ± `hue` · 360°.
/// Source of the turn: Haeberli, "Matrix operations for image processing" (1993).
public struct ColorJitter: Augmentation {
  public let saturation: Float
  /// As a share of the whole circle, at most 0.5.
  public let hue: Float

  public init(saturation: Float = 0.3, hue: Float = 0.05) {
    self.saturation = saturation
    self.hue = hue
  }

  public func supports(_ mode: ColorMode) -> Bool { mode == .rgb }

  public func apply(to image: AugmentedImage, using random: inout RandomStream) {
    Self.jitter(
      image, saturation: random.float(in: (1 - saturation)..<(1 + saturation)), hue: random.float(in: -hue..<hue))
  }

  static func jitter(_ image: AugmentedImage, saturation: Float, hue: Float) {
    precondition(image.channels == 3, "ColorJitter: needs three channels, not \(image.channels)")
    // A turn about (1, 1, 1) is the same for all three channels: own, next and previous weights.
    let angle = 2 * Double.pi * Double(hue)
    let own = Float((1 + 2 * cos(angle)) / 3)
    let next = Float((1 - cos(angle)) / 3 - sin(angle) / 3.0.squareRoot())
    let previous = Float((1 - cos(angle)) / 3 + sin(angle) / 3.0.squareRoot())
    let values = image.values.baseAddress!
    for pixel in 0..<(image.width * image.height) {
      let color = values + 3 * pixel
      let luma = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]
      let red = luma + (color[0] - luma) * saturation
      let green = luma + (color[1] - luma) * saturation
      let blue = luma + (color[2] - luma) * saturation
      color[0] = own * red + next * green + previous * blue
      color[1] = own * green + next * blue + previous * red
      color[2] = own * blue + next * red + previous * green
    }
  }
}
