import Data
import Foundation
import Tensor

/// The file of an ensemble: the files of its members in one.
///
/// Member i has its tensors and its metadata under the prefix `i/`, as they were in its own file. The metadata of the whole
/// are `captcha.format` (`ensemble-1`), `captcha.ensemble` (method and names, JSON) and, once it is calibrated,
/// `captcha.decoding`.
extension Ensemble {
  static let format = "ensemble-1"
  private static let ensembleKey = "captcha.ensemble"
  private static let decodingKey = "captcha.decoding"

  private struct Header: Codable {
    let method: EnsembleMethod
    let names: [String]
  }

  /// Whether a file says that it holds an ensemble.
  static func isFile(_ content: Safetensors) -> Bool { content.metadata[ModelDescription.formatKey] == format }

  /// Makes the file of an ensemble of model files, and refuses what `Ensemble` can't be made of.
  public static func file(_ method: EnsembleMethod, of urls: [URL], names: [String]) throws -> Safetensors {
    precondition(urls.count == names.count, "Ensemble.file: \(names.count) names for \(urls.count) files")
    var content = Safetensors()
    let members = try zip(urls, names).enumerated().map { index, entry in
      let file = try Safetensors(contentsOf: entry.0)
      for (name, tensor) in file.tensors { content.tensors["\(index)/\(name)"] = tensor }
      for (key, text) in file.metadata { content.metadata["\(index)/\(key)"] = text }
      return Member(name: entry.1, recognizer: try Recognizer(file, file: entry.1))
    }
    content.metadata.merge(try Ensemble(method, members: members).header()) { $1 }
    return content
  }

  /// Loads a file that holds an ensemble.
  public convenience init(contentsOf url: URL) throws {
    let content = try Safetensors(contentsOf: url)
    guard Self.isFile(content) else {
      throw ModelError("\(url.path): not an ensemble; make one of several models")
    }
    try self.init(content, file: url.path)
  }

  /// - Parameter file: what errors call it.
  convenience init(_ content: Safetensors, file: String) throws {
    func fail(_ reason: String) -> ModelError {
      ModelError("\(file): the ensemble cannot be understood (\(reason)); make it again of its models")
    }
    guard let json = content.metadata[Self.ensembleKey],
      let header = try? JSONDecoder().decode(Header.self, from: Foundation.Data(json.utf8)), !header.names.isEmpty
    else { throw fail("\(Self.ensembleKey) is missing or damaged") }
    var parts = [Safetensors](repeating: Safetensors(), count: header.names.count)
    for (name, tensor) in content.tensors {
      guard let (index, name) = Self.memberKey(name, count: parts.count) else {
        throw fail("the tensor \(name) belongs to no member")
      }
      parts[index].tensors[name] = tensor
    }
    for (key, text) in content.metadata {
      guard let (index, key) = Self.memberKey(key, count: parts.count) else { continue }
      parts[index].metadata[key] = text
    }
    try self.init(
      header.method,
      members: zip(header.names, parts).map { name, part in
        Member(name: name, recognizer: try Recognizer(part, file: "\(file): \(name)"))
      })
    guard let text = content.metadata[Self.decodingKey] else { return }
    let decoding: DecodingOptions = try ModelDescription.value(
      text, of: Self.decodingKey, file: file, remedy: "make the ensemble again of its models")
    do {
      try calibrate(temperature: decoding.temperature, minimumConfidence: decoding.minimumConfidence)
    } catch {
      throw fail("\(error)")
    }
  }

  /// `2/conv1/kernel` is `conv1/kernel` of member 2.
  private static func memberKey(_ key: String, count: Int) -> (index: Int, rest: String)? {
    guard let slash = key.firstIndex(of: "/"), let index = Int(key[..<slash]), (0..<count).contains(index) else {
      return nil
    }
    return (index, String(key[key.index(after: slash)...]))
  }

  private func header() throws -> [String: String] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    let header = Header(method: method, names: members.map(\.name))
    var metadata = [
      ModelDescription.formatKey: Self.format,
      Self.ensembleKey: String(decoding: try encoder.encode(header), as: UTF8.self),
      // Versions from before there were ensembles ask for these two keys first; then they say that the format is newer.
      ModelDescription.modelKey: Self.format, ModelDescription.lossKey: Self.format,
    ]
    let own = DecodingOptions(temperature: options.temperature, minimumConfidence: options.minimumConfidence)
    // Always: a file that is calibrated again must not keep what it had.
    metadata[Self.decodingKey] = String(decoding: try encoder.encode(own), as: UTF8.self)
    return metadata
  }

  public func metadata() throws -> [String: String] {
    var metadata = try header()
    for (index, member) in members.enumerated() {
      for (key, text) in try member.recognizer.metadata() { metadata["\(index)/\(key)"] = text }
    }
    return metadata
  }
}
