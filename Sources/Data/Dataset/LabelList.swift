import Foundation
import Tensor

/// What a line or row of a list of labels says.
enum LabelListEntry: Sendable {
  case sample(Sample)
  case wrong(String)

  /// The entry of these values, or what is wrong with them.
  init(file: String, label: String, type: String? = nil, text: String? = nil, style: String? = nil) {
    var name = Substring(file)
    while name.hasPrefix("./") { name = name.dropFirst(2) }
    if name.isEmpty {
      self = .wrong("names no file")
    } else if file.hasControlCharacter {
      self = .wrong("names a file with a control character")
    } else if label.hasControlCharacter {
      self = .wrong("has a label with a control character")
    } else if [type, text, style].contains(where: { $0?.hasControlCharacter == true }) {
      self = .wrong("has a type, text or style with a control character")
    } else if name.hasPrefix("/") || name.split(separator: "/").contains("..") {
      self = .wrong("\"\(name)\" is outside the folder")
    } else {
      // One copy of a text that is the label too, as it is for most images.
      self = .sample(
        Sample(name: String(name), label: label, type: type, text: text == label ? label : text, style: style))
    }
  }
}

/// The entries of a list of labels, as they are read.
struct LabelList {
  /// The list's name in its folder.
  let name: String
  /// What its numbers count, such as `line`.
  let unit: String

  private var samples: [(sample: Sample, number: Int)] = []
  private var faults: [(number: Int, rejection: Rejection)] = []

  init(name: String, unit: String) {
    self.name = name
    self.unit = unit
  }

  mutating func add(_ entry: LabelListEntry, number: Int) {
    switch entry {
    case .sample(let sample): samples.append((sample, number))
    case .wrong(let reason):
      faults.append((number, Rejection(file: "\(name) \(unit) \(number)", reason: reason)))
    }
  }

  /// The samples sorted by name, each name once, and what is wrong in the order of the list.
  consuming func sorted() -> (samples: [Sample], rejected: [Rejection]) {
    // No dictionary of the names, which would take as much memory again.
    samples.sort {
      $0.sample.name.hasSameBytes(as: $1.sample.name)
        ? $0.number < $1.number : $0.sample.name.precedes($1.sample.name)
    }
    var kept: [Sample] = []
    kept.reserveCapacity(samples.count)
    var first = 0
    for (sample, number) in samples {
      if let last = kept.last, last.name.hasSameBytes(as: sample.name) {
        let reason = "named again in \(name) \(unit) \(number), first in \(unit) \(first)"
        faults.append((number, Rejection(file: sample.name, reason: reason)))
      } else {
        kept.append(sample)
        first = number
      }
    }
    faults.sort { $0.number < $1.number }
    return (kept, faults.map(\.rejection))
  }
}

extension LabelList {
  /// Reads a list that has an entry on each line, several lines at once.
  ///
  /// - Throws: `DatasetError.unreadableList`.
  mutating func readLines(
    of path: String, parser: @escaping @Sendable () -> (ArraySlice<UInt8>) -> LabelListEntry
  ) throws {
    let partSize = 256
    try TextLines.forEachBlock(of: path) { lines in
      let parts = Threads.map(count: (lines.count + partSize - 1) / partSize) { part in
        let parse = parser()
        return lines[part * partSize..<min((part + 1) * partSize, lines.count)].map { line in
          line.bytes.map(parse) ?? .wrong("is longer than \(TextLines.maximumLineLength) bytes")
        }
      }
      for (line, entry) in zip(lines, parts.joined()) { add(entry, number: line.number) }
    }
  }

  /// An entry of `manifest.jsonl`.
  static func manifestParser() -> (ArraySlice<UInt8>) -> LabelListEntry {
    let decoder = JSONDecoder()
    return { bytes in
      do {
        let line = try decoder.decode(ManifestLine.self, from: Foundation.Data(bytes))
        return LabelListEntry(
          file: line.file, label: line.label, type: line.type, text: line.text, style: line.style)
      } catch DecodingError.keyNotFound(let key, _) {
        return .wrong("has no \"\(key.stringValue)\"")
      } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
        guard let key = context.codingPath.last else { return .wrong("is not a JSON object") }
        return .wrong("\"\(key.stringValue)\" is not a string")
      } catch {
        return .wrong("is not a JSON object")
      }
    }
  }

  private struct ManifestLine: Decodable {
    let file: String
    let label: String
    let type: String?
    let text: String?
    let style: String?
  }

  /// An entry of `labels.txt`.
  static func labelLineParser() -> (ArraySlice<UInt8>) -> LabelListEntry {
    { bytes in
      guard let line = String(validating: bytes, as: UTF8.self) else { return .wrong("is not UTF-8 text") }
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard fields.count == 2 else { return .wrong("is not of the form file<TAB>label") }
      return LabelListEntry(file: String(fields[0]), label: String(fields[1]))
    }
  }
}
