import Synchronization
import Tensor
import Testing

@testable import Data

/// `count` images of 4×2×3, image i all of value i, in the order of the indices.
func numberedDataset(count: Int, name: @Sendable (Int) -> String = { "\($0)" }) throws -> Dataset {
  try Dataset(width: 4, height: 2, channels: 3, count: count) { index, pixels in
    pixels.initialize(repeating: UInt8(index % 256))
    return Sample(name: name(index), label: "\(index)", type: index % 2 == 0 ? "even" : nil)
  }
}

@Suite struct DatasetTests {
  @Test func holdsWhatWasFilledIn() throws {
    let dataset = try numberedDataset(count: 300)
    #expect(dataset.count == 300 && dataset.imageSize == 24)
    for index in [0, 1, 17, 255, 299] {
      #expect(
        try dataset.image(at: index)
          == Image(width: 4, height: 2, color: [UInt8](repeating: UInt8(index % 256), count: 3)))
      #expect(dataset.labels[index] == "\(index)" && dataset.names[index] == "\(index)")
      #expect(dataset.types[index] == (index % 2 == 0 ? "even" : nil))
      #expect(try dataset.withImageBytes(at: index) { [$0.count, Int($0[23])] } == [24, index % 256])
    }
  }

  @Test func aSubsetSharesTheImages() throws {
    let subset: Dataset
    do {
      let dataset = try numberedDataset(count: 10)
      subset = dataset.subset([7, 2, 2]).subset([2, 0])
      let original = try dataset.withImageBytes(at: 7) { $0.baseAddress }
      #expect(try subset.withImageBytes(at: 1) { $0.baseAddress } == original)
    }
    #expect(subset.labels == ["2", "7"])
    #expect(try subset.image(at: 0).pixels[0] == 2 && subset.image(at: 1).pixels[0] == 7)
  }

  @Test func reportsProgress() throws {
    let calls = Mutex<[Int]>([])
    _ = try Dataset(width: 1, height: 1, channels: 1, count: 50) { done, total in
      calls.withLock { $0.append(total == 50 ? done : -1) }
    } fill: { index, pixels in
      pixels[0] = 0
      return Sample(name: "", label: "")
    }
    #expect(calls.withLock { $0 } == Array(1...50))
  }

  @Test func anErrorStopsIt() {
    struct Failure: Error {}
    #expect(throws: Failure.self) {
      try Dataset(width: 1, height: 1, channels: 1, count: 50) { index, pixels in
        if index == 31 { throw Failure() }
        pixels[0] = 0
        return Sample(name: "", label: "")
      }
    }
  }

  @Test func mayBeEmpty() throws {
    #expect(try numberedDataset(count: 0).count == 0)
  }
}

@Suite struct DatasetSplitTests {
  @Test(arguments: [(10, 0.2, 8), (10, 0.25, 7), (7, 0.2, 5), (1000, 0.1, 900), (3, 0.3, 2), (100, 0.29, 71)])
  func trainingGetsTheFloorAsInKeras(count: Int, fraction: Double, training: Int) throws {
    // math.floor(count * (1.0 - fraction)) of Python 3
    let parts = try numberedDataset(count: count).split(validationFraction: fraction, seed: 1)
    #expect(parts.training.count == training && parts.validation.count == count - training)
    #expect(Set(parts.training.names).union(parts.validation.names).count == count)
  }

  @Test func dependsOnNamesAndSeedOnly() throws {
    let forward = try numberedDataset(count: 40) { "name-\($0 + 10)" }
    let backward = forward.subset((0..<40).reversed())
    let first = try forward.split(validationFraction: 0.25, seed: 7)
    let second = try backward.split(validationFraction: 0.25, seed: 7)
    #expect(first.training.names == second.training.names && first.validation.names == second.validation.names)
    let other = try forward.split(validationFraction: 0.25, seed: 8)
    #expect(first.validation.names != other.validation.names)
  }

  @Test func isTheNamedStreamsPermutation() throws {
    var stream = RandomStream(seed: 42).stream("split")
    let order = stream.permutation(12)
    let names = try numberedDataset(count: 12).split(validationFraction: 0.25, seed: 42)
    let sorted = (0..<12).map { "\($0)" }.sorted()
    #expect(names.training.names == order[..<9].map { sorted[$0] })
    #expect(names.validation.names == order[9...].map { sorted[$0] })
  }

  @Test func refusesEmptyParts() throws {
    let dataset = try numberedDataset(count: 3)
    #expect(throws: DatasetError.invalidFraction(0)) { try dataset.split(validationFraction: 0, seed: 1) }
    #expect(throws: DatasetError.invalidFraction(1)) { try dataset.split(validationFraction: 1, seed: 1) }
    #expect(throws: DatasetError.self) { try dataset.split(validationFraction: .nan, seed: 1) }
    #expect(throws: DatasetError.emptySplit(training: 0, validation: 3, fraction: 0.9)) {
      try dataset.split(validationFraction: 0.9, seed: 1)
    }
    #expect(throws: DatasetError.emptySplit(training: 0, validation: 1, fraction: 0.2)) {
      try numberedDataset(count: 1).split(validationFraction: 0.2, seed: 1)
    }
    // 3 * (1 - 1e-17) is 3.
    #expect(throws: DatasetError.emptySplit(training: 3, validation: 0, fraction: 1e-17)) {
      try dataset.split(validationFraction: 1e-17, seed: 1)
    }
  }
}

@Suite struct BatchOrderTests {
  @Test func coversEveryIndexOnce() {
    let order = BatchOrder(count: 130, batchSize: 32, seed: 3, epoch: 2)
    #expect(order.map(\.count) == [32, 32, 32, 32, 2])
    #expect(order.flatMap(\.self).sorted() == Array(0..<130))
    #expect(order.flatMap(\.self) != Array(0..<130))
  }

  @Test func dependsOnSeedAndEpoch() {
    func indices(_ seed: UInt64, _ epoch: Int) -> [Int] {
      BatchOrder(count: 50, batchSize: 8, seed: seed, epoch: epoch).flatMap(\.self)
    }
    #expect(indices(1, 1) == indices(1, 1))
    #expect(indices(1, 1) != indices(1, 2))
    #expect(indices(1, 1) != indices(2, 1))
  }

  @Test func sequentialBatches() {
    #expect(BatchOrder(count: 5, batchSize: 2).map(Array.init) == [[0, 1], [2, 3], [4]])
    #expect(BatchOrder(count: 4, batchSize: 4).map(Array.init) == [[0, 1, 2, 3]])
    #expect(BatchOrder(count: 0, batchSize: 4).isEmpty)
  }
}
