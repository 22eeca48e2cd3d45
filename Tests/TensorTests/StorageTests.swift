import Foundation
import Testing

@testable import Tensor

@Suite struct StorageTests {
  @Test func copiesAreIndependentAfterAWrite() {
    let a = Tensor([1, 2, 3] as [Float], shape: [3])
    var b = a
    #expect(a.storage === b.storage)
    b.withMutableElements(of: Float.self) { $0[0] = 9 }
    #expect(a.storage !== b.storage)
    #expect(a.elements() == [1, 2, 3] && b.elements() == [9, 2, 3])
    // b's memory is its own by now: no second copy.
    let address = b.storage.bytes
    b.withMutableElements(of: Float.self) { $0[1] = 8 }
    #expect(b.storage.bytes == address && b.elements() == [9, 8, 3])
  }

  @Test func copiesOfEveryTypeAreIndependent() {
    let bytes = Tensor([1, 2] as [UInt8], shape: [2])
    let classes = Tensor([-1, .max] as [Int32], shape: [2])
    var (otherBytes, otherClasses) = (bytes, classes)
    otherBytes.withMutableElements(of: UInt8.self) { $0[1] = 255 }
    otherClasses.withMutableElements(of: Int32.self) { $0[0] = .min }
    #expect(bytes.elements(of: UInt8.self) == [1, 2] && otherBytes.elements(of: UInt8.self) == [1, 255])
    #expect(classes.elements(of: Int32.self) == [-1, .max] && otherClasses.elements(of: Int32.self) == [.min, .max])
  }

  @Test func reshapedSharesMemoryUntilAWrite() {
    let a = Tensor((0..<12).map(Float.init), shape: [3, 4])
    var b = a.reshaped(to: [2, 6])
    #expect(a.storage === b.storage && b.shape == [2, 6] && b.elements() == a.elements())
    b.withMutableElements(of: Float.self) { $0[11] = -1 }
    #expect(a.elements()[11] == 11 && b.elements()[11] == -1)
    #expect(Tensor([1, 2] as [UInt8], shape: [2]).reshaped(to: [1, 2]).dtype == .uint8)
  }

  @Test func operationsLeaveTheirInputsAlone() {
    let a = Tensor([1, -2, 3, -4] as [Float], shape: [1, 2, 2, 1])
    _ = (a + a, a * a, a.relu(), a.sigmoid(), a * 2, a.maxPooled(window: 2, stride: 2))
    _ = a.convolved(with: Tensor(repeating: 1, shape: [3, 3, 1, 2]), relu: true)
    #expect(a.elements() == [1, -2, 3, -4])
  }

  @Test func blocksAreAligned() {
    for size in [0, 1, 63, 64, 65, 4095, 1 << 20, 2 << 20, (2 << 20) + 1, 5_000_000] {
      let tensor = Tensor(uninitialized: [size], dtype: .uint8)
      let alignment = size >= 2 << 20 ? 2 << 20 : 64
      #expect(Int(bitPattern: tensor.storage.bytes) % alignment == 0, "\(size) bytes")
    }
  }

  @Test func capacityHoldsTheRequestAndWastesLittle() {
    #expect(StoragePool.capacity(for: 0) == 64 && StoragePool.capacity(for: 64) == 64)
    #expect(StoragePool.capacity(for: 65) == 128 && StoragePool.capacity(for: 129) == 256)
    var sizes = Array(1...3000)
    for shift in 11...40 { sizes += [(1 << shift) - 1, 1 << shift, (1 << shift) + 1, (1 << shift) * 5 / 4 + 7] }
    var last = 0
    for size in sizes {
      let capacity = StoragePool.capacity(for: size)
      #expect(capacity >= size && capacity % 64 == 0, "\(size)")
      #expect(capacity <= max(64, size >= 4 << 20 ? size + size / 4 : 2 * size), "\(size)")
      // A block serves again every request that it was made for.
      #expect(StoragePool.capacity(for: capacity) == capacity, "\(size)")
      #expect(size < last || capacity >= StoragePool.capacity(for: last), "\(size)")
      last = size
    }
  }

