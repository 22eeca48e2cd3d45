/// The size and colours of the images that a model takes.
public struct ImageInput: Sendable, Hashable {
  public let width: Int
  public let height: Int
  public let colorMode: ColorMode

  public init(width: Int, height: Int, colorMode: ColorMode) {
    self.width = width
    self.height = height
    self.colorMode = colorMode
  }

  /// An image of any size and colour as the model takes it.
  public func prepared(_ image: Image) -> Image {
    image.converted(to: colorMode).resized(width: width, height: height)
  }
}
