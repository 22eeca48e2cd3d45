import LayerReflection
import Layers
import Tensor
import Testing

@Suite struct ColumnsTests {
  /// Two rows of three pixels with two channels: each column's pixels from top to bottom.
  @Test func pixelsOfAColumnStandTogether() {
    let x = Tensor((0..<12).map { Float($0) }, shape: [1, 2, 3, 2])
    let y = Columns()(x, .inference)
    #expect(y.shape == [1, 3, 4] && y.shape == Columns().outputShape(for: x.shape))
    #expect(y.elements() == [0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11])
  }

  @Test func aSingleRowStaysAsItIs() {
    let x = Tensor((0..<6).map { Float($0) }, shape: [1, 1, 3, 2])
    #expect(Columns()(x, .inference).elements() == x.elements())
  }

  @Test func whitePaperBecomesZero() {
    let layer = Rescaling(-2, offset: 2)
    #expect(layer(Tensor([Float(1), 0.5, 0], shape: [1, 3]), .inference).elements() == [0, 1, 2])
    #expect(layer.outputShape(for: [4, 3]) == [4, 3])
    #expect(misdeclaredMembers(of: layer) == [] && misdeclaredMembers(of: Columns()) == [])
  }
}
