import Foundation
import Tensor

/// Rotates, shears, scales and shifts images a little about their middle; what comes in from outside repeats the border.
///
/// Each quantity is uniform in its range. Values between pixels are interpolated linearly.
/// Source: torchvision, `RandomAffine`.
public struct RandomAffine: Augmentation {
  /// The largest rotation to either side, in degrees.
  public let rotation: Float
  /// The largest horizontal shear to either side, in degrees.
  public let shear: Float
  /// The largest shift to the sides and up and down, as a share of the width and of the height.
  public let shift: Float
  /// The largest change of the size: 0.1 scales by 0.9 to 1.1.
  public let scale: Float

  public init(rotation: Float = 5, shear: Float = 5, shift: Float = 0.03, scale: Float = 0) {
    self.rotation = rotation
    self.shear = shear
    self.shift = shift
    self.scale = scale
  }

  public func apply(to image: AugmentedImage, using random: inout RandomStream) {
    let map = AffineMap(
      rotation: random.float(in: -rotation..<rotation), shear: random.float(in: -shear..<shear),
      shiftX: random.float(in: -shift..<shift) * Float(image.width),
      shiftY: random.float(in: -shift..<shift) * Float(image.height),
      scale: random.float(in: (1 - scale)..<(1 + scale)))
    map.apply(to: image)
  }
}

/// Where each pixel of an image comes from: `source = M (target − middle − shift) + middle`.
struct AffineMap {
  /// The rows of M, the inverse of rotation · shear · scale.
  private let xx, xy, yx, yy: Float
  private let shiftX, shiftY: Float

  /// - Parameters:
  ///   - rotation: in degrees, clockwise as images are shown.
  ///   - shear: in degrees: a column leans so far to the left.
  ///   - shiftX: in pixels, to the right.
  ///   - shiftY: in pixels, down.
  ///   - scale: above 1 enlarges.
  init(rotation: Float, shear: Float, shiftX: Float, shiftY: Float, scale: Float) {
    let (angle, lean) = (Double(rotation) * .pi / 180, Double(shear) * .pi / 180)
    let (cosine, sine, size) = (cos(angle), sin(angle), Double(scale))
    // Forward: R · H · s with H = [[1, −tan], [0, 1]]; its inverse is (1 / s) · [[1, tan], [0, 1]] · Rᵀ.
    let slope = tan(lean)
    xx = Float((cosine - slope * sine) / size)
    xy = Float((sine + slope * cosine) / size)
    yx = Float(-sine / size)
    yy = Float(cosine / size)
    self.shiftX = shiftX
    self.shiftY = shiftY
  }

  func apply(to image: AugmentedImage) {
    let (width, height, channels) = (image.width, image.height, image.channels)
    let (middleX, middleY) = (Float(width - 1) / 2, Float(height - 1) / 2)
    let source = image.scratch.baseAddress!
    let target = image.values.baseAddress!
    source.update(from: target, count: image.values.count)
    let (lastX, lastY) = (Float(width - 1), Float(height - 1))
    for row in 0..<height {
      let dy = Float(row) - middleY - shiftY
      let startX = xy * dy + middleX - xx * (middleX + shiftX)
      let startY = yy * dy + middleY - yx * (middleX + shiftX)
      for column in 0..<width {
        let x = min(max(startX + xx * Float(column), 0), lastX)
        let y = min(max(startY + yx * Float(column), 0), lastY)
        let (left, top) = (Int(x), Int(y))
        let (right, bottom) = (min(left + 1, width - 1), min(top + 1, height - 1))
        let (shareX, shareY) = (x - Float(left), y - Float(top))
        let (upper, lower) = (source + top * width * channels, source + bottom * width * channels)
        let result = target + (row * width + column) * channels
        for channel in 0..<channels {
          let (a, b) = (upper[left * channels + channel], upper[right * channels + channel])
          let (c, d) = (lower[left * channels + channel], lower[right * channels + channel])
          let (above, below) = (a + (b - a) * shareX, c + (d - c) * shareX)
          result[channel] = above + (below - above) * shareY
        }
      }
    }
  }
}
