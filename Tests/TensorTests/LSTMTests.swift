import Testing

@testable import Tensor

/// The fused LSTM against its definition; Keras's numbers are in the tests of the layers.
@Suite struct LSTMTests {
  private func direction(_ tensors: [Tensor], reversed: Bool) -> LSTMDirection {
    LSTMDirection(kernel: tensors[1], recurrentKernel: tensors[2], bias: tensors[3], isReversed: reversed)
  }

  @Test(arguments: LSTMCase.all)
  func everyLevelEqualsTheDefinition(sizes: LSTMCase) {
    let tensors = sizes.tensors()
    let d = tensors.map(\.doubles)
    let expected = sizes.reference(d[0], d[1], d[2], d[3])
    for level in SIMDLevel.supported {
      let backend = CPUBackend(level: level)
      let directions = [direction(tensors, reversed: sizes.isReversed)]
      let (y, record) = backend.lstm(tensors[0], directions, precision: .float32, keepsRecord: false)
      #expect(record == nil)
      expectClose(
        y, expected, shape: [sizes.batch, sizes.steps, sizes.units], tolerance: 3e-6,
        "\(level) \(sizes.testDescription)")
      let recorded = backend.lstm(tensors[0], directions, precision: .float32, keepsRecord: true)
      #expect(recorded.y.elements() == y.elements() && recorded.record != nil)
    }
  }

  @Test(arguments: LSTMCase.all.filter { $0.batch * $0.steps * $0.inputs * $0.units < 3000 })
  func gradientsAreTheDifferencesOfTheDefinition(sizes: LSTMCase) {
    guard sizes.batch * sizes.steps > 0 else { return }
    let reference = sizes.reference
    gradientCheck(
      sizes.tensors(), tolerance: 3e-5, reference: { reference($0[0], $0[1], $0[2], $0[3]) },
      { $0[0].lstm(kernel: $0[1], recurrentKernel: $0[2], bias: $0[3], reversed: sizes.isReversed) })
  }

  @Test func gradientsOfBothDirections() {
    let sizes = LSTMCase(batch: 3, steps: 4, inputs: 3, units: 5)
    let (first, second) = (sizes.tensors(), sizes.tensors("other direction"))
    let forward = sizes.reference
    var backward = sizes.reference
    backward.isReversed = true
    let reversed = backward
    gradientCheck(
      first + second.dropFirst(), tolerance: 3e-5,
      reference: { d in
        let (a, b) = (forward(d[0], d[1], d[2], d[3]), reversed(d[0], d[4], d[5], d[6]))
        var both: [Double] = []
        for row in 0..<12 {
          both += a[row * 5..<row * 5 + 5]
          both += b[row * 5..<row * 5 + 5]
        }
        return both
      },
      { t in
        t[0].lstm([
          LSTMDirection(kernel: t[1], recurrentKernel: t[2], bias: t[3]),
          LSTMDirection(kernel: t[4], recurrentKernel: t[5], bias: t[6], isReversed: true),
        ])
      })
  }

  /// Value and gradients of a sum of the results with given weights.
  private func results(
    _ tensors: [Tensor], dy: Tensor, precision: ArithmeticPrecision = .float32, _ function: ([Tensor]) -> Tensor
  ) -> [Tensor?] {
    let parameters = tensors.map { Parameter("input", value: $0) }
    let y = function(parameters.map { $0.tensor(tracking: true) })
    let gradients = (y * dy).sum().backward()
    return [y.detached] + parameters.map { gradients[$0] }
  }

