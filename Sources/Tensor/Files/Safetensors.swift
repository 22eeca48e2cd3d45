import Foundation

/// What is wrong with a safetensors file, in one line that names the file and the remedy.
public struct SafetensorsError: Error, CustomStringConvertible, LocalizedError {
  public let file: String
  public let reason: String

  public var description: String { "\(file): \(reason)" }
  public var errorDescription: String? { description }
}

/// Named tensors and text metadata in one file, in the safetensors format.
///
/// Layout: eight bytes with the header's length (little-endian), the header as JSON (name → dtype, shape, data offsets;
/// `__metadata__` → texts), the elements. Source: the format description of Hugging Face's safetensors.
public struct Safetensors: Sendable {
  public var tensors: [String: Tensor]
  public var metadata: [String: String]

  public init(tensors: [String: Tensor] = [:], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  private static let names: [(dtype: DType, name: String)] = [(.float32, "F32"), (.uint8, "U8"), (.int32, "I32")]
  private static let largestHeader = 100 << 20

  // MARK: Reading

  /// Reads a whole file.
  public init(contentsOf url: URL) throws { try self.init(Self.bytes(contentsOf: url), file: url.path) }

  /// The bytes of a file, for those who need them beside its content: they stay what they are when another file takes its
  /// place.
  ///
  /// - Throws: `SafetensorsError` that names the file where it can't be read.
  public static func bytes(contentsOf url: URL) throws -> Data {
    let file = url.path
    do {
      return try Data(contentsOf: url, options: .alwaysMapped)
    } catch {
      var isFolder: ObjCBool = false
      let exists = FileManager.default.fileExists(atPath: file, isDirectory: &isFolder)
      let reason =
        !exists
        ? "no such file; check the path"
        : isFolder.boolValue ? "is a folder; give a file in it" : "cannot be read; check its permissions"
      throw SafetensorsError(file: file, reason: reason)
    }
  }

  /// Reads the content of a file that is in memory; its bytes are not needed any more afterwards.
  ///
  /// - Parameter file: what errors call it.
  /// - Throws: `SafetensorsError` that says what is wrong with the content.
  public init(_ data: Data, file: String) throws {
    func fail(_ reason: String) -> SafetensorsError {
      SafetensorsError(file: file, reason: "not a usable safetensors file: \(reason)")
    }
    guard data.count >= 8 else { throw fail("\(data.count) bytes are too few for a header") }
    let length = data.prefix(8).enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << (8 * UInt64($1.offset)) }
    guard length <= UInt64(min(Self.largestHeader, data.count - 8)) else {
      throw fail("the header's length \(length) is more than the file holds")
    }
    // A part of other data begins where it begins there.
    let header = data.dropFirst(8).prefix(Int(length))
    guard let object = try? JSONSerialization.jsonObject(with: header) as? [String: Any] else {
      throw fail("the header is not a JSON object")
    }
    var tensors: [String: Tensor] = [:]
    var parts: [Range<Int>] = []
    let elements = data.dropFirst(8 + Int(length))
    for (name, value) in object where name != "__metadata__" {
      guard let fields = value as? [String: Any], let type = fields["dtype"] as? String,
        let sizes = fields["shape"] as? [Int], let offsets = fields["data_offsets"] as? [Int], offsets.count == 2
      else { throw fail("tensor \(name.debugDescription) lacks dtype, shape or data_offsets") }
      guard let dtype = Self.names.first(where: { $0.name == type })?.dtype else {
        throw fail(
          "tensor \(name.debugDescription) has the element type \(type.debugDescription), which is not supported")
      }
      guard let count = Shape.count(of: sizes), offsets[0] >= 0, offsets[1] >= offsets[0],
        offsets[1] <= elements.count, offsets[1] - offsets[0] == count * dtype.size
      else { throw fail("tensor \(name.debugDescription): shape \(sizes) and offsets \(offsets) do not fit the file") }
      parts.append(offsets[0]..<offsets[1])
      let tensor = Tensor(uninitialized: Shape(sizes), dtype: dtype)
      let start = elements.startIndex + offsets[0]
      elements[start..<start + offsets[1] - offsets[0]].withUnsafeBytes { source in
        if let base = source.baseAddress { tensor.storage.bytes.copyMemory(from: base, byteCount: source.count) }
      }
      tensors[name] = tensor
    }
    // As the format asks: every byte belongs to exactly one tensor, or the file was cut, patched or put together wrongly.
    let end = parts.sorted { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }
      .reduce(0) { end, part in part.lowerBound == end ? part.upperBound : -1 }
    guard end == elements.count else { throw fail("its tensors overlap or leave bytes between or after them") }
    guard let metadata = object["__metadata__", default: [:]] as? [String: String] else {
      throw fail("__metadata__ is not an object of texts")
    }
    self.tensors = tensors
    self.metadata = metadata
  }

  // MARK: Writing

  /// Writes the file beside its place and renames it, so that a crash leaves the earlier file or the new one, never half of
  /// one. Equal content gives equal bytes.
  public func write(to url: URL) throws {
    precondition(tensors["__metadata__"] == nil, "Safetensors: no tensor can have the name __metadata__")
    var header: [String: Any] = metadata.isEmpty ? [:] : ["__metadata__": metadata]
    var offset = 0
    let ordered = tensors.sorted { $0.key < $1.key }
    for (name, tensor) in ordered {
      let size = tensor.shape.count * tensor.dtype.size
      guard let type = Self.names.first(where: { $0.dtype == tensor.dtype })?.name else {
        preconditionFailure("Safetensors: \(name) is \(tensor.dtype), which is not written")
      }
      header[name] = [
        "dtype": type, "shape": tensor.shape.dimensions,
        "data_offsets": [offset, offset + size],
      ]
      offset += size
    }
    do {
      var text = try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys, .withoutEscapingSlashes])
      // Elements begin at a multiple of eight bytes.
      text.append(Data(repeating: 0x20, count: (8 - text.count % 8) % 8))
      try AtomicFile.write(to: url) { file in
        try withUnsafeBytes(of: UInt64(text.count).littleEndian) { try file.write(contentsOf: Data($0)) }
        try file.write(contentsOf: text)
        for (_, tensor) in ordered {
          try withExtendedLifetime(tensor.storage) {
            let size = tensor.shape.count * tensor.dtype.size
            try file.write(contentsOf: Data(bytesNoCopy: tensor.storage.bytes, count: size, deallocator: .none))
          }
        }
      }
    } catch {
      throw SafetensorsError(
        file: url.path, reason: "cannot be written (\(error.localizedDescription)); check the folder and the free space"
      )
    }
  }
}
