import CKernels
import Foundation

/// Operations on single elements.
extension CPUBackend {
  public func relu(_ x: Tensor) -> Tensor { map(x) { kernels.relu($0, $1, $2) } }

  public func sigmoid(_ x: Tensor) -> Tensor {
    map(x) { from, count, to in
      for index in 0..<count { to[index] = 1 / (1 + exp(-from[index])) }
    }
  }

  public func scaled(_ x: Tensor, by scale: Float) -> Tensor { map(x) { kernels.scaled($0, scale, $1, $2) } }

  public func combination(_ a: Tensor, _ alpha: Float, _ b: Tensor, _ beta: Float) -> Tensor {
    map(a, b) { kernels.combination($0, alpha, $1, beta, $2, $3) }
  }

  public func product(_ a: Tensor, _ b: Tensor) -> Tensor { map(a, b) { kernels.product($0, $1, $2, $3) } }

  public func addRelu(_ a: Tensor, _ b: Tensor) -> Tensor { map(a, b) { kernels.add_relu($0, $1, $2, $3) } }

  public func floats(from bytes: Tensor, dividedBy divisor: Float) -> Tensor {
    let y = Tensor(uninitialized: bytes.shape)
    forEachPart(of: bytes.shape.count) { part in
      kernels.bytes_to_float(bytes.bytes + part.lowerBound, part.count, divisor, y.floats + part.lowerBound)
    }
    return y
  }

  public func dropout(_ x: Tensor, rate: Double, stream: RandomStream) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    let threshold = UInt32(clamping: Int64(((1 - rate) * 0x1p32).rounded()))
    let scale = Float(1 / (1 - rate))
    // Words are taken from the next whole block of the stream on, and parts begin at whole blocks.
    let first = (stream.position + 3) / 4 * 4
    let blocks = (x.shape.count + 3) / 4
    Threads.forEachPart(of: blocks, minimum: 4096) { part, _ in
      let elements = part.lowerBound * 4..<min(part.upperBound * 4, x.shape.count)
      kernels.dropout(
        x.floats + elements.lowerBound, elements.count, stream.key, first + UInt64(elements.lowerBound), threshold,
        scale, y.floats + elements.lowerBound)
    }
    return y
  }

  public func sum(_ x: Tensor) -> Double {
    reduction(x) { elements, count in
      // As columns of a matrix, which are summed side by side, and the rest.
      let width = 64
      let rows = count / width
      var columns = [Double](repeating: 0, count: width)
      kernels.column_sums(elements, rows, width, &columns)
      return (rows * width..<count).reduce(columns.reduce(0, +)) { $0 + Double(elements[$1]) }
    }
  }

  public func sumOfSquares(_ x: Tensor) -> Double {
    reduction(x) { kernels.sum_of_squares($0, $1) }
  }

  private func reduction(
    _ x: Tensor, _ body: @Sendable (_ first: UnsafePointer<Float>, _ count: Int) -> Double
  ) -> Double {
    Threads.sum(over: x.shape.count, minimum: 16_384) { body(x.floats + $0.lowerBound, $0.count) }
  }

  private func forEachPart(of count: Int, _ body: @Sendable (Range<Int>) -> Void) {
    Threads.forEachPart(of: count, minimum: 16_384) { part, _ in body(part) }
  }

  private func map(
    _ x: Tensor,
    _ body: @Sendable (_ x: UnsafePointer<Float>, _ count: Int, _ y: UnsafeMutablePointer<Float>) -> Void
  ) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    forEachPart(of: x.shape.count) { body(x.floats + $0.lowerBound, $0.count, y.floats + $0.lowerBound) }
    return y
  }

  private func map(
    _ a: Tensor, _ b: Tensor,
    _ body:
      @Sendable (
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int, _ y: UnsafeMutablePointer<Float>
      ) -> Void
  ) -> Tensor {
    let y = Tensor(uninitialized: a.shape)
    forEachPart(of: a.shape.count) {
      body(a.floats + $0.lowerBound, b.floats + $0.lowerBound, $0.count, y.floats + $0.lowerBound)
    }
    return y
  }
}