  /// At all levels within rounding of each other, for sizes at which the whole path is in use.
  @Test(arguments: [ArithmeticPrecision.float32, .bfloat16])
  func levelsAgreeOnGradients(precision: ArithmeticPrecision) throws {
    for sizes in LSTMCase.all where sizes.batch * sizes.steps > 0 {
      let tensors = sizes.tensors()
      var numbers = Numbers("dy")
      let dy = numbers.normal([sizes.batch, sizes.steps, sizes.units])
      let all = try SIMDLevel.supported.map { level -> [[Float]] in
        let backend = CPUBackend(level: level)
        let directions = [direction(tensors, reversed: sizes.isReversed)]
        let (y, record) = backend.lstm(tensors[0], directions, precision: precision, keepsRecord: true)
        let gradients = backend.lstmGradient(
          dy, x: tensors[0], y: y, directions, try #require(record), precision: precision, needsX: true,
          needsWeights: true)
        let weights = try #require(gradients.weights?.first)
        return [try #require(gradients.x), weights.kernel, weights.recurrentKernel, weights.bias].map { $0.elements() }
      }
      for (level, result) in zip(SIMDLevel.supported, all).dropFirst() {
        for (a, b) in zip(result, all[0]) {
          // A sum that differs in its last bit may round to the next bfloat16.
          let tolerance = precision == .float32 ? 1e-5 : 5e-3
          expectClose(a, b.map(Double.init), tolerance: tolerance, "\(level) \(sizes.testDescription)")
        }
      }
    }
  }

  /// Step by step from single operations, with weights of its own for each gate.
  @Test func fusedEqualsComposed() {
    let sizes = LSTMCase(batch: 3, steps: 5, inputs: 4, units: 6)
    let tensors = sizes.tensors()
    var numbers = Numbers("dy of a composed LSTM")
    let dy = numbers.normal([3, 5, 6])
    let fused = results(tensors, dy: dy) { $0[0].lstm(kernel: $0[1], recurrentKernel: $0[2], bias: $0[3]) }

    func columns(_ x: Tensor, _ gate: Int) -> Tensor { x.device.backend.columns(gate * 6..<gate * 6 + 6, of: x) }
    func rows(_ x: Tensor, _ step: Int) -> Tensor {
      let width = x.shape[2]
      let all = x.elements()
      var values: [Float] = []
      for sequence in 0..<3 { values += all[(sequence * 5 + step) * width..<(sequence * 5 + step + 1) * width] }
      return Tensor(values, shape: [3, width])
    }
    func matrix(_ x: Tensor) -> Tensor { x.shape.rank == 1 ? x.reshaped(to: [1, 24]) : x }
    func parameters(_ tensor: Tensor) -> [Parameter] {
      (0..<4).map { Parameter("part", value: columns(matrix(tensor), $0)) }
    }
    let x = (0..<5).map { Parameter("step", value: rows(tensors[0], $0)) }
    let kernels = parameters(tensors[1])
    let recurrent = parameters(tensors[2])
    let biases = parameters(tensors[3])
    func tangent(_ x: Tensor) -> Tensor { (x * 2).sigmoid() * 2 - Tensor(repeating: 1, shape: x.shape) }
    var (h, c) = (Tensor(zeros: [3, 6]), Tensor(zeros: [3, 6]))
    var loss = Tensor(0)
    for step in 0..<5 {
      let z = (0..<4).map { gate -> Tensor in
        let input = x[step].tensor(tracking: true).matrixProduct(kernels[gate].tensor(tracking: true))
        let memory = h.matrixProduct(recurrent[gate].tensor(tracking: true))
        return (input + memory).adding(bias: biases[gate].tensor(tracking: true).reshaped(to: [6]))
      }
      c = z[1].sigmoid() * c + z[0].sigmoid() * tangent(z[2])
      h = z[3].sigmoid() * tangent(c)
      if let y = fused[0] { expectClose(h.detached, rows(y, step).doubles, tolerance: 3e-6, "step \(step)") }
      loss = loss + (h * rows(dy, step)).sum()
    }
    let gradients = loss.backward()
    for step in 0..<5 {
      if let dx = fused[1] { expectClose(gradients[x[step]], rows(dx, step).doubles, tolerance: 1e-5, "dx \(step)") }
    }
    for (index, parts) in [kernels, recurrent, biases].enumerated() {
      guard let whole = fused[index + 2] else { continue }
      for gate in 0..<4 {
        expectClose(
          gradients[parts[gate]], columns(matrix(whole), gate).doubles, tolerance: 1e-5, "weights \(index), \(gate)")
      }
    }
    #expect(fused.allSatisfy { $0 != nil })
  }

  /// Both directions at once give the bits of each alone, side by side.
  @Test(arguments: [ArithmeticPrecision.float32, .bfloat16])
  func directionsTogetherEqualEachAlone(precision: ArithmeticPrecision) {
    let sizes = LSTMCase(batch: 5, steps: 6, inputs: 3, units: 7)
    let (a, b) = (sizes.tensors(), sizes.tensors("other direction"))
    let both = a[0].lstm([direction(a, reversed: false), direction(b, reversed: true)], precision: precision)
    let alone = [(a, false), (b, true)].map { weights, reversed in
      a[0].lstm(
        kernel: weights[1], recurrentKernel: weights[2], bias: weights[3], reversed: reversed, precision: precision)
    }
    #expect(both.elements() == Tensor.concatenated(alone).elements())
  }

  /// Every sequence goes its own way, and gradients of weights are divided by columns: threads change no bit.
  @Test func threadsChangeNoBit() async {
    await #expect(processExitsWith: .success) {
      for precision in [ArithmeticPrecision.float32, .bfloat16] {
        for sizes in [
          LSTMCase(batch: 33, steps: 20, inputs: 40, units: 64), LSTMCase(batch: 3, steps: 50, inputs: 48, units: 48),
        ] {
          let (first, second) = (sizes.tensors(), sizes.tensors("other direction"))
          var numbers = Numbers("dy for threads")
          let dy = [1, 2].map { numbers.normal([sizes.batch, sizes.steps, $0 * sizes.units]) }
          let suite = LSTMTests()
          let all = [1, 2, 3, 4].map { threads -> [[Float]] in
            Threads.count = threads
            let one = suite.results(first, dy: dy[0]) {
              $0[0].lstm(kernel: $0[1], recurrentKernel: $0[2], bias: $0[3], precision: precision)
            }
            let two = suite.results(first + second.dropFirst(), dy: dy[1]) { t in
              t[0].lstm(
                [
                  LSTMDirection(kernel: t[1], recurrentKernel: t[2], bias: t[3]),
                  LSTMDirection(kernel: t[4], recurrentKernel: t[5], bias: t[6], isReversed: true),
                ], precision: precision)
            }
            return (one + two).map { $0?.elements() ?? [] }
          }
          for other in all.dropFirst() { #expect(other == all[0], "\(precision) \(sizes.testDescription)") }
          #expect(all[0].allSatisfy { !$0.isEmpty })
        }
      }
    }
  }

  @Test(arguments: LSTMCase.all)
  func bfloat16RoundsTheFactors(sizes: LSTMCase) {
    let tensors = sizes.tensors()
    let d = tensors.map(\.doubles)
    var reference = sizes.reference
    reference.rounding = Reference.bfloat16
    let expected = reference(d[0], d[1], d[2], d[3])
    for level in SIMDLevel.supported {
      let y = CPUBackend(level: level).lstm(
        tensors[0], [direction(tensors, reversed: sizes.isReversed)], precision: .bfloat16, keepsRecord: false
      ).y
      // A result just at the middle of two bfloat16 may be rounded the other way for the next step.
      expectClose(y, expected, tolerance: 3e-3, "\(level) \(sizes.testDescription)")
    }
  }

  @Test func bfloat16GradientsAreClose() {
    for sizes in LSTMCase.all where sizes.batch * sizes.steps > 0 {
      var numbers = Numbers("dy in bfloat16")
      let dy = numbers.normal([sizes.batch, sizes.steps, sizes.units])
      let pair = [ArithmeticPrecision.float32, .bfloat16].map { precision in
        // Weights of usual size: large ones make the gates steep, and so the rounding's share of the results.
        results(sizes.tensors(scale: 0.2), dy: dy) {
          $0[0].lstm(
            kernel: $0[1], recurrentKernel: $0[2], bias: $0[3], reversed: sizes.isReversed, precision: precision)
        }
      }
      for (exact, rounded) in zip(pair[0], pair[1]) {
        expectClose(rounded, exact?.doubles ?? [], tolerance: 3e-2, "\(sizes.testDescription)")
      }
    }
  }

  @Test func largeNumbersSaturateAndNaNIsSeen() {
    let tensors = LSTMCase(batch: 2, steps: 4).tensors(scale: 200)
    let y = tensors[0].lstm(kernel: tensors[1], recurrentKernel: tensors[2], bias: tensors[3]).elements()
    #expect(y.allSatisfy { abs($0) <= 1 })
    var x = tensors[0]
    x.withMutableElements(of: Float.self) { $0[0] = .nan }
    let bad = x.lstm(kernel: tensors[1], recurrentKernel: tensors[2], bias: tensors[3]).elements()
    #expect(bad[..<16].allSatisfy { $0.isNaN } && bad[16...].allSatisfy { !$0.isNaN })
  }

  @Test func noGradientWhereNoneIsAskedFor() {
    let tensors = LSTMCase().tensors()
    let (x, kernel) = (Parameter("x", value: tensors[0]), Parameter("kernel", value: tensors[1]))
    #expect(!tensors[0].lstm(kernel: tensors[1], recurrentKernel: tensors[2], bias: tensors[3]).isTracked)
    let inputOnly = x.tensor(tracking: true).lstm(kernel: tensors[1], recurrentKernel: tensors[2], bias: tensors[3])
    #expect(inputOnly.sum().backward().count == 1)
    let kernelOnly = tensors[0].lstm(
      kernel: kernel.tensor(tracking: true), recurrentKernel: tensors[2], bias: tensors[3])
    let gradients = kernelOnly.sum().backward()
    #expect(gradients.count == 1 && gradients[kernel] != nil)
  }

  @Test func inferenceKeepsNoRecordAndEveryBlockIsReturned() async {
    await #expect(processExitsWith: .success) {
      let start = StoragePool.shared.liveCount
      do {
        let tensors = LSTMCase(batch: 64, steps: 50, inputs: 8, units: 32).tensors()
        let peak = StoragePool.shared.peakLiveBytes
        let y = tensors[0].lstm(kernel: tensors[1], recurrentKernel: tensors[2], bias: tensors[3])
        // The result and one step's gates; a record would have four numbers more for each of the result.
        #expect(StoragePool.shared.peakLiveBytes < peak + 2 * 4 * y.shape.count + 200_000)
        for _ in 0..<2 {
          let parameters = tensors.map { Parameter("input", value: $0.detached) }
          let tracked = parameters.map { $0.tensor(tracking: true) }
          let y = tracked[0].lstm(
            kernel: tracked[1], recurrentKernel: tracked[2], bias: tracked[3], precision: .bfloat16)
          #expect(y.sum().backward().count == 4)
        }
      }
      #expect(StoragePool.shared.liveCount == start)
    }
  }

