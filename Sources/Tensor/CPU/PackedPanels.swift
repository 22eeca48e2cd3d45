import CKernels

/// The right-hand side of products in the kernels' own order, for use in many of them.
struct PackedPanels: @unchecked Sendable {
  private let kernels: UnsafePointerToKernels
  private let geometry: ckernels_panels
  private let packed: Tensor

  /// Packs a matrix [depth, columns], or [columns, depth] `transposed`; it is kept with the matrix until that changes.
  init(_ matrix: Tensor, transposed: Bool, precision: ArithmeticPrecision, _ kernels: UnsafePointerToKernels) {
    let (depth, columns) = transposed ? (matrix.shape[1], matrix.shape[0]) : (matrix.shape[0], matrix.shape[1])
    let geometry = ckernels_panels(depth: depth, columns: columns, bfloat16: precision == .bfloat16 ? 1 : 0)
    let words = Self.words(depth, precision)
    self.kernels = kernels
    self.geometry = geometry
    packed = matrix.derived("\(precision), panels of \(kernels.panel)\(transposed ? ", transposed" : "")") {
      let packed = Tensor(uninitialized: [kernels.panel_columns(columns) * words])
      let panels = (columns + kernels.panel - 1) / kernels.panel
      Threads.forEachPart(of: panels, minimum: max(1, 65_536 / (kernels.panel * max(1, depth)))) { part, _ in
        var geometry = geometry
        kernels.pack_panels(
          &geometry, matrix.floats, matrix.shape[1], transposed ? 1 : 0, part.lowerBound, part.upperBound, packed.words)
      }
      return packed
    }
  }

  /// The words of 32 bits that `count` numbers take.
  static func words(_ count: Int, _ precision: ArithmeticPrecision) -> Int {
    precision == .bfloat16 ? (count + 1) / 2 : count
  }

  /// c [rows, columns] = a · matrix [+ bias] [+ c]; a holds words along the depth. Strides are from row to row.
  func multiply(
    _ a: UnsafePointer<UInt32>, stride: Int, rows: Int, bias: UnsafePointer<Float>? = nil, adds: Bool = false,
    into c: UnsafeMutablePointer<Float>, stride resultStride: Int
  ) {
    var geometry = geometry
    kernels.panel_product(&geometry, a, stride, rows, packed.words, bias, adds ? 1 : 0, c, resultStride)
  }
}

extension CPUBackend {
  /// Rows of words along the last axis, as the left-hand sides of products with panels take them.
  func words(_ x: Tensor, precision: ArithmeticPrecision) -> Tensor {
    guard precision == .bfloat16 else { return x }
    let (columns, rows) = (x.shape[-1], x.shape.rows)
    let words = PackedPanels.words(columns, precision)
    let result = Tensor(uninitialized: Shape(x.shape.dimensions.dropLast() + [words]))
    Threads.forEachPart(of: rows, minimum: max(1, 65_536 / max(1, columns))) { part, _ in
      kernels.bfloat16_words(
        x.floats + part.lowerBound * columns, part.count, columns, columns, result.words + part.lowerBound * words)
    }
    return result
  }
}

extension Tensor {
  /// The address of what kernels see as words of 32 bits.
  var words: UnsafeMutablePointer<UInt32> { storage.bytes.assumingMemoryBound(to: UInt32.self) }
}
