import Testing

@testable import Tensor

/// A recorder sees the operations of the whole process: each test has a process of its own.
@Suite struct OperationRecorderTests {
  /// Results of a training step of a small network with every kind of layer, and the gradients of its parameters.
  private static func step() -> [[Float]] {
    var numbers = Numbers("recorded step")
    let kernel = Parameter("kernel", value: numbers.normal([3, 3, 3, 8]))
    let bias = Parameter("bias", value: numbers.normal([8]))
    let gamma = Parameter("gamma", value: numbers.normal([8]))
    let dense = Parameter("dense", value: numbers.normal([8, 5]))
    let bytes = Tensor((0..<4 * 9 * 10 * 3).map { UInt8($0 % 251) }, shape: [4, 9, 10, 3])
    let y = bytes.floats(dividedBy: 255).convolved(
      with: kernel.tensor(tracking: true), bias: bias.tensor(tracking: true), relu: true)
    let normalized = y.batchNormalized(
      gamma: gamma.tensor(tracking: true), beta: bias.tensor(tracking: true), epsilon: 1e-3
    ).output
    let pooled = normalized.maxPooled(window: 2, stride: 2).droppedOut(rate: 0.2, stream: RandomStream(seed: 1))
    let logits = pooled.relu().globalAveragePooled().matrixProduct(dense.tensor(tracking: true))
    let targets = Tensor(repeating: 0.5, shape: logits.shape)
    let loss =
      logits.softmaxCrossEntropy(targets: numbers.classes(4, of: 5)) + logits.sigmoidCrossEntropy(targets: targets)
      + (logits.sigmoid() * targets).mean() * 3
      + logits.reshaped(to: [1, 4, 5]).ctcLoss(labels: Tensor([Int32(3), 1], shape: [1, 2]), blank: 4)
    let gradients = OperationRecorder.pass("backward") { loss.backward() }
    return [logits.elements(), logits.detached.softmax().elements(), [loss.scalar]]
      + [kernel, bias, gamma, dense].compactMap { gradients[$0]?.elements() }
  }

  @Test func resultsAreTheSameWithAndWithoutARecorder() async {
    await #expect(processExitsWith: .success) {
      let plain = Self.step()
      let recorder = OperationRecorder()
      recorder.start()
      let recorded = Self.step()
      recorder.stop()
      #expect(plain.count == 7)
      #expect(plain == recorded)
      let names = Set(recorder.operations.map(\.name))
      #expect(
        names.isSuperset(of: [
          "floats", "convolution, relu", "convolutionKernelGradient", "columnMoments", "columnAffine", "columnProducts",
          "columnCombination", "maxPool", "maxPoolGradient", "dropout", "relu", "reluGradient", "spatialMeans",
          "spatialMeansGradient", "matrixProduct", "matrixProduct aᵀ·b", "matrixProduct a·bᵀ", "sigmoid", "softmax",
          "softmaxCrossEntropy", "sigmoidCrossEntropy", "ctc", "sum", "scaled", "product", "combination",
        ]))
      #expect(Set(recorder.operations.map(\.pass)) == ["forward", "backward"])
      #expect(recorder.operations.allSatisfy { $0.calls > 0 && $0.seconds >= 0 && $0.flops > 0 && $0.bytes > 0 })
    }
  }

  @Test func theWorkIsThatOfTheDefinitions() async {
    await #expect(processExitsWith: .success) {
      let recorder = OperationRecorder()
      let x = Tensor(repeating: 1, shape: [2, 6, 8, 3])
      let kernel = Tensor(repeating: 1, shape: [3, 3, 3, 4])
      recorder.start()
      for _ in 0..<2 { _ = x.convolved(with: kernel, padding: .valid) }
      _ = Tensor(repeating: 1, shape: [5, 7]).matrixProduct(
        Tensor(repeating: 1, shape: [3, 7]), transposeOther: true)
      recorder.stop()
      #expect(recorder.operations.map(\.name) == ["convolution", "matrixProduct a·bᵀ"])
      #expect(recorder.operations.map(\.calls) == [2, 1])
      #expect(recorder.operations[0].shapes == [[2, 6, 8, 3], [3, 3, 3, 4]])
      // Per call 2 · 4 · 6 positions of 4 channels, each a sum of 27 products.
      #expect(recorder.operations[0].flops == 2 * (2 * 2 * 4 * 6 * 4 * 27))
      #expect(recorder.operations[0].bytes == 2 * 4 * (2 * 6 * 8 * 3 + 3 * 3 * 3 * 4 + 2 * 4 * 6 * 4))
      #expect(recorder.operations[1].flops == 2 * 5 * 3 * 7)
      #expect(recorder.operations[1].bytes == 4 * (5 * 7 + 3 * 7 + 5 * 3))
    }
  }

  @Test func nothingIsRecordedWhileItIsOff() async {
    await #expect(processExitsWith: .success) {
      let recorder = OperationRecorder()
      let x = Tensor(repeating: 1, shape: [10])
      _ = x.relu()
      #expect(OperationRecorder.measure("work") { 5 } == 5)
      #expect(OperationRecorder.pass("backward") { 6 } == 6)
      #expect(Device.cpu.backend is CPUBackend)
      recorder.start()
      _ = x.relu()
      recorder.stop()
      _ = x.relu()
      #expect(recorder.operations.map(\.calls) == [1])
      // It goes on where it stopped, and another may take its turn.
      recorder.start()
      _ = x.relu()
      recorder.stop()
      recorder.stop()
      #expect(recorder.operations.map(\.calls) == [2])
      let other = OperationRecorder()
      other.start()
      recorder.stop()
      _ = x.sigmoid()
      other.stop()
      #expect(other.operations.map(\.name) == ["sigmoid"])
    }
  }

  @Test func measuredWorkDoesNotCountItsOperationsTwice() async {
    await #expect(processExitsWith: .success) {
      let recorder = OperationRecorder()
      let x = Tensor(repeating: 1, shape: [1_000_000])
      recorder.start()
      let start = ContinuousClock.now
      OperationRecorder.pass("update") {
        OperationRecorder.measure("work", shapes: [x.shape], flops: 3, bytes: 4) { for _ in 0..<50 { _ = x.norm } }
      }
      let elapsed = start.duration(to: .now) / .seconds(1)
      recorder.stop()
      #expect(recorder.operations.map(\.name) == ["sumOfSquares", "work"])
      #expect(recorder.operations.map(\.calls) == [50, 1])
      #expect(recorder.operations.map(\.pass) == ["update", "update"])
      #expect(recorder.operations[1].flops == 3 && recorder.operations[1].bytes == 4)
      #expect(recorder.operations.map(\.seconds).reduce(0, +) <= elapsed)
    }
  }

  @Test func twoRecordersAtOnceStop() async {
    await #expect(processExitsWith: .failure) {
      let (first, second) = (OperationRecorder(), OperationRecorder())
      first.start()
      second.start()
    }
  }
}
