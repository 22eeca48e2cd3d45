import Testing

@testable import Tensor

/// Operations stop where their inputs do not fit, instead of reading memory that is not theirs.
@Suite struct MisuseTests {
  @Test func shapesThatDiffer() async {
    await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2, 3]) + Tensor(zeros: [3, 2]) }
    await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2]) - Tensor(zeros: [3]) }
    await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2]) * Tensor(zeros: [1]) }
    await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2, 3]).adding(bias: Tensor(zeros: [2])) }
    await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2, 3]).matrixProduct(Tensor(zeros: [2, 3])) }
    await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [6]).matrixProduct(Tensor(zeros: [6, 1])) }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [2]).sigmoidCrossEntropy(targets: Tensor(zeros: [3]))
    }
  }

  @Test func convolutionsThatDoNotFit() async {
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 4, 4, 3]).convolved(with: Tensor(zeros: [3, 3, 2, 5]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 4, 4, 3]).convolved(with: Tensor(zeros: [3, 3, 3, 5]), bias: Tensor(zeros: [4]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 2, 2, 3]).convolved(with: Tensor(zeros: [3, 3, 3, 5]), padding: .valid)
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 4, 4, 3]).convolved(with: Tensor(zeros: [3, 3, 3, 5]), stride: 0)
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 4, 4, 3]).convolved(with: Tensor(zeros: [0, 3, 3, 5]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [4, 4, 3]).convolved(with: Tensor(zeros: [3, 3, 3, 5]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 0, 4, 3]).convolved(with: Tensor(zeros: [3, 3, 3, 5]))
    }
  }

  @Test func poolingsThatDoNotFit() async {
    await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [1, 2, 2, 1]).maxPooled(window: 3, stride: 1) }
    await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [1, 2, 2, 1]).maxPooled(window: 2, stride: 0) }
    // The winner's position is a byte.
    await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [1, 40, 40, 1]).maxPooled(window: 16, stride: 1) }
    await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2, 2]).globalAveragePooled() }
    await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2, 0, 3, 1]).globalAveragePooled() }
  }

  @Test func normalizationsThatDoNotFit() async {
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [4, 3]).batchNormalized(gamma: Tensor(zeros: [2]), beta: Tensor(zeros: [3]), epsilon: 1e-3)
    }
    // No rows have no mean.
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [0, 300]).batchNormalized(
        gamma: Tensor(zeros: [300]), beta: Tensor(zeros: [300]), epsilon: 1e-3)
    }
    await #expect(processExitsWith: .failure) {
      let three = Tensor(zeros: [3])
      _ = Tensor(zeros: [4, 3]).normalized(
        mean: Tensor(zeros: [4]), variance: three, gamma: three, beta: three, epsilon: 1e-3)
    }
  }

  @Test func classesThatDoNotExist() async {
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 3]).softmaxCrossEntropy(targets: Tensor([Int32(3)], shape: [1]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 3]).softmaxCrossEntropy(targets: Tensor([Int32(-1)], shape: [1]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 3]).softmaxCrossEntropy(targets: Tensor([Int32(0), 1], shape: [2]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 3]).softmaxCrossEntropy(targets: Tensor([Float(0)], shape: [1]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 3]).softmaxCrossEntropy(targets: Tensor([Int32(0)], shape: [1]), labelSmoothing: 2)
    }
    await #expect(processExitsWith: .failure) {
      _ = Parameter("x", value: Tensor(zeros: [2])).tensor(tracking: true).softmax()
    }
  }

  @Test func labelsThatDoNotFitTheirColumns() async {
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [4, 3]).ctcLoss(labels: Tensor([Int32(0)], shape: [1, 1]), blank: 2)
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 4, 3]).ctcLoss(labels: Tensor([Int32(0), 1], shape: [2, 1]), blank: 2)
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 4, 3]).ctcLoss(labels: Tensor([Int32(0)], shape: [1]), blank: 2)
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 4, 3]).ctcLoss(labels: Tensor([Float(0)], shape: [1, 1]), blank: 2)
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor([UInt8](repeating: 0, count: 12), shape: [1, 4, 3])
        .ctcLoss(labels: Tensor([Int32(0)], shape: [1, 1]), blank: 2)
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 4, 3]).ctcLoss(labels: Tensor([Int32(3)], shape: [1, 1]), blank: 2)
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 4, 3]).ctcLoss(labels: Tensor([Int32(-1)], shape: [1, 1]), blank: 2)
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 4, 3]).ctcLoss(labels: Tensor([Int32(0)], shape: [1, 1]), blank: 3)
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 4, 3]).ctcLoss(labels: Tensor([Int32(0)], shape: [1, 1]), blank: -1)
    }
    // A character behind the label's end.
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1, 4, 3]).ctcLoss(labels: Tensor([Int32(0), 2, 1], shape: [1, 3]), blank: 2)
    }
  }

  /// Bytes read as float32 would reach past their end.
  @Test func bytesWhereFloatsBelong() async {
    await #expect(processExitsWith: .failure) { _ = Tensor([UInt8(1)], shape: [1]) + Tensor([UInt8(1)], shape: [1]) }
    await #expect(processExitsWith: .failure) { _ = Tensor([Float(1)], shape: [1]) * Tensor([UInt8(1)], shape: [1]) }
    await #expect(processExitsWith: .failure) { _ = Tensor([UInt8(1)], shape: [1]) * 2 }
    await #expect(processExitsWith: .failure) { _ = Tensor([UInt8(1)], shape: [1]).relu() }
    await #expect(processExitsWith: .failure) { _ = Tensor([UInt8(1)], shape: [1]).sigmoid() }
    await #expect(processExitsWith: .failure) { _ = Tensor([UInt8(1)], shape: [1]).sum() }
    await #expect(processExitsWith: .failure) { _ = Tensor([UInt8(1)], shape: [1]).norm }
    await #expect(processExitsWith: .failure) { _ = Tensor([UInt8(1)], shape: [1]).softmax() }
    await #expect(processExitsWith: .failure) {
      _ = Tensor([UInt8(1)], shape: [1]).droppedOut(rate: 0.5, stream: RandomStream(seed: 1))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor([UInt8(1)], shape: [1, 1]).matrixProduct(Tensor(zeros: [1, 1]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor(zeros: [1]).sigmoidCrossEntropy(targets: Tensor([UInt8(1)], shape: [1]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor([UInt8(1)], shape: [1, 1, 1, 1]).convolved(with: Tensor(zeros: [1, 1, 1, 1]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Tensor([UInt8(1)], shape: [1, 1, 1, 1]).maxPooled(window: 1, stride: 1)
    }
    await #expect(processExitsWith: .failure) { _ = Tensor([UInt8(1)], shape: [1, 1, 1, 1]).globalAveragePooled() }
    await #expect(processExitsWith: .failure) { _ = Tensor([Float(1)], shape: [1]).floats(dividedBy: 255) }
  }
}