  @Test func emptyTensorsWork() {
    for shape: Shape in [[0], [3, 0], [0, 5, 2]] {
      let tensor = Tensor(zeros: shape)
      #expect(tensor.elements().isEmpty && tensor.shape.count == 0)
      #expect((tensor + tensor).elements().isEmpty && tensor.relu().elements().isEmpty)
      #expect(tensor.sum().scalar == 0 && tensor.norm == 0)
      #expect(tensor.droppedOut(rate: 0.5, stream: RandomStream(seed: 1)).shape == shape)
      #expect(!tensor.description.isEmpty)
    }
    let bytes = Tensor([UInt8](), shape: [0, 4])
    #expect(bytes.floats(dividedBy: 255).shape == [0, 4])
  }

  @Test func descriptionNamesTypeShapeAndFirstElements() {
    #expect(Tensor([1, 2.5] as [Float], shape: [2]).description == "Tensor float32 [2]: 1.0, 2.5")
    #expect(Tensor([7] as [UInt8], shape: [1, 1]).description == "Tensor uint8 [1, 1]: 7")
    let many = Tensor((0..<9).map(Int32.init), shape: [9]).description
    #expect(many == "Tensor int32 [9]: 0, 1, 2, 3, 4, 5, 6, 7, …")
  }

  @Test func misuseStops() async {
    await #expect(processExitsWith: .failure) { _ = Tensor([1, 2] as [Float], shape: [3]) }
    await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2]).scalar }
    await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2]).elements(of: Int32.self) }
    await #expect(processExitsWith: .failure) { _ = Tensor(zeros: [2, 3]).reshaped(to: [5]) }
    await #expect(processExitsWith: .failure) { _ = Tensor(uninitialized: [1 << 40, 1 << 12]) }
  }
}

@Suite struct ShapeTests {
  @Test func sizes() {
    let shape: Shape = [2, 3, 5]
    #expect(shape.rank == 3 && shape.count == 30 && shape.rows == 6)
    #expect(shape[0] == 2 && shape[-1] == 5 && shape[-3] == 2)
    #expect(shape.description == "[2, 3, 5]")
    #expect(([] as Shape).count == 1 && ([] as Shape).rank == 0 && ([] as Shape).rows == 1)
    #expect(([4, 0] as Shape).count == 0 && ([4, 0] as Shape).rows == 4)
  }

  @Test func overflowIsNoticed() {
    #expect(Shape.count(of: [1 << 31, 1 << 31]) == nil)
    #expect(Shape.count(of: [Int.max, Int.max]) == nil)
    #expect(Shape.count(of: [-1]) == nil && Shape.count(of: [0, -1]) == nil)
    #expect(Shape.count(of: [0, Int.max]) == 0)
  }

  @Test func codingIsAnArrayAndRefusesNonsense() throws {
    let coded = try JSONEncoder().encode([2, 3] as Shape)
    #expect(String(decoding: coded, as: UTF8.self) == "[2,3]")
    #expect(try JSONDecoder().decode(Shape.self, from: coded) == [2, 3])
    for text in ["[-1]", "[4611686018427387904,4]", "[1.5]", "{}", "[\"2\"]"] {
      #expect(throws: (any Error).self) { try JSONDecoder().decode(Shape.self, from: Data(text.utf8)) }
    }
  }

  @Test func misuseStops() async {
    await #expect(processExitsWith: .failure) { _ = Shape([2, -1]) }
    await #expect(processExitsWith: .failure) { _ = Shape([1 << 40, 1 << 40]) }
    await #expect(processExitsWith: .failure) { _ = Shape([2])[1] }
    await #expect(processExitsWith: .failure) { _ = Shape([])[-1] }
  }
}
