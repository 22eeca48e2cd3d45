import Foundation
import Tensor

/// Where the labels of a data set come from.
public enum LabelSource: String, Sendable, Codable {
  /// `manifest.jsonl`, one JSON object per line with `file`, `label` and optionally `type`, `text`, `style`.
  case manifest
  /// `labels.txt`, one `file<TAB>label` per line.
  case labelFile
  /// File names of the form `LABEL-HASH.png` or `LABEL_HASH.png`.
  case fileNames
}

/// The images that a folder offers, sorted by name, and the entries that are already known to be wrong.
struct DatasetListing {
  var source: LabelSource
  var samples: [Sample] = []
  var rejected: [Rejection] = []
  /// Images of the folder that the manifest or label file doesn't name.
  var unlisted: [String] = []

  static let manifestName = "manifest.jsonl"
  static let labelFileName = "labels.txt"

  /// Reads the folder at `path`: the manifest if it has one, else the label file, else the images' names.
  init(directory path: String) throws {
    let folder = try ImageFolder(path)
    let (names, images) = (folder.names, folder.imageNames)
    if names.contains(Self.manifestName) {
      source = .manifest
      let file = path + "/" + Self.manifestName
      collect(try Self.lines(of: file), list: Self.manifestName, parse: Self.manifestEntry)
    } else if names.contains(Self.labelFileName) {
      source = .labelFile
      let file = path + "/" + Self.labelFileName
      collect(try Self.lines(of: file), list: Self.labelFileName, parse: Self.labelEntry)
    } else {
      source = .fileNames
      if images.isEmpty { throw DatasetError.noImages(path: path) }
      for name in images {
        if let label = Self.label(fromFileName: name) {
          samples.append(Sample(name: name, label: label))
        } else {
          rejected.append(Rejection(file: name, reason: "no label in the file name, which must be LABEL-HASH.png"))
        }
      }
      return
    }
    if samples.isEmpty && rejected.isEmpty {
      throw DatasetError.emptyList(file: path + "/" + (source == .manifest ? Self.manifestName : Self.labelFileName))
    }
    samples.sort { $0.name < $1.name }
    let listed = Set(samples.map(\.name))
    unlisted = images.filter { !listed.contains($0) }
  }

  /// The label of `LABEL-HASH.png` or `LABEL_HASH.png`: what stands before the last hyphen or, without any, underscore.
  static func label(fromFileName name: String) -> String? {
    let stem = name.dropLast(".png".count)
    guard let separator = stem.lastIndex(of: "-") ?? stem.lastIndex(of: "_"), separator > stem.startIndex else {
      return nil
    }
    return String(stem[..<separator])
  }

  private enum Entry {
    case sample(Sample)
    case wrong(String)
  }

  /// Parses the lines and sorts them into samples and rejections.
  private mutating func collect(
    _ lines: [(number: Int, bytes: ArraySlice<UInt8>)], list: String,
    parse: @Sendable (ArraySlice<UInt8>) -> Entry
  ) {
    let entries = Threads.map(count: lines.count) { parse(lines[$0].bytes) }
    var firstLine: [String: Int] = [:]
    for (line, entry) in zip(lines, entries) {
      switch entry {
      case .wrong(let reason): rejected.append(Rejection(file: "\(list) line \(line.number)", reason: reason))
      case .sample(let sample):
        if let first = firstLine[sample.name] {
          rejected.append(
            Rejection(file: sample.name, reason: "named again in \(list) line \(line.number), first in line \(first)"))
        } else {
          firstLine[sample.name] = line.number
          samples.append(sample)
        }
      }
    }
  }

  /// The lines of the text file that hold more than white space, with their numbers from 1.
  private static func lines(of file: String) throws -> [(number: Int, bytes: ArraySlice<UInt8>)] {
    var bytes: [UInt8]
    do {
      bytes = try PNG.readBytes(file, maximum: 1 << 30)
    } catch let error as ImageError {
      throw DatasetError.unreadableList(file: file, reason: error.reason)
    }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    return bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
      .map { (number: $0 + 1, bytes: $1.last == UInt8(ascii: "\r") ? $1.dropLast() : $1) }
      .filter { line in line.bytes.contains { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") } }
  }

  private struct ManifestLine: Decodable {
    let file: String
    let label: String
    let type: String?
    let text: String?
    let style: String?
  }

  private static func manifestEntry(_ bytes: ArraySlice<UInt8>) -> Entry {
    do {
      let line = try JSONDecoder().decode(ManifestLine.self, from: Foundation.Data(bytes))
      return entry(Sample(name: line.file, label: line.label, type: line.type, text: line.text, style: line.style))
    } catch DecodingError.keyNotFound(let key, _) {
      return .wrong("has no \"\(key.stringValue)\"")
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
      guard let key = context.codingPath.last else { return .wrong("is not a JSON object") }
      return .wrong("\"\(key.stringValue)\" is not a string")
    } catch {
      return .wrong("is not a JSON object")
    }
  }

  private static func labelEntry(_ bytes: ArraySlice<UInt8>) -> Entry {
    guard let line = String(validating: bytes, as: UTF8.self) else { return .wrong("is not UTF-8 text") }
    let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
    guard fields.count == 2 else { return .wrong("is not of the form file<TAB>label") }
    return entry(Sample(name: String(fields[0]), label: String(fields[1])))
  }

  private static func entry(_ sample: Sample) -> Entry {
    var sample = sample
    while sample.name.hasPrefix("./") { sample.name.removeFirst(2) }
    if sample.name.isEmpty { return .wrong("names no file") }
    if sample.name.hasPrefix("/") || sample.name.split(separator: "/").contains("..") {
      return .wrong("\"\(sample.name)\" is outside the folder")
    }
    return .sample(sample)
  }
}
