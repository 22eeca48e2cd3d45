import Foundation

/// The images that a folder offers, sorted by name, and the entries that are already known to be wrong.
struct DatasetListing {
  let source: LabelSource
  private(set) var samples: [Sample] = []
  private(set) var rejected: [Rejection] = []
  /// Images of the folder that the list doesn't name.
  private(set) var unlisted: [String] = []
  /// Further lists of the folder, which are not used.
  let unusedLists: [String]

  /// Reads the folder at `path`: the first list of `LabelSource` that it has, else the images' names.
  init(directory path: String) throws {
    let folder = try ImageFolder(path)
    let names = Set(LabelSource.allCases.compactMap(\.listName)).intersection(folder.names)
    let sources = LabelSource.allCases.filter { $0.listName.map(names.contains) ?? true }
    // File names are always there, the last of all.
    source = sources[0]
    unusedLists = sources.dropFirst().compactMap(\.listName)
    guard let listName = source.listName else {
      if folder.imageNames.isEmpty { throw DatasetError.noImages(path: path) }
      readNames(folder.imageNames)
      return
    }
    let file = path + "/" + listName
    (samples, rejected) = try Self.list(source, name: listName, file: file).sorted()
    if samples.isEmpty && rejected.isEmpty { throw DatasetError.emptyList(file: file) }
    unlisted = Self.names(folder.imageNames, missingIn: samples)
  }

  private static func list(_ source: LabelSource, name: String, file: String) throws -> LabelList {
    var list = LabelList(name: name, unit: source == .csv || source == .tsv ? "row" : "line")
    switch source {
    case .manifest: try list.readLines(of: file, parser: LabelList.manifestParser)
    case .csv: try list.readTable(of: file, delimiter: .comma)
    case .tsv: try list.readTable(of: file, delimiter: .tab)
    case .labelFile: try list.readLines(of: file, parser: LabelList.labelLineParser)
    case .fileNames: preconditionFailure("DatasetListing: file names are no list")
    }
    return list
  }

  private mutating func readNames(_ names: [String]) {
    for name in names {
      if name.hasControlCharacter {
        rejected.append(Rejection(file: name, reason: "the file name has a control character"))
      } else if let label = FileNameParts(name).label {
        samples.append(Sample(name: name, label: label))
      } else {
        let example = "LABEL-HASH" + (name.lastIndex(of: ".").map { name[$0...] } ?? "")
        rejected.append(Rejection(file: name, reason: "no label in the file name, which must be \(example)"))
      }
    }
  }

  /// Which of the sorted names no sample has; the samples are sorted by name too.
  private static func names(_ names: [String], missingIn samples: [Sample]) -> [String] {
    var index = 0
    return names.filter { name in
      while index < samples.count, samples[index].name.precedes(name) { index += 1 }
      return index == samples.count || !samples[index].name.hasSameBytes(as: name)
    }
  }
}
