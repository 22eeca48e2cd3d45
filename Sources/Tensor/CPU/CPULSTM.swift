import CKernels
import Foundation

/// LSTMs: sequences are divided among the threads, and each takes its own through all steps, so that no thread waits for
/// another at a step and the recurrent weights stay in the second-level cache.
extension CPUBackend {
  public func lstm(
    _ x: Tensor, _ directions: [LSTMDirection], precision: ArithmeticPrecision, keepsRecord: Bool
  ) -> (y: Tensor, record: LSTMRecord?) {
    let sizes = LSTMSizes(x, directions)
    let y = Tensor(uninitialized: [sizes.batch, sizes.steps, directions.count * sizes.units])
    let record =
      keepsRecord
      ? LSTMRecord(
        gates: directions.map { _ in Tensor(uninitialized: [sizes.batch, sizes.steps, 4 * sizes.units]) },
        cells: directions.map { _ in Tensor(uninitialized: [sizes.batch, sizes.steps, sizes.units]) }) : nil
    let inputs = words(x, precision: precision)
    let passes = directions.enumerated().map { index, direction in
      LSTMForward(
        sizes: sizes, kernels: kernels, precision: precision, isReversed: direction.isReversed, x: inputs,
        kernel: PackedPanels(direction.kernel, transposed: false, precision: precision, kernels),
        recurrent: PackedPanels(direction.recurrentKernel, transposed: false, precision: precision, kernels),
        bias: direction.bias, y: y, column: index * sizes.units, gates: record?.gates[index],
        cells: record?.cells[index])
    }
    sizes.forEachGroup(ofAtMost: sequencesTogether(precision)) { direction, sequences in
      passes[direction].run(sequences)
    }
    return (y, record)
  }

  public func lstmGradient(
    _ dy: Tensor, x: Tensor, y: Tensor, _ directions: [LSTMDirection], _ record: LSTMRecord,
    precision: ArithmeticPrecision, needsX: Bool, needsWeights: Bool
  ) -> LSTMGradients {
    let sizes = LSTMSizes(x, directions)
    let passes = directions.enumerated().map { index, direction in
      LSTMBackward(
        sizes: sizes, kernels: kernels, precision: precision, isReversed: direction.isReversed, dy: dy,
        column: index * sizes.units, gates: record.gates[index], cells: record.cells[index],
        kernel: needsX ? PackedPanels(direction.kernel, transposed: true, precision: precision, kernels) : nil,
        recurrent: PackedPanels(direction.recurrentKernel, transposed: true, precision: precision, kernels),
        dz: Tensor(uninitialized: record.gates[index].shape, dtype: precision == .bfloat16 ? .bfloat16 : .float32),
        sums: Tensor(zeros: [sizes.batch, 4 * sizes.units]),
        dx: needsX ? Tensor(uninitialized: x.shape) : nil)
    }
    sizes.forEachGroup(ofAtMost: sequencesTogether(precision)) { direction, sequences in
      passes[direction].run(sequences)
    }
    let dx = passes.dropFirst().reduce(passes[0].dx) { sum, pass in
      sum.flatMap { sum in pass.dx.map { combination(sum, 1, $0, 1) } }
    }
    return LSTMGradients(
      x: dx, weights: needsWeights ? weightGradients(sizes, passes, x: x, y: y, precision: precision) : nil)
  }

  /// How many sequences a thread takes through the steps at once; with tile registers no more than fill them.
  private func sequencesTogether(_ precision: ArithmeticPrecision) -> Int {
    precision == .bfloat16 && kernels.has_matrix_tiles != 0 ? 32 : 64
  }