  @Test func profilesShowIt() async {
    await #expect(processExitsWith: .success) {
      let recorder = OperationRecorder()
      let tensors = LSTMCase(batch: 2, steps: 3, inputs: 4, units: 5).tensors()
      let parameters = tensors.map { Parameter("input", value: $0) }
      recorder.start()
      let t = parameters.map { $0.tensor(tracking: true) }
      let y = t[0].lstm(kernel: t[1], recurrentKernel: t[2], bias: t[3], precision: .bfloat16)
      _ = Tensor.concatenated([y, y]).sum().backward()
      recorder.stop()
      let operations = recorder.operations
      #expect(
        Set(operations.map(\.name)).isSuperset(of: [
          "lstm, bfloat16", "lstmGradient, bfloat16", "concatenation", "columns",
        ]))
      // Six steps, each with 4 · 5 sums of 4 + 5 products; back, both factors of each have a gradient.
      #expect(operations.first { $0.name == "lstm, bfloat16" }?.flops == 6 * 20 * 9 * 2)
      #expect(operations.first { $0.name == "lstmGradient, bfloat16" }?.flops == 2 * 6 * 20 * 9 * 2)
    }
  }

  @Test func misuseStopsTheProgram() async {
    func lstm(_ x: Shape, _ kernel: Shape, _ recurrent: Shape, _ bias: Shape) -> Tensor {
      Tensor(zeros: x).lstm(
        kernel: Tensor(zeros: kernel), recurrentKernel: Tensor(zeros: recurrent), bias: Tensor(zeros: bias))
    }
    #expect(lstm([2, 3, 4], [4, 20], [5, 20], [20]).shape == [2, 3, 5])
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [2, 3, 4]).lstm(
        kernel: Tensor(zeros: [3, 20]), recurrentKernel: Tensor(zeros: [5, 20]), bias: Tensor(zeros: [20]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [2, 3, 4]).lstm(
        kernel: Tensor(zeros: [4, 20]), recurrentKernel: Tensor(zeros: [5, 15]), bias: Tensor(zeros: [20]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [6, 4]).lstm(
        kernel: Tensor(zeros: [4, 20]), recurrentKernel: Tensor(zeros: [5, 20]), bias: Tensor(zeros: [20]))
    }
    await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [6, 2, 4]).lstm([]) }
  }
}
