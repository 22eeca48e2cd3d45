import Foundation
import Synchronization
import Testing

@testable import Tensor

/// What a tensor's memory keeps besides its elements: forms computed from them.
@Suite struct DerivedFormTests {
  /// Makes forms and counts how often.
  private final class Maker: Sendable {
    private let counter = Atomic<Int>(0)
    var count: Int { counter.load(ordering: .relaxed) }

    /// The form of `tensor`: its elements doubled.
    func form(of tensor: Tensor, _ name: String = "doubled", microseconds: UInt32 = 0) -> Tensor {
      tensor.derived(name) {
        counter.wrappingAdd(1, ordering: .relaxed)
        if microseconds > 0 { usleep(microseconds) }
        return tensor.detached * 2
      }
    }
  }

  private let values: [Float] = [1, 2, 3, 4, 5, 6]

  @Test func isKeptUntilTheElementsChange() {
    let maker = Maker()
    var tensor = Tensor(values, shape: [6])
    let first = maker.form(of: tensor)
    let again = maker.form(of: tensor)
    #expect(maker.count == 1 && again.storage === first.storage && first.elements() == [2, 4, 6, 8, 10, 12])
    // Reading changes nothing.
    _ = (tensor.elements(), tensor * 2, tensor.detached.elements())
    _ = maker.form(of: tensor)
    #expect(maker.count == 1)

    let address = tensor.storage.bytes
    tensor.withMutableElements(of: Float.self) { $0[0] = 10 }
    #expect(tensor.storage.bytes == address)
    #expect(maker.form(of: tensor).elements() == [20, 4, 6, 8, 10, 12] && maker.count == 2)
    #expect(first.elements() == [2, 4, 6, 8, 10, 12])
  }

  @Test func copiesKeepTheirOwn() {
    let maker = Maker()
    let tensor = Tensor(values, shape: [6])
    let form = maker.form(of: tensor)
    var copy = tensor
    #expect(maker.form(of: copy).storage === form.storage && maker.count == 1)
    // Written to, the copy has memory and forms of its own. The elements that are left behind drop theirs, since they are
    // mostly snapshots, and make them again when asked.
    copy.withMutableElements(of: Float.self) { $0[5] = 0 }
    #expect(maker.form(of: copy).elements() == [2, 4, 6, 8, 10, 0] && maker.count == 2)
    #expect(maker.form(of: tensor).elements() == [2, 4, 6, 8, 10, 12] && maker.count == 3)
    copy.withMutableElements(of: Float.self) { $0[4] = 0 }
    #expect(maker.form(of: copy).elements() == [2, 4, 6, 8, 0, 0] && maker.count == 4)
    #expect(maker.form(of: tensor).elements() == [2, 4, 6, 8, 10, 12] && maker.count == 4)
  }

  @Test func formsAndShapesDoNotMix() {
    let maker = Maker()
    let tensor = Tensor(values, shape: [6])
    let matrix = tensor.reshaped(to: [2, 3])
    #expect(matrix.storage === tensor.storage)
    #expect(maker.form(of: tensor).shape == [6] && maker.form(of: matrix).shape == [2, 3])
    #expect(maker.form(of: tensor.reshaped(to: [3, 2])).shape == [3, 2])
    #expect(maker.count == 3)
    _ = (maker.form(of: tensor), maker.form(of: matrix))
    #expect(maker.count == 3)
    _ = (maker.form(of: tensor, "another"), maker.form(of: tensor, "another"))
    #expect(maker.count == 4)
    // One history or another: the elements are the same.
    _ = maker.form(of: Parameter("x", value: tensor).tensor(tracking: true))
    #expect(maker.count == 4)
  }

