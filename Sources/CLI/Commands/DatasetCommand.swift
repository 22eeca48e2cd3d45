import ArgumentParser
import Data
import Foundation

/// `captcha-cli dataset`: looks at folders of images.
struct DatasetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dataset", abstract: "Counts and checks the images of a folder.",
    discussion: """
      Example:
        captcha-cli dataset check images
      """,
    subcommands: [Stats.self, Check.self])

  /// What both subcommands read.
  struct Folder: ParsableArguments {
    @Argument(help: ArgumentHelp("The folder of images.", valueName: "dir"))
    var path: String

    @Option(help: "The characters that labels may have.")
    var charset = Charset.alphanumeric.text

    @Option(help: "The most characters of a label.")
    var maximumLength = 8

    @Flag(help: "Writes JSON to standard output.")
    var json = false

    func validate() throws {
      if !(1...64).contains(maximumLength) {
        throw ValidationError("--maximum-length is \(maximumLength); give 1 to 64")
      }
    }

    func inspect() throws -> DatasetStatistics {
      let codec = try LabelCodec(charset: Charset(charset), maximumLength: maximumLength)
      let progress = ProgressLine("reading images")
      let statistics = try DatasetLoader(options: DatasetOptions(codec: codec))
        .inspect(path, progress: progress.update)
      progress.finish()
      return statistics
    }
  }

  /// `captcha-cli dataset stats`.
  struct Stats: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Counts images by type, length and character.",
      discussion: """
        Example:
          captcha-cli dataset stats images
        """)

    @OptionGroup var folder: Folder

    func run() throws {
      let statistics = try folder.inspect()
      if folder.json { return try StandardStreams.write(json: DatasetReport(statistics)) }
      let report = DatasetReport(statistics)
      StandardStreams.write("\(report.count.grouped) images, \(report.rejected.count.grouped) rejected")
      func show(_ title: String, _ counts: [(String, Int)]) {
        let text = counts.map { "\($0) \($1.grouped)" }.joined(separator: ", ")
        StandardStreams.write("\(title): \(text.isEmpty ? "unknown" : text)")
      }
      show("types", report.types.sorted { $0.key < $1.key })
      show("lengths", report.lengths.sorted { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) })
      show("sizes", report.sizes.sorted { $0.key < $1.key })
      show("characters", report.characters.sorted { $0.key < $1.key })
    }
  }

  /// `captcha-cli dataset check`.
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists the images that cannot be used, with reasons.",
      discussion: """
        Exit code 1 if there are any.

        Example:
          captcha-cli dataset check images
        """)

    @OptionGroup var folder: Folder

    func run() throws {
      let statistics = try folder.inspect()
      let rejected = statistics.rejected
      if folder.json {
        try StandardStreams.write(json: DatasetReport(statistics))
      } else {
        for rejection in rejected { StandardStreams.write("\(rejection)") }
        if !statistics.unlisted.isEmpty {
          StandardStreams.write("\(statistics.unlisted.count.grouped) images are not in the list and are not used")
        }
        for name in statistics.unusedLists {
          let used = statistics.labelSource.listName ?? ""
          StandardStreams.write("\(name) is not used, since the labels come from \(used)")
        }
        StandardStreams.write(
          "\(statistics.count.grouped) images can be used, \(rejected.count.grouped) cannot")
      }
      if !rejected.isEmpty {
        let total = statistics.count + rejected.count
        StandardStreams.note(
          "error: \(folder.path): \(rejected.count) of \(total) images cannot be used; correct or remove them")
        throw ExitCode.failure
      }
    }
  }
}

/// A folder's counts; the fields of `dataset --json`.
private struct DatasetReport: Encodable {
  let count: Int
  let rejected: [Rejection]
  let lengths: [String: Int]
  let characters: [String: Int]
  let types: [String: Int]
  let sizes: [String: Int]
  let unlisted: Int
  let unusedLists: [String]

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
