/// Tensors side by side along the last axis.
extension CPUBackend {
  public func concatenation(_ tensors: [Tensor]) -> Tensor {
    let columns = tensors.reduce(0) { $0 + $1.shape[-1] }
    let y = Tensor(uninitialized: Shape(tensors[0].shape.dimensions.dropLast() + [columns]))
    forEachRows(of: y.shape) { rows in
      var first = 0
      for tensor in tensors {
        let width = tensor.shape[-1]
        for row in rows {
          (y.floats + row * columns + first).update(from: tensor.floats + row * width, count: width)
        }
        first += width
      }
    }
    return y
  }

  public func columns(_ columns: Range<Int>, of x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: Shape(x.shape.dimensions.dropLast() + [columns.count]))
    forEachRows(of: y.shape) { rows in
      for row in rows {
        (y.floats + row * columns.count).update(
          from: x.floats + row * x.shape[-1] + columns.lowerBound, count: columns.count)
      }
    }
    return y
  }

  private func forEachRows(of shape: Shape, _ body: @Sendable (Range<Int>) -> Void) {
    Threads.forEachPart(of: shape.rows, minimum: max(1, 16_384 / max(1, shape[-1]))) { rows, _ in body(rows) }
  }
}
