import ArgumentParser
import Data
import Foundation
import Models

/// `captcha-cli dataset`: looks at folders of images.
struct DatasetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dataset", abstract: "Counts, checks, compares and shows images.",
    discussion: """
      Example:
        captcha-cli dataset check images
      """,
    subcommands: [DatasetStats.self, DatasetCheck.self, DatasetCompare.self, DatasetPreview.self])
}

/// What the subcommands that read one folder have in common.
struct DatasetFolder: ParsableArguments {
  @Argument(help: ArgumentHelp("The folder of images.", valueName: "dir"))
  var path: String

  @Option(
    help: "The characters that labels may have; digits, small and capital letters if not given.")
  var charset: String?

  @Option(help: "The most characters of a label; 8 if not given.")
  var maximumLength: Int?

  @Flag(help: "Writes JSON to standard output.")
  var json = false

  func validate() throws {
    if let maximumLength, !(1...64).contains(maximumLength) {
      throw ValidationError("--maximum-length is \(maximumLength); give 1 to 64")
    }
  }

  /// Which labels are accepted: what the options say, and otherwise the usual ones with those of the model, if there is one.
  func codec(of recognizer: (any TextRecognizer)? = nil) throws -> LabelCodec {
    let usual = Charset.alphanumeric
    let added = recognizer?.codec.charset.characters.filter { usual.index(of: $0) == nil } ?? []
    return try LabelCodec(
      charset: charset.map { try Charset($0) } ?? Charset(usual.text + String(added)),
      maximumLength: maximumLength ?? max(8, recognizer?.codec.maximumLength ?? 0))
  }
}

/// A folder's counts; the fields of `dataset stats --json` and some of those of `dataset check --json`.
struct DatasetCounts: Encodable {
  let count: Int
  let rejected: [Rejection]
  let lengths: [String: Int]
  let characters: [String: Int]
  let types: [String: Int]
  let sizes: [String: Int]
  let unlisted: Int
  let unusedLists: [String]

  private enum CodingKeys: String, CodingKey {
    case count, rejected, lengths, characters, types, sizes, unlisted
    case unusedLists = "unused_lists"
  }

  init(_ statistics: DatasetStatistics) {
    count = statistics.count
    rejected = statistics.rejected
    lengths = Dictionary(uniqueKeysWithValues: statistics.lengths.map { ("\($0)", $1) })
    characters = statistics.characters
    types = statistics.types
    sizes = statistics.imageSizes
    unlisted = statistics.unlisted.count
    unusedLists = statistics.unusedLists
  }
}
