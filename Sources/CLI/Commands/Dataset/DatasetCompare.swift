import ArgumentParser
import Data
import Foundation

/// `captcha-cli dataset compare`.
struct DatasetCompare: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Measures whether the images of two folders look alike.",
    discussion: """
      To match drawn images with given ones: for each type and measure the mean of each folder with its standard error,
      their difference in joint standard errors, and the Kolmogorov-Smirnov distance of the distributions. An asterisk
      marks what chance hardly explains. The picture shows random images: the first folder's left, the second's right.

      Examples:
        captcha-cli dataset compare captchas drawn
        captcha-cli dataset compare captchas drawn --output side-by-side.png --count 8
      """)

  @Argument(help: ArgumentHelp("A folder of images.", valueName: "dir1"))
  var first: String

  @Argument(help: ArgumentHelp("The folder that it is compared with.", valueName: "dir2"))
  var second: String

  @Option(help: ArgumentHelp("A new PNG file for images of both folders side by side.", valueName: "file"))
  var output: String?

  @Option(help: "How many images of each type and folder the picture shows.")
  var count = 5

  @Option(help: "Decides which images the picture shows.")
  var seed: UInt64 = 42

  @Flag(help: "Writes JSON to standard output.")
  var json = false

  func validate() throws {
    if !(1...100).contains(count) { throw ValidationError("--count is \(count); give 1 to 100") }
  }

  func run() throws {
    // Before the longer work of reading images.
    if let output { try PictureFile.requireNew(output) }
    let progress = ProgressLine("reading images")
    let comparison = try DatasetComparison(first, second, progress: progress.update)
    progress.finish()
    for folder in [comparison.first, comparison.second] where !folder.rejected.isEmpty {
      StandardStreams.note(
        "\(folder.path): \(folder.rejected.count.grouped) left out; `captcha-cli dataset check \(folder.path.shellWord)` "
          + "lists them with reasons")
    }
    let report = CommandOutput(json: json)
    if json {
      try StandardStreams.write(json: DatasetComparisonReport(comparison))
    } else {
      for line in DatasetComparisonText(comparison).lines { StandardStreams.write(line) }
    }
    guard let output else { return }
    let sheet = try ComparisonSheet(comparison, count: count, seed: seed)
    try PNG.write(sheet.picture, to: output)
    let bands = sheet.bands.map { "\($0.rowCount) of \($0.type ?? "any type")".visible }
    report.line("picture: \(output), from the top \(bands.joined(separator: ", ")); left \(first), right \(second)")
  }
}

/// The fields of `dataset compare --json`.
private struct DatasetComparisonReport: Encodable {
  struct Folder: Encodable {
    let path: String
    let count: Int
    let rejected: Int
  }

  struct Measure: Encodable {
    let name: String
    let first: SampleMean?
    let second: SampleMean?
    let difference: Double?
    let distance: Double?
    let probability: Double?
    let significant: Bool
  }

  struct Color: Encodable {
    let channel: String
    let distance: Double
    let expected: Double
    let significant: Bool
  }

  struct Group: Encodable {
    /// `all`, or a type.
    let type: String
    let first: Int
    let second: Int
    let measures: [Measure]
    let colors: [Color]
  }

  let first: Folder
  let second: Folder
  let groups: [Group]

  init(_ comparison: DatasetComparison) {
    func folder(_ folder: DatasetComparison.Folder) -> Folder {
      Folder(path: folder.path, count: folder.samples.count, rejected: folder.rejected.count)
    }
    first = folder(comparison.first)
    second = folder(comparison.second)
    groups = comparison.groups.map { group in
      Group(
        type: group.type ?? "all", first: group.firstCount, second: group.secondCount,
        measures: group.measures.map {
          Measure(
            name: $0.measure.rawValue, first: $0.first, second: $0.second,
            difference: $0.difference.flatMap { $0.isFinite ? $0 : nil },
            distance: $0.distribution?.distance, probability: $0.distribution?.probability,
            significant: $0.isSignificant)
        },
        colors: (group.colors ?? []).map {
          Color(channel: $0.channel, distance: $0.distance, expected: $0.expected, significant: $0.isSignificant)
        })
    }
  }
}