  /// All of them get the one that was made first.
  @Test func severalThreadsMakeItOnce() {
    for round in 0..<200 {
      let maker = Maker()
      let tensor = Tensor(repeating: Float(round), shape: [100])
      let forms = Mutex<[Tensor]>([])
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        // Slow enough for the others to come by meanwhile.
        let form = maker.form(of: tensor, microseconds: 100)
        forms.withLock { $0.append(form) }
      }
      let made = forms.withLock { $0 }
      #expect(maker.count == 1 && made.count == 8)
      #expect(made.allSatisfy { $0.storage === made[0].storage })
      #expect(made[0].elements() == [Float](repeating: Float(2 * round), count: 100))
    }
  }

  /// Threads that recognise at the same time share the kernels, each with parts on other threads; nobody waits for ever.
  @Test(arguments: [true, false])
  func convolutionsShareKernelsAmongThreads(allowsWinograd: Bool) async {
    await #expect(processExitsWith: .success) { [allowsWinograd] in
      Threads.count = 4
      let backend = CPUBackend(allowsWinograd: allowsWinograd)
      for round in 0..<20 {
        var numbers = Numbers("shared kernels", round)
        let sizes = ConvolutionSizes(batch: 4, height: 6, width: 7, inputs: 32, outputs: 33)
        let geometry = sizes.geometry
        let (x, kernel) = (numbers.normal(sizes.x), numbers.normal(sizes.kernel))
        let dy = numbers.normal(geometry.outputShape)
        let results = Mutex<[[Float]]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
          let y = backend.convolution(x, kernel: kernel, bias: nil, geometry: geometry, relu: false)
          let dx = backend.convolutionInputGradient(dy, kernel: kernel, geometry: geometry)
          results.withLock { $0.append(y.elements() + dx.elements()) }
        }
        let found = results.withLock { $0 }
        #expect(found.count == 8 && found.allSatisfy { $0 == found[0] })
      }
    }
  }

  @Test func isFreedWithItsTensorAndByAWrite() async {
    await #expect(processExitsWith: .success) {
      let maker = Maker()
      let start = StoragePool.shared.liveCount
      do {
        var tensor = Tensor(zeros: [6])
        _ = maker.form(of: tensor)
        #expect(StoragePool.shared.liveCount == start + 2)
        tensor.withMutableElements(of: Float.self) { $0[0] = 1 }
        #expect(StoragePool.shared.liveCount == start + 1)
        _ = maker.form(of: tensor)
      }
      #expect(StoragePool.shared.liveCount == start && maker.count == 2)
    }
  }

  private static let convolutions = [
    ConvolutionSizes(batch: 2, height: 7, width: 6, inputs: 3, outputs: 33),
    ConvolutionSizes(batch: 2, height: 7, width: 6, inputs: 16, outputs: 40),
  ]

  /// Convolutions keep their kernels in the order of their loops: of each level its own, and never an old one.
  @Test(arguments: convolutions, [true, false])
  func convolutionsSeeChangedKernels(sizes: ConvolutionSizes, allowsWinograd: Bool) {
    var numbers = Numbers("changed kernels")
    let x = numbers.normal(sizes.x)
    let dy = numbers.normal(sizes.geometry.outputShape)
    var kernel = numbers.normal(sizes.kernel)
    let address = kernel.storage.bytes
    for step in 0..<3 {
      for level in SIMDLevel.supported + SIMDLevel.supported.reversed() {
        let backend = CPUBackend(level: level, allowsWinograd: allowsWinograd)
        let fresh = Tensor(kernel.elements(), shape: kernel.shape)
        for relu in [true, false] {
          let y = backend.convolution(x, kernel: kernel, bias: nil, geometry: sizes.geometry, relu: relu)
          let expected = backend.convolution(x, kernel: fresh, bias: nil, geometry: sizes.geometry, relu: relu)
          #expect(y.elements() == expected.elements(), "\(level), step \(step)")
        }
        let dx = backend.convolutionInputGradient(dy, kernel: kernel, geometry: sizes.geometry)
        let expected = backend.convolutionInputGradient(dy, kernel: fresh, geometry: sizes.geometry)
        #expect(dx.elements() == expected.elements(), "input gradient, \(level), step \(step)")
      }
      kernel.withMutableElements(of: Float.self) { elements in
        for index in elements.indices { elements[index] += Float(index % 7) - 2 }
      }
      #expect(kernel.storage.bytes == address)
    }
  }

  /// One kernel's elements in two shapes, and the same shape with another kernel.
  @Test func convolutionsOfReshapedKernelsDoNotMix() {
    var numbers = Numbers("reshaped kernels")
    let wide = numbers.normal([3, 3, 16, 32])
    let deep = wide.reshaped(to: [3, 3, 32, 16])
    for (kernel, inputs) in [(wide, 16), (deep, 32), (wide, 16)] {
      let x = numbers.normal([1, 6, 7, inputs])
      let sizes = ConvolutionSizes(height: 6, width: 7, inputs: inputs, outputs: 48 - inputs)
      let expected = Reference.convolution(
        x.doubles, kernel.doubles, bias: nil, outputs: sizes.outputs, window: sizes.window)
      expectClose(x.convolved(with: kernel), expected, shape: sizes.geometry.outputShape)
    }
  }

  /// An optimizer writes to a parameter in place: the next pass must use the new weights.
  @Test func parametersThatChangeInPlaceAreSeen() {
    var numbers = Numbers("changed parameters")
    let x = numbers.normal([1, 8, 9, 16])
    let kernel = Parameter("kernel", value: numbers.normal([3, 3, 16, 17]))
    for _ in 0..<3 {
      let fresh = Tensor(kernel.value.elements(), shape: kernel.shape)
      #expect(x.convolved(with: kernel.tensor(tracking: true)).elements() == x.convolved(with: fresh).elements())
      kernel.value.withMutableElements(of: Float.self) { $0[100] += 1 }
    }
  }
}
