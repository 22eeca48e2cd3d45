import ArgumentParser
import Data

/// `captcha-cli dataset stats`.
struct DatasetStats: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Counts images by type, length and character.",
    discussion: """
      Example:
        captcha-cli dataset stats images
      """)

  @OptionGroup var folder: DatasetFolder

  func run() throws {
    let progress = ProgressLine("reading images")
    let statistics = try DatasetLoader(options: DatasetOptions(codec: folder.codec()))
      .inspect(folder.path, progress: progress.update)
    progress.finish()
    let counts = DatasetCounts(statistics)
    if folder.json { return try StandardStreams.write(json: counts) }
    StandardStreams.write("\(counts.count.grouped) images, \(counts.rejected.count.grouped) rejected")
    func show(_ title: String, _ counts: [(String, Int)]) {
      let text = counts.map { "\($0.visible) \($1.grouped)" }.joined(separator: ", ")
      StandardStreams.write("\(title): \(text.isEmpty ? "unknown" : text)")
    }
    show("types", counts.types.sorted { $0.key < $1.key })
    show("lengths", counts.lengths.sorted { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) })
    show("sizes", counts.sizes.sorted { $0.key < $1.key })
    show("characters", counts.characters.sorted { $0.key < $1.key })
  }
}
