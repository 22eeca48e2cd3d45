import Foundation
import Testing

@testable import Tensor

@Suite struct SafetensorsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func fixture(_ name: String) -> URL {
    Bundle.module.bundleURL.appendingPathComponent("Fixtures/\(name)")
  }

  /// What `Fixtures/written.safetensors` holds; the Python package has read that file (see `make_fixtures.py`).
  private static let written = Safetensors(
    tensors: [
      "dense/kernel": Tensor((0..<6).map { Float($0) / 2 }, shape: [2, 3]),
      "scalar": Tensor(-1.5),
      "empty": Tensor(zeros: [0, 4]),
      "pixels": Tensor([0, 127, 255] as [UInt8], shape: [3]),
      "classes": Tensor([Int32.min, 0, .max] as [Int32], shape: [1, 3]),
    ], metadata: ["format": "captcha", "charset": "0-9 Ä 漢 \" \\ / \n"])

  private func expectEqual(_ a: Safetensors, _ b: Safetensors, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(a.metadata == b.metadata, sourceLocation: sourceLocation)
    #expect(a.tensors.keys.sorted() == b.tensors.keys.sorted(), sourceLocation: sourceLocation)
    for (name, tensor) in a.tensors {
      guard let other = b.tensors[name] else { continue }
      #expect(tensor.shape == other.shape && tensor.dtype == other.dtype, "\(name)", sourceLocation: sourceLocation)
      #expect(rawBytes(tensor) == rawBytes(other), "\(name)", sourceLocation: sourceLocation)
    }
  }

  private func rawBytes(_ tensor: Tensor) -> [UInt8] {
    withExtendedLifetime(tensor) {
      Array(UnsafeRawBufferPointer(start: tensor.storage.bytes, count: tensor.shape.count * tensor.dtype.size))
    }
  }

  @Test func everythingReturns() throws {
    var numbers = Numbers("safetensors")
    var file = Self.written
    file.tensors["special"] = Tensor(
      [.nan, .infinity, -.infinity, -0.0, .leastNonzeroMagnitude] as [Float], shape: [5])
    file.tensors["large"] = numbers.normal([3, 1000, 401])
    file.tensors["名前 \"quoted\" / \\"] = Tensor([1] as [UInt8], shape: [1])
    let url = folder.file("a.safetensors")
    try file.write(to: url)
    expectEqual(try Safetensors(contentsOf: url), file)
    #expect(try folder.names == ["a.safetensors"])
  }

  @Test func aFileWithoutTensorsReturns() throws {
    let url = folder.file("empty.safetensors")
    for file in [Safetensors(), Safetensors(metadata: ["key": ""])] {
      try file.write(to: url)
      expectEqual(try Safetensors(contentsOf: url), file)
    }
  }

  /// Bytes in memory hold what the file holds, also where they are a part of others that nobody owns.
  @Test func readsFromMemory() throws {
    let bytes = try Data(contentsOf: Self.fixture("written.safetensors"))
    expectEqual(try Safetensors(bytes, file: "memory"), Self.written)
    let part = (Data("other".utf8) + bytes + Data("more".utf8)).dropFirst(5).dropLast(4)
    #expect(part.startIndex == 5)
    expectEqual(try Safetensors(part, file: "memory"), Self.written)
    try bytes.withUnsafeBytes { buffer in
      let start = UnsafeMutableRawBufferPointer(mutating: buffer).baseAddress
      let lent = Data(bytesNoCopy: try #require(start), count: buffer.count, deallocator: .none)
      expectEqual(try Safetensors(lent, file: "memory"), Self.written)
    }
    for damaged in [Data(), bytes.prefix(7), bytes.dropFirst(), bytes.dropLast()] {
      let error = #expect(throws: SafetensorsError.self) { try Safetensors(damaged, file: "memory") }
      #expect(error?.description.hasPrefix("memory: not a usable safetensors file: ") == true)
    }
  }

  @Test func writesTheBytesThatPythonReads() throws {
    let url = folder.file("written.safetensors")
    try Self.written.write(to: url)
    #expect(try Data(contentsOf: url) == Data(contentsOf: Self.fixture("written.safetensors")))
    // The elements begin where any type may lie.
    let length = try Data(contentsOf: url)[0]
    #expect(length % 8 == 0)
  }

  @Test func readsWhatPythonWrites() throws {
    let file = try Safetensors(contentsOf: Self.fixture("python.safetensors"))
    #expect(file.metadata == ["format": "pt", "charset": "0-9 Ä 漢 \\ \" /"])
    #expect(file.tensors.count == 7)
    expectClose(
      file.tensors["block.0.kernel"], (0..<24).map { Double($0) / 4 - 3 }, shape: [2, 3, 4], tolerance: 0)
    let special = file.tensors["special"]?.elements() ?? []
    #expect(special.count == 6 && special[0].isNaN)
    #expect(
      special.dropFirst().map(\.bitPattern)
        == [.infinity, -.infinity, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude].map { (x: Float) in
          x.bitPattern
        })
    #expect(file.tensors["scalar"]?.shape == [] && file.tensors["scalar"]?.scalar == 2.5)
    #expect(file.tensors["empty"]?.shape == [3, 0, 2])
    #expect(file.tensors["pixels"]?.elements(of: UInt8.self) == Array(0...255))
    #expect(file.tensors["classes"]?.shape == [2, 2])
    #expect(file.tensors["classes"]?.elements(of: Int32.self) == [.min, -1, 0, .max])
    #expect(file.tensors["名前 \"quoted\""]?.elements(of: UInt8.self) == [7])
  }

  @Test func equalContentGivesEqualBytes() throws {
    let (a, b) = (folder.file("a"), folder.file("b"))
    try Self.written.write(to: a)
    var other = Safetensors()
    for name in Self.written.tensors.keys.sorted(by: >) { other.tensors[name] = Self.written.tensors[name] }
    other.metadata = Self.written.metadata
    try other.write(to: b)
    #expect(try Data(contentsOf: a) == Data(contentsOf: b))
  }

  @Test func writingReplacesTheEarlierFile() throws {
    let url = folder.file("model.safetensors")
    try Data("not a model".utf8).write(to: url)
    try Self.written.write(to: url)
    expectEqual(try Safetensors(contentsOf: url), Self.written)
    #expect(try folder.names == ["model.safetensors"])
  }

  @Test func writersOfOneFileDoNotMix() async throws {
    let url = folder.file("shared.safetensors")
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<8 {
        group.addTask {
          let file = Safetensors(tensors: ["x": Tensor(repeating: Float(index), shape: [20_000])])
          #expect(throws: Never.self) { for _ in 0..<10 { try file.write(to: url) } }
        }
      }
    }
    let values = try Safetensors(contentsOf: url).tensors["x"]?.elements() ?? []
    #expect(values.count == 20_000 && values.allSatisfy { $0 == values[0] })
    #expect(try folder.names == ["shared.safetensors"])
  }

  @Test func placesThatCannotBeWritten() throws {
    try Data("a file".utf8).write(to: folder.file("file"))
    try FileManager.default.createDirectory(at: folder.file("folder"), withIntermediateDirectories: false)
    for name in ["missing/model.safetensors", "file/model.safetensors", "folder"] {
      let error = #expect(throws: SafetensorsError.self) { try Self.written.write(to: folder.file(name)) }
      let text = error?.description ?? ""
      #expect(text.contains(name) && text.contains("cannot be written") && !text.contains("\n"))
      #expect(error?.errorDescription == text && error?.localizedDescription == text)
    }
    #expect(try folder.names.sorted() == ["file", "folder"])
  }

  @Test func foldersWithoutPermission() throws {
    // The superuser may write everywhere.
    if geteuid() == 0 { return }
    let closed = folder.file("closed")
    try FileManager.default.createDirectory(
      at: closed, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o555])
    #expect(throws: SafetensorsError.self) { try Self.written.write(to: closed.appendingPathComponent("a")) }
  }

  @Test func filesThatCannotBeRead() throws {
    let missing = #expect(throws: SafetensorsError.self) { try Safetensors(contentsOf: folder.file("missing")) }
    #expect(missing?.reason == "no such file; check the path")
    #expect(missing?.file.hasSuffix("/missing") == true)
    let directory = #expect(throws: SafetensorsError.self) { try Safetensors(contentsOf: folder.url) }
    #expect(directory?.reason.contains("is a folder") == true)
  }

  @Test func reservedNameStops() async {
    await #expect(processExitsWith: .failure) {
      try Safetensors(tensors: ["__metadata__": Tensor(1)]).write(to: URL(fileURLWithPath: "/dev/null"))
    }
  }
}
