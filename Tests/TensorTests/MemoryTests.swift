import Synchronization
import Testing

@testable import Tensor

/// What is alive when. Each test has a process of its own, since the pool counts the tensors of all threads.
@Suite struct MemoryTests {
  @Test func everyBlockIsReturned() async {
    await #expect(processExitsWith: .success) {
      let start = StoragePool.shared.liveCount
      do {
        var numbers = Numbers("live blocks")
        let kernel = Parameter("kernel", value: numbers.normal([3, 3, 3, 8]))
        let bias = Parameter("bias", value: numbers.normal([8]))
        let gamma = Parameter("gamma", value: numbers.normal([8]))
        let dense = Parameter("dense", value: numbers.normal([8, 5]))
        let x = numbers.normal([4, 9, 10, 3])
        let targets = numbers.classes(4, of: 5)
        for step in 0..<3 {
          let y = x.convolved(
            with: kernel.tensor(tracking: true), bias: bias.tensor(tracking: true), stride: 2, relu: true)
          let normalized = y.batchNormalized(
            gamma: gamma.tensor(tracking: true), beta: bias.tensor(tracking: true), epsilon: 1e-3
          ).output
          let pooled = normalized.maxPooled(window: 2, stride: 2).droppedOut(rate: 0.2, stream: RandomStream(seed: 1))
          let logits = pooled.globalAveragePooled().matrixProduct(dense.tensor(tracking: true))
          let loss = logits.softmaxCrossEntropy(targets: targets) + logits.sigmoid().mean()
          // The last graph is dropped without a backward pass.
          if step < 2 { #expect(loss.backward().count == 4) }
        }
      }
      #expect(StoragePool.shared.liveCount == start)
      #expect(StoragePool.shared.peakLiveBytes > 0)
    }
  }

  @Test func activationsAreFreedOnTheWayBack() async {
    await #expect(processExitsWith: .success) {
      let live = Mutex<[Int]>([])
      let parameter = Parameter("x", value: Tensor(repeating: 1, shape: [250_000]))
      var value = parameter.tensor(tracking: true)
      for _ in 0..<20 {
        // Keeps its result for the gradient, and says how much is alive when the gradient comes by.
        value = value.sigmoid()
        value = Tensor.tracked(value.detached, from: [value], operation: "probe") { dy in
          live.withLock { $0.append(StoragePool.shared.liveBytes) }
          return [dy]
        }
      }
      let loss = value.sum()
      value = Tensor(0)
      let before = StoragePool.shared.liveBytes
      _ = loss.backward()
      let seen = live.withLock { $0 }
      #expect(seen.count == 20)
      // One activation of a megabyte less at each step.
      #expect(zip(seen, seen.dropFirst()).allSatisfy { $1 <= $0 - 1_000_000 })
      #expect(StoragePool.shared.liveBytes < before - 19_000_000)
    }
  }

  @Test func droppedGraphsFreeTheirActivations() async {
    await #expect(processExitsWith: .success) {
      let parameter = Parameter("x", value: Tensor(repeating: 1, shape: [1000]))
      let start = StoragePool.shared.liveBytes
      var value = parameter.tensor(tracking: true)
      for _ in 0..<1000 { value = value.sigmoid() }
      #expect(StoragePool.shared.liveBytes >= start + 1000 * 4000)
      value = parameter.value
      #expect(StoragePool.shared.liveBytes == start)
    }
  }

  @Test func freeBlocksServeAgain() async {
    await #expect(processExitsWith: .success) {
      var first: Tensor? = Tensor(zeros: [1000])
      let address = first?.storage.bytes
      first = nil
      // Another size that the same block holds.
      let second = Tensor(zeros: [900])
      #expect(second.storage.bytes == address)
      let third = Tensor(zeros: [900])
      #expect(third.storage.bytes != address)
    }
  }

  @Test func countsFollowTheTensors() async {
    await #expect(processExitsWith: .success) {
      let pool = StoragePool.shared
      let (count, bytes) = (pool.liveCount, pool.liveBytes)
      do {
        let a = Tensor(zeros: [1024])
        let b = a.reshaped(to: [32, 32])
        var c = a
        #expect(pool.liveCount == count + 1 && pool.liveBytes == bytes + 4096)
        c.withMutableElements(of: Float.self) { $0[0] = 1 }
        #expect(pool.liveCount == count + 2 && b.shape.count == 1024)
      }
      #expect(pool.liveCount == count && pool.liveBytes == bytes && pool.peakLiveBytes >= bytes + 8192)
      pool.trim()
      #expect(Tensor(repeating: 2, shape: [1024]).elements().allSatisfy { $0 == 2 })
      #expect(pool.liveCount == count)
    }
  }

  @Test func threadsShareThePool() async {
    await withTaskGroup(of: Bool.self) { group in
      for worker in 0..<4 {
        group.addTask {
          (0..<2000).allSatisfy { round in
            let size = 1 + (round * 7 + worker) % 300
            let tensor = Tensor(repeating: Float(worker), shape: [size])
            return tensor.withElements(of: Float.self) { $0.allSatisfy { $0 == Float(worker) } }
          }
        }
      }
      for await isRight in group { #expect(isRight) }
    }
  }
}
