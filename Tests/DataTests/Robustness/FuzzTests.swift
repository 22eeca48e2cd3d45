import Foundation
import Synchronization
import Tensor
import Testing

@testable import Data

/// How long the tests with random input run. `scripts/fuzz` sets the variables; without them each test takes a fixed number
/// of inputs, always the same ones.
private struct FuzzRun {
  private let seconds: Double?
  private let seed: UInt64
  private let folder: String?

  init() {
    let variables = ProcessInfo.processInfo.environment
    seconds = variables["CAPTCHA_FUZZ_SECONDS"].flatMap(Double.init)
    seed = variables["CAPTCHA_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
    folder = variables["CAPTCHA_FUZZ_FOLDER"]
  }

  /// Calls `body` with the number of each input and a stream of its own, several at once; its input goes to a file first, so
  /// that it is there after a crash.
  func forEach(
    _ name: String, count: Int, input: @Sendable (_ index: Int, _ stream: inout RandomStream) throws -> [UInt8],
    check: @Sendable (_ index: Int, _ input: [UInt8]) throws -> String?
  ) throws {
    let start = ContinuousClock.now
    let stream = RandomStream(seed: seed).stream(name)
    var done = 0
    repeat {
      let first = done
      let faults = Threads.map(count: count) { offset -> String? in
        let index = first + offset
        var own = stream.stream("input", index)
        do {
          let bytes = try input(index, &own)
          let file = folder.map { "\($0)/\(name)-\(index)" }
          if let file { try Foundation.Data(bytes).write(to: URL(fileURLWithPath: file)) }
          guard let fault = try check(index, bytes) else {
            if let file { try FileManager.default.removeItem(atPath: file) }
            return nil
          }
          return "\(name), seed \(seed), input \(index): \(fault)"
        } catch {
          return "\(name), seed \(seed), input \(index): \(error)"
        }
      }
      for fault in faults { if let fault { Issue.record("\(fault)") } }
      done += count
    } while seconds.map { ContinuousClock.now - start < .seconds($0) } ?? false
    if seconds != nil { print("\(name): \(done) inputs") }
  }
}

@Suite struct FuzzTests {
  /// Small, so that much is refused and little time goes to pixels.
  private static let limits = ImageLimits(maximumWidth: 300, maximumHeight: 300)

  /// An input must give an image or an error of one line, and the same at a second time: memory that nothing was written to
  /// would differ.
  private static func check(_ bytes: [UInt8]) -> String? {
    func outcome() -> Result<Image, any Error> {
      Result { try ImageFile.decode(bytes, named: "fuzz", limits: limits) }
    }
    switch (outcome(), outcome()) {
    case (.success(let first), .success(let second)):
      if first != second { return "two decodings differ" }
      return first.width <= limits.maximumWidth && first.height <= limits.maximumHeight ? nil : "larger than the limits"
    case (.failure(let first as ImageError), .failure(let second as ImageError)):
      if first != second { return "two errors: \(first) and \(second)" }
      let text = first.description
      return text.contains("; ") && !text.contains(where: \.isNewline) ? nil : "not one line: \(text)"
    case (let first, let second): return "\(first) and then \(second)"
    }
  }

  private static func fuzz(
    _ name: String, _ files: [[UInt8]], count: Int,
    mutate: @escaping @Sendable ([UInt8], [UInt8], inout RandomStream) -> [UInt8]
  ) throws {
    try FuzzRun().forEach(name, count: count) { index, stream in
      mutate(files[index % files.count], files[stream.integer(in: 0..<files.count)], &stream)
    } check: { _, bytes in
      check(bytes)
    }
  }

  private static func files(_ folder: String) throws -> [[UInt8]] {
    let names = try FileManager.default.contentsOfDirectory(atPath: FixtureFiles.path(folder)).sorted()
    return try names.filter(ImageFormat.isImageName).map { try FixtureFiles.bytes("\(folder)/\($0)") }
  }

  @Test func damagedPNG() throws {
    try Self.fuzz("png", Self.files("png"), count: 4000) { ByteMutations.mutated($0, other: $1, &$2) }
  }

  @Test func damagedPNGChunksWithRightChecksums() throws {
    try Self.fuzz("png-chunks", Self.files("png"), count: 8000) { ByteMutations.mutatedChunks($0, other: $1, &$2) }
  }

  @Test(.enabled(if: FormatFixture.isReadable, FormatFixture.missing))
  func damagedOtherFormats() throws {
    try Self.fuzz("formats", Self.files("formats"), count: 9000) { ByteMutations.mutated($0, other: $1, &$2) }
  }

  @Test(arguments: ListMutations.valid.indices)
  func damagedLists(_ kind: Int) throws {
    let (name, text) = ListMutations.valid[kind]
    let valid = Array(text.utf8)
    let folder = try TemporaryFolder()
    let path = folder.path
    defer { withExtendedLifetime(folder) {} }
    try FuzzRun().forEach(name, count: 400) { _, stream in
      ListMutations.mutated(valid, &stream)
    } check: { index, bytes in
      let own = "\(path)/\(index)"
      try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: own) }
      try Foundation.Data(bytes).write(to: URL(fileURLWithPath: "\(own)/\(name)"))
      do {
        return Self.fault(in: try DatasetListing(directory: own))
      } catch let error as DatasetError {
        let text = error.description
        return text.contains("; ") && !text.contains(where: \.isNewline) ? nil : "not one line: \(text)"
      }
    }
  }

  /// What is wrong with a listing: names must be safe, sorted and there once, and reasons one line.
  private static func fault(in listing: DatasetListing) -> String? {
    let names = listing.samples.map(\.name)
    for (name, next) in zip(names, names.dropFirst()) where name >= next { return "\(name) comes before \(next)" }
    for sample in listing.samples {
      if sample.name.isEmpty || sample.name.hasPrefix("/") || sample.name.split(separator: "/").contains("..") {
        return "an unsafe name: \(sample.name)"
      }
      let text = sample.name + sample.label
      if text.utf8.contains(0) || text.contains(where: \.isNewline) { return "control characters: \(sample)" }
    }
    for rejection in listing.rejected where rejection.description.contains(where: \.isNewline) {
      return "not one line: \(rejection)"
    }
    return nil
  }
}
