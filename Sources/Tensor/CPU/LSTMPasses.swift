import CKernels

/// The sizes of an LSTM operation, and how its work is divided.
struct LSTMSizes: Sendable {
  let batch, steps, inputs, units, directions: Int

  init(_ x: Tensor, _ directions: [LSTMDirection]) {
    (batch, steps, inputs) = (x.shape[0], x.shape[1], x.shape[2])
    units = directions[0].units
    self.directions = directions.count
  }

  /// Floats from one step of the result to the next.
  var resultStride: Int { directions * units }

  /// The position in time of the step that a direction takes as number `index`.
  func time(_ index: Int, isReversed: Bool) -> Int { isReversed ? steps - 1 - index : index }

  /// Calls `body` with groups of sequences of each direction; the next free thread takes one, or several where they are small.
  ///
  /// - Parameter size: the most sequences of a group; more would drive the weights out of the second-level cache.
  func forEachGroup(
    ofAtMost size: Int, _ body: @Sendable (_ direction: Int, _ sequences: Range<Int>) -> Void
  ) {
    guard batch > 0, steps > 0 else { return }
    let threads = Threads.count
    // At least one for each thread, of one direction where there are as many threads: more rows make products faster.
    let parts = min(batch, threads % directions == 0 ? threads / directions : threads)
    let groups = max(parts, (batch + size - 1) / size)
    // Below about a million multiplications a second thread costs more than it gives.
    let work = steps * (inputs + units) * 4 * units * ((batch + groups - 1) / groups)
    let items = directions * groups
    let portions = max(1, min(items, items / max(1, 1_000_000 / max(1, work))))
    Threads.forEachPortion(of: items, portions: portions) { items, _ in
      for item in items { body(item / groups, Threads.part(item % groups, of: groups, count: batch)) }
    }
  }
}

/// One direction's way through all steps.
struct LSTMForward: Sendable {
  let sizes: LSTMSizes
  let kernels: UnsafePointerToKernels
  let precision: ArithmeticPrecision
  let isReversed: Bool
  /// Words of the inputs, [N,T,words].
  let x: Tensor
  let kernel, recurrent: PackedPanels
  let bias: Tensor
  let y: Tensor
  /// The direction's first column of y.
  let column: Int
  /// What is kept for the gradient, if anything.
  let gates, cells: Tensor?

  func run(_ sequences: Range<Int>) {
    let (rows, steps, units) = (sequences.count, sizes.steps, sizes.units)
    // One product for so many steps that it has rows enough to be fast.
    let atOnce = rows >= 16 ? 1 : min(steps, 64 / rows)
    let z = Tensor(uninitialized: [atOnce * rows, 4 * units])
    let newest = Tensor(uninitialized: [rows, units])
    // The half word that an odd number of units leaves over is never written.
    let rounded = precision == .bfloat16 ? Tensor(zeros: [rows, PackedPanels.words(units, precision)]) : nil
    var geometry = ckernels_lstm(rows: rows, units: units)
    for index in 0..<steps {
      let part = index % atOnce
      if part == 0 { multiplyInputs(sequences, index..<min(steps, index + atOnce), into: z) }
      let sums = z.floats + part * rows * 4 * units
      let row = sequences.lowerBound * steps + sizes.time(index, isReversed: isReversed)
      let previous = row + (isReversed ? 1 : -1)
      if index > 0 {
        if let rounded {
          recurrent.multiply(
            rounded.words, stride: rounded.shape[1], rows: rows, adds: true, into: sums, stride: 4 * units)
        } else {
          recurrent.multiply(
            y.words + previous * sizes.resultStride + column, stride: steps * sizes.resultStride, rows: rows,
            adds: true,
            into: sums, stride: 4 * units)
        }
      }
      let (cells, cellStride) = (cells?.floats, cells == nil ? units : steps * units)
      var step = ckernels_lstm_step(
        z: sums, z_stride: 4 * units,
        previous_cells: index == 0 ? nil : UnsafePointer(cells.map { $0 + previous * units } ?? newest.floats),
        previous_stride: cellStride, cells: cells.map { $0 + row * units } ?? newest.floats, cell_stride: cellStride,
        y: y.floats + row * sizes.resultStride + column, y_stride: steps * sizes.resultStride,
        gates: gates.map { $0.floats + row * 4 * units }, gate_stride: steps * 4 * units, rounded: rounded?.words)
      kernels.lstm_gates(&geometry, &step)
    }
  }

