import Foundation
import Synchronization
import Testing

@testable import Tensor

/// The thread count belongs to the whole process: each test that sets it has a process of its own.
@Suite struct ThreadsTests {
  @Test func partsCoverEverything() {
    for parts in 1...9 {
      for count in [0, 1, 2, 3, 7, 8, 9, 100, 101] {
        let ranges = (0..<parts).map { Threads.part($0, of: parts, count: count) }
        #expect(ranges.flatMap { Array($0) } == Array(0..<count))
        let sizes = ranges.map(\.count)
        #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
      }
    }
  }

  @Test func undividedWorkStaysOnItsThread() async {
    await #expect(processExitsWith: .success) {
      Threads.count = 3
      Threads.undivided {
        #expect(Threads.count == 1)
        let caller = ObjectIdentifier(Thread.current)
        let parts = Mutex<[Range<Int>]>([])
        Threads.forEachPart(of: 100) { items, _ in
          #expect(ObjectIdentifier(Thread.current) == caller)
          parts.withLock { $0.append(items) }
        }
        #expect(parts.withLock { $0 } == [0..<100])
        #expect(
          Threads.map(count: 100) { _ in ObjectIdentifier(Thread.current) == caller }
            == [Bool](repeating: true, count: 100))
        // Other threads are not concerned.
        let counted = Mutex(0)
        let thread = Thread { counted.withLock { $0 = Threads.count } }
        thread.start()
        while !thread.isFinished { usleep(100) }
        #expect(counted.withLock { $0 } == 3)
      }
      #expect(Threads.count == 3)
    }
  }

  @Test func everyItemIsTakenOnce() async {
    await #expect(processExitsWith: .success) {
      for threads in [1, 2, 3, 4, 7] {
        Threads.count = threads
        for count in [0, 1, 2, 3, 5, 16, 17, 101, 1001] {
          for minimum in [1, 2, 10, 1000, 0] {
            let taken = Mutex<[(items: Range<Int>, part: Int)]>([])
            Threads.forEachPart(of: count, minimum: minimum) { items, part in
              taken.withLock { $0.append((items, part)) }
            }
            let parts = taken.withLock { $0 }.sorted { $0.part < $1.part }
            #expect(parts.flatMap { Array($0.items) } == Array(0..<count))
            #expect(parts.map(\.part) == Array(0..<parts.count))
            #expect(parts.count <= threads && parts.count == Threads.partCount(of: count, minimum: minimum))
            #expect(parts.count < 2 || parts.allSatisfy { $0.items.count >= minimum })
          }
        }
      }
    }
  }

  @Test func everyPortionIsTakenOnce() async {
    await #expect(processExitsWith: .success) {
      for threads in [1, 2, 3, 8] {
        Threads.count = threads
        for count in [0, 1, 2, 3, 17, 101] {
          for (minimum, perThread) in [(1, 1), (1, 4), (4, 2), (1000, 8), (0, 3)] {
            let portions = Threads.portionCount(of: count, minimum: minimum, perThread: perThread)
            let made = Atomic<Int>(0)
            let taken = Mutex<[(items: Range<Int>, portion: Int)]>([])
            @Sendable func makeScratch() -> Thread {
              made.wrappingAdd(1, ordering: .relaxed)
              return Thread.current
            }
            Threads.forEachPortion(of: count, portions: portions, scratch: makeScratch) { items, portion, thread in
              // Scratch memory is of one thread only.
              #expect(thread == Thread.current)
              taken.withLock { $0.append((items, portion)) }
            }
            let sorted = taken.withLock { $0 }.sorted { $0.portion < $1.portion }
            #expect(sorted.flatMap { Array($0.items) } == Array(0..<count))
            #expect(sorted.map(\.portion) == Array(0..<portions))
            #expect(portions <= max(1, threads * perThread) && (threads > 1 || portions <= 1))
            #expect(portions < 2 || sorted.allSatisfy { $0.items.count >= minimum })
            #expect(made.load(ordering: .relaxed) <= min(threads, portions))
          }
        }
      }
    }
  }

  @Test func mapKeepsTheOrder() async {
    await #expect(processExitsWith: .success) {
      for threads in [1, 2, 3, 8] {
        Threads.count = threads
        for count in [0, 1, 2, 3, 17, 1000] {
          #expect(Threads.map(count: count) { "\($0)" } == (0..<count).map { "\($0)" })
        }
        let nested = Threads.map(count: 5) { outer in Threads.map(count: 7) { outer * $0 } }
        #expect(nested == (0..<5).map { outer in (0..<7).map { outer * $0 } })
      }
    }
  }

  @Test func countOfAnyOtherSignStops() async {
    await #expect(processExitsWith: .failure) { Threads.count = 0 }
    await #expect(processExitsWith: .failure) { Threads.count = -1 }
  }

  /// Results of one training step of a small network: large enough that every operation is divided.
  private static func step() -> [String: [Float]] {
    var numbers = Numbers("step")
    let kernel = Parameter("kernel", value: numbers.normal([3, 3, 3, 17]) * 0.2)
    let bias = Parameter("bias", value: numbers.normal([17]))
    let gamma = Parameter("gamma", value: numbers.normal([17]))
    let dense = Parameter("dense", value: numbers.normal([17 * 13 * 20, 120]) * 0.02)
    let x = numbers.normal([5, 26, 40, 3])
    let y = x.convolved(with: kernel.tensor(tracking: true), bias: bias.tensor(tracking: true), relu: true)
    let normalized = y.batchNormalized(
      gamma: gamma.tensor(tracking: true), beta: bias.tensor(tracking: true), epsilon: 1e-3)
    let pooled = normalized.output.maxPooled(window: 2, stride: 2)
    let features = pooled.droppedOut(rate: 0.3, stream: RandomStream(seed: 2)).reshaped(to: [5, 17 * 13 * 20])
    let logits = features.matrixProduct(dense.tensor(tracking: true))
    let loss = logits.softmaxCrossEntropy(targets: numbers.classes(5, of: 120))
    let gradients = loss.backward()
    var results = ["loss": [loss.scalar], "logits": logits.elements(), "mean": normalized.mean.elements()]
    for parameter in [kernel, bias, gamma, dense] { results[parameter.name] = gradients[parameter]?.elements() }
    return results
  }

  @Test func sameThreadCountGivesTheSameBits() async {
    await #expect(processExitsWith: .success) {
      for threads in [1, 2, 3] {
        Threads.count = threads
        let first = ThreadsTests.step()
        #expect(first.count == 7)
        for _ in 0..<3 { #expect(ThreadsTests.step() == first) }
      }
    }
  }

  @Test func threadCountsAgreeWithinRounding() async {
    await #expect(processExitsWith: .success) {
      Threads.count = 1
      let one = ThreadsTests.step()
      for threads in [2, 3, 5, 16] {
        Threads.count = threads
        for (name, values) in ThreadsTests.step() {
          expectClose(values, (one[name] ?? []).map(Double.init), tolerance: 2e-5, "\(name), \(threads) threads")
        }
      }
    }
  }

  /// Fewer images than threads: rows are divided. Whole numbers, so that nothing may differ at all.
  @Test func bandsOfRowsEqualTheWhole() async {
    await #expect(processExitsWith: .success) {
      for sizes in [
        ConvolutionSizes(height: 13, width: 11, inputs: 3, outputs: 5),
        ConvolutionSizes(height: 14, width: 9, inputs: 2, outputs: 17, stride: 2),
        ConvolutionSizes(
          batch: 2, height: 9, width: 9, inputs: 2, outputs: 3, kernelHeight: 5, kernelWidth: 5, stride: 3),
        ConvolutionSizes(batch: 3, height: 2, width: 9, inputs: 2, outputs: 3),
        ConvolutionSizes(height: 1, width: 9, inputs: 2, outputs: 3),
        ConvolutionSizes(height: 11, width: 8, inputs: 2, outputs: 3, stride: 2, padding: .valid),
      ] {
        var numbers = Numbers("bands")
        let (x, kernel) = (numbers.whole(sizes.x), numbers.whole(sizes.kernel))
        let dy = numbers.whole(sizes.geometry.outputShape)
        let y = Reference.convolution(
          x.doubles, kernel.doubles, bias: nil, outputs: sizes.outputs, window: sizes.window)
        let gradients = Reference.convolutionGradients(
          x.doubles, kernel.doubles, dy: dy.doubles, outputs: sizes.outputs, window: sizes.window)
        for threads in [1, 2, 3, 4, 8, 16] {
          Threads.count = threads
          let backend = CPUBackend()
          expectClose(
            backend.convolution(x, kernel: kernel, bias: nil, geometry: sizes.geometry, relu: false), y, tolerance: 0,
            "\(threads) threads, \(sizes)")
          expectClose(
            backend.convolutionInputGradient(dy, kernel: kernel, geometry: sizes.geometry), gradients.x, tolerance: 0,
            "input gradient, \(threads) threads, \(sizes)")
          expectClose(
            backend.convolutionKernelGradient(x, dy: dy, geometry: sizes.geometry), gradients.kernel, tolerance: 0,
            "kernel gradient, \(threads) threads, \(sizes)")
        }
      }
    }
  }

  @Test func dropoutDoesNotDependOnTheThreadCount() async {
    await #expect(processExitsWith: .success) {
      let x = Tensor(repeating: 1, shape: [100_003])
      let results = [1, 2, 3, 7].map { threads in
        Threads.count = threads
        return x.droppedOut(rate: 0.4, stream: RandomStream(seed: 5)).elements()
      }
      #expect(results.allSatisfy { $0 == results[0] })
    }
  }

  /// A change between the reading of the count and its use must not write past the sums of the parts.
  @Test func theCountMayChangeMeanwhile() async {
    await #expect(processExitsWith: .success) {
      let x = Tensor(repeating: 1, shape: [100_000, 4])
      let isDone = Atomic(false)
      let changer = Thread {
        while !isDone.load(ordering: .relaxed) { for threads in 1...16 { Threads.count = threads } }
      }
      changer.start()
      for _ in 0..<200 {
        #expect(CPUBackend().columnSums(x).elements() == [100_000, 100_000, 100_000, 100_000])
        #expect(x.norm.isApproximately(400_000.0.squareRoot()))
      }
      isDone.store(true, ordering: .relaxed)
    }
  }
}