  /// The gradients of the weights: products over all steps of all sequences, divided among the threads by columns.
  private func weightGradients(
    _ sizes: LSTMSizes, _ passes: [LSTMBackward], x: Tensor, y: Tensor, precision: ArithmeticPrecision
  ) -> [LSTMGradients.Weights] {
    // Before the threads start: setting OpenBLAS up changes the environment for a moment.
    _ = BLAS.selection
    let (columns, rows) = (4 * sizes.units, sizes.batch * sizes.steps)
    if rows == 0 || sizes.inputs == 0 {
      return passes.map { _ in
        LSTMGradients.Weights(
          kernel: Tensor(zeros: [sizes.inputs, columns]), recurrentKernel: Tensor(zeros: [sizes.units, columns]),
          bias: Tensor(zeros: [columns]))
      }
    }
    let results = passes.map { pass in
      LSTMGradients.Weights(
        kernel: Tensor(uninitialized: [sizes.inputs, columns]),
        recurrentKernel: Tensor(uninitialized: [sizes.units, columns]), bias: columnTotals(pass.sums))
    }
    // Whole directions where they go round, else blocks of their columns.
    let block = 64
    let blocks = (columns + block - 1) / block
    let parts = Threads.count <= 1 || passes.count % Threads.count == 0 ? 1 : min(blocks, Threads.count)
    Threads.forEachPart(of: passes.count * parts) { items, _ in
      for item in items {
        let (pass, result) = (passes[item / parts], results[item / parts])
        let part = Threads.part(item % parts, of: parts, count: blocks)
        let first = part.lowerBound * block
        let width = min(columns, part.upperBound * block) - first
        let dz = NumberPointer(pass.dz) + first
        columnProduct(
          x.floats, stride: sizes.inputs, rows: sizes.inputs, dz, columns: width, stride: columns, depth: rows,
          into: result.kernel.floats + first, precision: precision)
        // A step's h[t−1] is the row of y before its own, or after it where the direction is reversed. At the first step of
        // each sequence that row belongs to another sequence, so its dz, which nobody needs any more, is made zero.
        for sequence in 0..<sizes.batch {
          let step = sequence * sizes.steps + (pass.isReversed ? sizes.steps - 1 : 0)
          memset((dz + step * columns).address, 0, width * dz.dtype.size)
        }
        let (firstY, firstZ) = pass.isReversed ? (1, 0) : (0, 1)
        columnProduct(
          y.floats + firstY * sizes.resultStride + pass.column, stride: sizes.resultStride, rows: sizes.units,
          dz + firstZ * columns, columns: width, stride: columns, depth: rows - 1,
          into: result.recurrentKernel.floats + first, precision: precision)
      }
    }
    return results
  }

  /// c = aᵀ · b on the calling thread, for a [depth, rows] and some columns of b and c, whose rows are `columnStride` long.
  private func columnProduct(
    _ a: UnsafePointer<Float>, stride: Int, rows: Int, _ b: NumberPointer, columns: Int, stride columnStride: Int,
    depth: Int, into c: UnsafeMutablePointer<Float>, precision: ArithmeticPrecision
  ) {
    if depth == 0 {
      for row in 0..<rows { (c + row * columnStride).update(repeating: 0, count: columns) }
      return
    }
    switch precision {
    case .float32:
      BLAS.multiply(
        m: rows, n: columns, k: depth, a, stride: stride, transposed: true, b.floats, stride: columnStride,
        transposed: false,
        into: c, stride: columnStride)
    case .bfloat16:
      var sizes = ckernels_product(
        rows: rows, columns: columns, depth: depth, a_stride: stride, b_stride: columnStride, c_stride: columnStride,
        transpose_a: 1, transpose_b: 0, bfloat16_b: b.bfloat16)
      kernels.bfloat16_product(&sizes, a, b.address, c)
    }
  }

  /// Column sums in an order that does not depend on the number of threads.
  private func columnTotals(_ x: Tensor) -> Tensor {
    var sums = [Double](repeating: 0, count: x.shape[1])
    kernels.column_sums(x.floats, x.shape[0], x.shape[1], &sums)
    return Tensor(sums.map(Float.init), shape: [x.shape[1]])
  }
}