  /// z [steps, sequences, 4U] = x · kernel + bias of some steps.
  private func multiplyInputs(_ sequences: Range<Int>, _ indices: Range<Int>, into z: Tensor) {
    let (words, columns) = (x.shape[2], 4 * sizes.units)
    let first = sequences.lowerBound * sizes.steps + sizes.time(indices.lowerBound, isReversed: isReversed)
    if indices.count == 1 {
      kernel.multiply(
        x.words + first * words, stride: sizes.steps * words, rows: sequences.count, bias: bias.floats, into: z.floats,
        stride: columns)
      return
    }
    for sequence in 0..<sequences.count {
      kernel.multiply(
        x.words + (first + sequence * sizes.steps) * words, stride: isReversed ? -words : words, rows: indices.count,
        bias: bias.floats, into: z.floats + sequence * columns, stride: sequences.count * columns)
    }
  }
}

/// One direction's way back through all steps: the gradients of z and x.
struct LSTMBackward: Sendable {
  let sizes: LSTMSizes
  let kernels: UnsafePointerToKernels
  let precision: ArithmeticPrecision
  let isReversed: Bool
  let dy: Tensor
  /// The direction's first column of dy.
  let column: Int
  let gates, cells: Tensor
  /// The transposed weights; without those of the inputs there is no dx.
  let kernel: PackedPanels?
  let recurrent: PackedPanels
  /// [N,T,4U], rounded where the products that it goes into round it anyway.
  let dz: Tensor
  /// [N,4U], the sums of dz over the steps.
  let sums: Tensor
  let dx: Tensor?

  func run(_ sequences: Range<Int>) {
    let (rows, steps, units) = (sequences.count, sizes.steps, sizes.units)
    let (dh, dc) = (Tensor(zeros: [rows, units]), Tensor(zeros: [rows, units]))
    // Rows without gaps beside dz's own, which lie so far apart that they would fall on few lines of the first-level cache.
    let rounded =
      precision == .bfloat16 ? Tensor(uninitialized: [rows, PackedPanels.words(4 * units, precision)]) : nil
    var geometry = ckernels_lstm(rows: rows, units: units)
    for index in (0..<steps).reversed() {
      let row = sequences.lowerBound * steps + sizes.time(index, isReversed: isReversed)
      let previous = row + (isReversed ? 1 : -1)
      var step = ckernels_lstm_gradient_step(
        dy: dy.floats + row * sizes.resultStride + column, dy_stride: steps * sizes.resultStride, dh: dh.floats,
        gates: gates.floats + row * 4 * units, gate_stride: steps * 4 * units, cells: cells.floats + row * units,
        previous_cells: index == 0 ? nil : UnsafePointer(cells.floats + previous * units), cell_stride: steps * units,
        dc: dc.floats, dz: (NumberPointer(dz) + row * 4 * units).address, dz_stride: steps * 4 * units,
        sums: sums.floats + sequences.lowerBound * 4 * units, rounded: rounded?.words)
      kernels.lstm_gate_gradients(&geometry, &step)
      let (left, stride) =
        rounded.map { ($0.words, $0.shape[1]) } ?? (dz.words + row * 4 * units, steps * 4 * units)
      if index > 0 { recurrent.multiply(left, stride: stride, rows: rows, into: dh.floats, stride: units) }
      if let kernel, let dx {
        kernel.multiply(
          left, stride: stride, rows: rows, into: dx.floats + row * sizes.inputs, stride: steps * sizes.inputs)
      }
    }
  }
}
