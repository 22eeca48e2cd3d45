import Tensor

/// x · scale + offset, as in Keras; any shape.
///
/// `Rescaling(-1, offset: 1)` turns white paper into 0, which is what convolutions see beyond the edges of an image.
public final class Rescaling: Layer {
  public let scale: Float
  public let offset: Float

  public init(_ scale: Float, offset: Float = 0) {
    self.scale = scale
    self.offset = offset
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    x.rescaled(by: scale, offset: offset)
  }

  public func outputShape(for input: Shape) -> Shape { input }
}
