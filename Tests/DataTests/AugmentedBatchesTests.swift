import Synchronization
import Tensor
import Testing

@testable import Data

/// Images whose values tell index and epoch.
private struct NumberedImages: BatchSource {
  let count = 40
  let identity = "numbers"

  func batch(_ indices: ArraySlice<Int>, epoch: Int) throws -> Batch {
    let size = 6 * 8
    let values = indices.flatMap { index in (0..<size).map { Float((index * size + $0) % 97) / 97 } }
    return Batch(
      images: Tensor(values, shape: [indices.count, 6, 8, 1]),
      classes: Tensor(indices.map { Int32($0) }, shape: [indices.count, 1]))
  }
}

/// Moves values outside 0...1.
private struct Overshoot: Augmentation {
  func apply(to image: AugmentedImage, using random: inout RandomStream) {
    for index in image.values.indices { image.values[index] = image.values[index] * 4 - 2 }
  }
}

@Suite struct AugmentedBatchesTests {
  private func values(_ source: some BatchSource, _ indices: [Int], epoch: Int = 0) throws -> [Float] {
    try source.batch(indices[...], epoch: epoch).images.withElements(of: Float.self) { Array($0) }
  }

  private func augmented(_ augmentations: [any Augmentation], seed: UInt64 = 5) -> AugmentedBatches {
    AugmentedBatches(NumberedImages(), augmentations: augmentations, seed: seed)
  }

  @Test func dependsOnImageAndEpochOnly() throws {
    let source = augmented([RandomAffine(), GaussianNoise()])
    let all = try values(source, Array(0..<40))
    #expect(try values(NumberedImages(), Array(0..<40)) != all)
    // In another batch, at another place, with another number of threads.
    let size = 48
    let single = try values(source, [17])
    #expect(single == Array(all[17 * size..<18 * size]))
    #expect(try values(source, [3, 17, 39])[size..<2 * size].elementsEqual(single))
    #expect(try values(source, [17], epoch: 1) != single)
    #expect(try values(augmented([RandomAffine(), GaussianNoise()], seed: 6), [17]) != single)
    #expect(try source.batch([3, 17], epoch: 0).classes.withElements(of: Int32.self) { Array($0) } == [3, 17])
  }

  @Test func doesNotShiftWhatTheNextOneDraws() throws {
    // The first changes nothing, whether it draws from its stream or not.
    let alone = try values(augmented([RandomApply(Cutout(), probability: 0), GaussianNoise()]), [4])
    let drawing = try values(augmented([RandomBrightness(factor: 0), GaussianNoise()]), [4])
    #expect(alone == drawing)
  }

  @Test func valuesAreClippedAtTheEnd() throws {
    let plain = try values(NumberedImages(), [1, 2])
    let result = try values(augmented([Overshoot()]), [1, 2])
    #expect(zip(result, plain).allSatisfy { $0 == min(max($1 * 4 - 2, 0), 1) })
    #expect(result.contains(0) && result.contains(1))
  }

  @Test func identityTellsArgumentsAndOrder() {
    let identities = [
      augmented([]), augmented([GaussianNoise()]), augmented([GaussianNoise(standardDeviation: 0.1)]),
      augmented([GaussianNoise(), Cutout()]), augmented([Cutout(), GaussianNoise()]),
      augmented([RandomApply(GaussianNoise(), probability: 0.5)]),
    ].map(\.identity)
    #expect(Set(identities).count == identities.count)
    #expect(identities.allSatisfy { $0.hasPrefix("numbers") })
  }
}
