import PluginConfiguration
import Tensor
import Testing

@testable import Data

@Suite struct AugmentationTests {
  private struct Fixture: Decodable {
    struct Case: Decodable {
      let kind: String
      let image: String
      let arguments: [Float]
      let result: [Float]
    }
    let height: Int
    let width: Int
    let images: [String: [Float]]
    let cases: [Case]
  }

  /// The image after `body` has changed it.
  private func changed(
    _ values: [Float], height: Int, width: Int, _ body: (AugmentedImage) -> Void
  ) -> [Float] {
    var values = values
    var scratch = [Float](repeating: .nan, count: values.count)
    values.withUnsafeMutableBufferPointer { values in
      scratch.withUnsafeMutableBufferPointer { scratch in
        body(
          AugmentedImage(
            height: height, width: width, channels: values.count / (height * width), values: values, scratch: scratch))
      }
    }
    return values
  }

  @Test func equalsNumPyAndSciPy() throws {
    let fixture = try FixtureFiles.json("augmentations.json", as: Fixture.self)
    #expect(fixture.cases.count == 23)
    for testCase in fixture.cases {
      let source = try #require(fixture.images[testCase.image])
      let arguments = testCase.arguments
      let result = changed(source, height: fixture.height, width: fixture.width) { image in
        switch testCase.kind {
        case "affine":
          AffineMap(
            rotation: arguments[0], shear: arguments[1], shiftX: arguments[2], shiftY: arguments[3],
            scale: arguments[4]
          ).apply(to: image)
        case "blur": RandomGaussianBlur.blur(image, sigma: arguments[0])
        case "contrast": RandomContrast.scale(image, by: arguments[0])
        case "jitter": ColorJitter.jitter(image, saturation: arguments[0], hue: arguments[1])
        default: Issue.record("unknown kind \(testCase.kind)")
        }
      }
      let difference = zip(result, testCase.result).map { abs($0 - $1) }.max() ?? .infinity
      #expect(difference < 2e-5, "\(testCase.kind) \(arguments) of the \(testCase.image) image: \(difference)")
    }
  }

  @Test func brightnessAddsOneNumberInItsRange() {
    var shifts: [Float] = []
    for seed in 0..<200 {
      var random = RandomStream(seed: UInt64(seed))
      let result = changed([0.5, 0.25, 0.75, 0], height: 2, width: 2) {
        RandomBrightness(factor: 0.3).apply(to: $0, using: &random)
      }
      let shift = result[3]
      #expect(zip(result, [0.5, 0.25, 0.75, 0] as [Float]).allSatisfy { abs($0 - $1 - shift) < 1e-6 })
      shifts.append(shift)
    }
    #expect(shifts.allSatisfy { abs($0) <= 0.3 })
    #expect(shifts.min()! < -0.25 && shifts.max()! > 0.25)
  }

  @Test func noiseHasTheMomentsOfANormalDistribution() {
    var random = RandomStream(seed: 3)
    let count = 200_000
    let noise = changed([Float](repeating: 0, count: count), height: 1, width: count) {
      GaussianNoise(standardDeviation: 2).apply(to: $0, using: &random)
    }.map { Double($0) / 2 }
    func moment(_ power: Int) -> Double {
      noise.reduce(0) { sum, value in sum + (0..<power).reduce(1) { product, _ in product * value } } / Double(count)
    }
    // The moments of the standard normal distribution; allowed are some five standard errors of 200,000 numbers.
    #expect(abs(moment(1)) < 0.012)
    #expect(abs(moment(2) - 1) < 0.016)
    #expect(abs(moment(3)) < 0.045)
    #expect(abs(moment(4) - 3) < 0.12)
    let within = Double(noise.count { abs($0) < 1 }) / Double(count)
    #expect(abs(within - 0.682_689) < 0.006)
  }

  @Test func cutoutCoversOneSquareWithTheMean() {
    let (height, width) = (20, 30)
    let source = (0..<height * width).map { Float($0 % 7) / 7 }
    let mean = Float(source.reduce(0.0) { $0 + Double($1) } / Double(source.count))
    var sizes: Set<Int> = []
    for seed in 0..<100 {
      var random = RandomStream(seed: UInt64(seed))
      let result = changed(source, height: height, width: width) {
        Cutout(size: 0.25).apply(to: $0, using: &random)
      }
      let covered = result.indices.filter { abs(result[$0] - mean) < 1e-6 && abs(source[$0] - mean) > 1e-6 }
      let rows = Set(covered.map { $0 / width })
      let columns = Set(covered.map { $0 % width })
      #expect(!rows.isEmpty && rows.count <= 5 && columns.count <= 5)
      // Nothing else has changed.
      #expect(result.indices.allSatisfy { covered.contains($0) || abs(result[$0] - source[$0]) < 1e-6 })
      sizes.insert(rows.count * columns.count)
    }
    #expect(sizes.contains(25))
  }

  @Test func nothingChangesWhereTheRangesAreEmpty() throws {
    let source = (0..<60).map { Float($0) / 60 }
    let registry = AugmentationRegistry.standard
    let configurations: [ComponentConfiguration] = [
      ComponentConfiguration("random_brightness", ["factor": 0]),
      ComponentConfiguration("random_contrast", ["factor": 0]),
      ComponentConfiguration("gaussian_noise", ["stddev": 0]),
      ComponentConfiguration("random_affine", ["rotation": 0, "shear": 0, "shift": 0]),
      ComponentConfiguration("random_gaussian_blur", ["sigma": 0]),
      ComponentConfiguration("color_jitter", ["saturation": 0, "hue": 0]),
      ComponentConfiguration("cutout", ["probability": 0]),
    ]
    #expect(Set(configurations.map(\.name)) == Set(registry.names))
    for augmentation in try registry.makeAugmentations(configurations, for: .rgb) {
      var random = RandomStream(seed: 1)
      let result = changed(source, height: 4, width: 5) { augmentation.apply(to: $0, using: &random) }
      #expect(zip(result, source).allSatisfy { abs($0 - $1) < 1e-5 }, "\(augmentation)")
    }
  }

  @Test func probabilityIsTheShareOfChangedImages() {
    var random = RandomStream(seed: 9)
    let sometimes = RandomApply(RandomBrightness(factor: 0.5), probability: 0.3)
    let count = (0..<2000).count { _ in
      changed([0.5], height: 1, width: 1) { sometimes.apply(to: $0, using: &random) } != [0.5]
    }
    // Five standard deviations of a binomial distribution.
    #expect(abs(count - 600) < 103)
  }

  @Test func errorsNameTheKeyAndTheRemedy() {
    func message(_ name: String, _ arguments: [String: ConfigurationValue] = [:], mode: ColorMode = .rgb) -> String? {
      do {
        _ = try AugmentationRegistry.standard.makeAugmentations([ComponentConfiguration(name, arguments)], for: mode)
        return nil
      } catch {
        return "\(error)"
      }
    }
    #expect(message("cut_out") == "there is no augmentation \"cut_out\"; did you mean \"cutout\"?")
    #expect(message("cutout", ["sizes": 1]) == "cutout has no argument \"sizes\"; did you mean \"size\"?")
    #expect(message("gaussian_noise", ["stddev": -1]) == "gaussian_noise: stddev is -1; give a number from 0.0 to 1.0")
    #expect(
      message("cutout", ["probability": 2]) == "cutout: probability is 2; give a number from 0.0 to 1.0")
    #expect(message("color_jitter", mode: .grayscale) == "color_jitter: color_mode is grayscale; give rgb")
    #expect(message("random_affine", ["rotation": 3, "probability": 0.5]) == nil)
  }
}
