import Foundation
import Testing

@testable import Data

/// Compared with numpy and scipy; see `Fixtures/Compare/make_fixtures.py`.
@Suite struct DatasetComparisonTests {
  private func isClose(_ value: Double?, _ expected: Double?, within tolerance: Double = 1e-10) -> Bool {
    guard let value, let expected else { return value == nil && expected == nil }
    return abs(value - expected) <= tolerance * max(1, abs(expected))
  }

  @Test func statisticsOfImages() throws {
    let expected: [String: [String: Double?]] = try FixtureFiles.json("Compare/statistics.json")
    #expect(expected.count == 15)
    for (name, values) in expected {
      let statistics = ImageStatistics(try ImageFile.read(FixtureFiles.path(name)))
      #expect(values.count == ImageStatistics.Measure.allCases.count)
      for measure in ImageStatistics.Measure.allCases {
        let value = try #require(values[measure.rawValue])
        #expect(isClose(statistics[measure], value), "\(name) \(measure): \(statistics[measure] ?? .nan)")
      }
    }
  }

  private struct ColorCase: Decodable {
    let first: [String]
    let second: [String]
    let distance: [Double]
    let expected: [Double]
  }

  @Test func colorHistograms() throws {
    for fixture: ColorCase in try FixtureFiles.json("Compare/colors.json", as: [ColorCase].self) {
      var (first, second) = (ColorHistogram(), ColorHistogram())
      for name in fixture.first { first.add(ColorHistogram.shares(try ImageFile.read(FixtureFiles.path(name)))) }
      for name in fixture.second { second.add(ColorHistogram.shares(try ImageFile.read(FixtureFiles.path(name)))) }
      let distances = try #require(first.distances(to: second))
      #expect(distances.map(\.channel) == ["red", "green", "blue"])
      for (found, (distance, expected)) in zip(distances, zip(fixture.distance, fixture.expected)) {
        #expect(isClose(found.distance, distance) && isClose(found.expected, expected), "\(found)")
      }
      #expect(ColorHistogram().distances(to: first) == nil)
    }
  }

  private struct SampleCase: Decodable {
    let first: [Double]
    let second: [Double]
    let means: [Double]
    let errors: [Double]
    let difference: Double
    let distance: Double
    let probability: Double
  }

  @Test func meansAndDistributions() throws {
    for fixture in try FixtureFiles.json("Compare/samples.json", as: [SampleCase].self) {
      let (first, second) = (try #require(SampleMean(fixture.first)), try #require(SampleMean(fixture.second)))
      #expect(isClose(first.mean, fixture.means[0]) && isClose(second.mean, fixture.means[1]))
      #expect(isClose(first.standardError, fixture.errors[0]) && isClose(second.standardError, fixture.errors[1]))
      #expect(isClose(first.difference(to: second), fixture.difference))
      let test = try #require(KolmogorovSmirnov(fixture.first, fixture.second))
      #expect(isClose(test.distance, fixture.distance) && isClose(test.probability, fixture.probability, within: 1e-9))
    }
    #expect(SampleMean([]) == nil && KolmogorovSmirnov([], [1]) == nil && KolmogorovSmirnov([1], []) == nil)
    let single = try #require(SampleMean([3]))
    #expect(single.standardError == nil && single.difference(to: single) == nil)
    let (same, other) = (try #require(SampleMean([2, 2])), try #require(SampleMean([3, 3])))
    #expect(same.difference(to: same) == 0 && same.difference(to: other) == .infinity)
    #expect(KolmogorovSmirnov([1, 2, 3], [1, 2, 3])?.distance == 0)
    #expect(KolmogorovSmirnov([1, 2, 3], [1, 2, 3])?.probability == 1)
  }

  @Test func foldersBesideEachOther() throws {
    let folder = try TemporaryFolder()
    func draw(_ name: String, seed: UInt64, types: [CaptchaType]) throws -> String {
      let generator = try CaptchaGenerator(configuration: GeneratorConfiguration(types: types))
      try generator.write(count: 60, seed: seed, to: URL(fileURLWithPath: folder.file(name)))
      return folder.file(name)
    }
    let one = try draw("one", seed: 1, types: [.digit, .math])
    let two = try draw("two", seed: 2, types: [.digit, .math])
    let sums = try draw("sums", seed: 3, types: [.math])
    let alike = try DatasetComparison(one, two)
    #expect(alike.groups.map(\.type) == [nil, "digit", "math"])
    #expect(alike.groups.map(\.firstCount) == [60, 30, 30] && alike.groups.map(\.secondCount) == [60, 30, 30])
    #expect(alike.groups.allSatisfy { $0.measures.map(\.measure) == ImageStatistics.Measure.allCases })
    #expect(alike.groups.allSatisfy { !$0.measures.contains(where: \.isSignificant) })
    #expect(alike.groups.allSatisfy { $0.colors?.contains(where: \.isSignificant) == false })

    // Sums are drawn without interference.
    let other = try DatasetComparison(one, sums)
    #expect(other.groups.map(\.secondCount) == [60, 0, 60])
    let all = other.groups[0].measures
    #expect(all.first { $0.measure == .distinctColors }?.isSignificant == true)
    let digits = other.groups[1]
    #expect(digits.measures.allSatisfy { $0.second == nil && $0.difference == nil && !$0.isSignificant })
    #expect(digits.colors == nil)

    // A folder is like itself.
    for group in try DatasetComparison(one, one).groups {
      #expect(group.measures.allSatisfy { $0.difference == 0 && $0.distribution?.distance == 0 })
      #expect(group.colors?.allSatisfy { $0.distance == 0 } == true)
    }
  }

  @Test func whatCannotBeReadIsLeftOut() throws {
    let folder = try TemporaryFolder()
    try folder.write("no image", to: "a/x-1.png")
    try folder.write("no image", to: "b/x-1.png")
    try folder.write(PNG.encode(Image(width: 9, height: 4, color: [50])), to: "a/y-1.png")
    #expect(throws: DatasetError.self) { try DatasetComparison(folder.file("a"), folder.file("b")) }
    let comparison = try DatasetComparison(folder.file("a"), folder.file("a"))
    // No types are known, so that there is one group.
    #expect(comparison.groups.map(\.type) == [nil] && comparison.first.samples.map(\.name) == ["y-1.png"])
    #expect(comparison.first.rejected == [Rejection(file: "x-1.png", reason: "not a PNG, JPEG, GIF or BMP image")])
    #expect(throws: DatasetError.missingFolder(path: folder.file("c"))) {
      try DatasetComparison(folder.file("a"), folder.file("c"))
    }
  }
}
