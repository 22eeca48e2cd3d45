import Tensor

/// Changes images at random before a model trains on them, in another way each time that they are seen; images that a model
/// is measured on are never changed.
///
/// An augmentation of one's own is a type with one method and one line in an ``AugmentationRegistry``:
/// ```swift
/// struct Invert: Augmentation {
///   func apply(to image: AugmentedImage, using random: inout RandomStream) {
///     if random.unitFloat() < 0.5 { for index in image.values.indices { image.values[index] = 1 - image.values[index] } }
///   }
/// }
/// ```
public protocol Augmentation: Sendable {
  /// Changes one image in place. What it draws must come from `random` alone, so that the same seed gives the same images.
  ///
  /// Values may leave 0...1: they are clipped after the last augmentation.
  func apply(to image: AugmentedImage, using random: inout RandomStream)

  /// Whether it can change images of this mode.
  func supports(_ mode: ColorMode) -> Bool
}

extension Augmentation {
  public func supports(_ mode: ColorMode) -> Bool { true }
}

/// The values of one image of a batch, which an augmentation changes, and memory to work in.
public struct AugmentedImage {
  /// The rows.
  public let height: Int
  /// The columns.
  public let width: Int
  /// The values per pixel: 1 or 3.
  public let channels: Int
  /// The values from 0 to 1, [height, width, channels].
  public let values: UnsafeMutableBufferPointer<Float>
  /// As many values again, of no meaning: an augmentation may write there what it likes.
  public let scratch: UnsafeMutableBufferPointer<Float>

  public init(
    height: Int, width: Int, channels: Int, values: UnsafeMutableBufferPointer<Float>,
    scratch: UnsafeMutableBufferPointer<Float>
  ) {
    let count = height * width * channels
    precondition(
      values.count == count && scratch.count == count,
      "AugmentedImage: \(height)×\(width)×\(channels) needs \(count) values and as much scratch memory, not "
        + "\(values.count) and \(scratch.count)")
    self.height = height
    self.width = width
    self.channels = channels
    self.values = values
    self.scratch = scratch
  }

  /// The mean of each channel.
  var means: [Float] {
    (0..<channels).map { channel in
      var sum = 0.0
      for index in stride(from: channel, to: values.count, by: channels) { sum += Double(values[index]) }
      return Float(sum / Double(width * height))
    }
  }
}

/// An augmentation that is applied to some of the images only, as torchvision's `RandomApply`.
public struct RandomApply: Augmentation {
  public let augmentation: any Augmentation
  /// The share of the images that are changed, 0...1.
  public let probability: Float

  public init(_ augmentation: any Augmentation, probability: Float) {
    self.augmentation = augmentation
    self.probability = probability
  }

  public func apply(to image: AugmentedImage, using random: inout RandomStream) {
    if random.unitFloat() < probability { augmentation.apply(to: image, using: &random) }
  }

  public func supports(_ mode: ColorMode) -> Bool { augmentation.supports(mode) }
}
