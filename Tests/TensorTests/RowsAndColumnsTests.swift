import Testing

@testable import Tensor

@Suite struct RowsAndColumnsTests {
  @Test(arguments: [[1, 1, 1, 1], [2, 3, 5, 4], [3, 7, 2, 1], [1, 4, 1, 17], [0, 2, 3, 4]])
  func swappedPixelByPixel(dimensions: [Int]) {
    var numbers = Numbers("rows and columns")
    let x = numbers.normal(Shape(dimensions))
    let (batch, height, width, channels) = (dimensions[0], dimensions[1], dimensions[2], dimensions[3])
    let y = x.rowsAndColumnsSwapped()
    #expect(y.shape == [batch, width, height, channels])
    let (from, to) = (x.elements(), y.elements())
    for n in 0..<batch {
      for i in 0..<height {
        for j in 0..<width {
          for c in 0..<channels {
            #expect(
              to[((n * width + j) * height + i) * channels + c] == from[((n * height + i) * width + j) * channels + c])
          }
        }
      }
    }
  }

  @Test func gradientsAreDifferences() {
    var numbers = Numbers("gradients of rows and columns")
    gradientCheck([numbers.normal([2, 3, 4, 2])]) { $0[0].rowsAndColumnsSwapped() }
    gradientCheck(
      [numbers.normal([3, 5])], reference: { $0[0].map { -2 * $0 + 0.5 } }, { $0[0].rescaled(by: -2, offset: 0.5) })
  }

  @Test func rescaledByDefinition() {
    #expect(Tensor([Float(0), 0.25, 1, -3], shape: [2, 2]).rescaled(by: -2, offset: 2).elements() == [2, 1.5, 0, 8])
    #expect(Tensor(Float(3)).rescaled(by: 2, offset: 1).scalar == 7)
  }

  @Test func misuseStopsTheProgram() async {
    await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2, 3, 4]).rowsAndColumnsSwapped() }
  }
}
