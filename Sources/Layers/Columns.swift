import Tensor

/// One row per column of the image, its pixels from top to bottom: x [N,H,W,C] → [N,W,H·C].
///
/// What takes an image to a sequence from left to right. In Keras `Permute((2, 1, 3))` and `Reshape((W, H * C))`.
public final class Columns: Layer {
  public init() {}

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let shape = outputShape(for: x.shape)
    return (x.shape[1] == 1 ? x : x.rowsAndColumnsSwapped()).reshaped(to: shape)
  }

  public func outputShape(for input: Shape) -> Shape {
    precondition(input.rank == 4, "Columns: \(input); expected [N,H,W,C]")
    return [input[0], input[2], input[1] * input[3]]
  }
}
