import ArgumentParser
import Data
import Models

/// Labelled images that a model is measured on.
struct LabelledImages: ParsableArguments {
  @Option(help: ArgumentHelp("The folder of labelled images.", valueName: "dir"))
  var data: String

  @Option(
    help: ArgumentHelp(
      "A folder for files that keep the decoded images; the pixels are then read from there, not kept in memory.",
      valueName: "dir"))
  var cache: String?

  @Option(help: "How many images are computed at once.")
  var batchSize = 128

  @Option(help: "A folder of which more than this share cannot be read is refused, from 0 to 1.")
  var maximumRejectedShare = 0.05

  @Flag(help: "Scales images of a size that the model was not trained on; without it they are refused.")
  var resize = false

  func validate() throws {
    if !(1...65_536).contains(batchSize) { throw ValidationError("--batch-size is \(batchSize); give 1 to 65536") }
    if !(0...1).contains(maximumRejectedShare) {
      throw ValidationError("--maximum-rejected-share is \(maximumRejectedShare); give 0 to 1")
    }
  }

  /// The images in each size and colour that a recogniser takes.
  func load(for recognizer: any TextRecognizer) throws -> [Dataset] {
    let loaded = try recognizer.inputs.map(load)
    if let other = loaded.first(where: { $0.dataset.names != loaded[0].dataset.names }) {
      throw ModelError(
        "\(data): \(other.dataset.count) images can be read now and \(loaded[0].dataset.count) could before; start again "
          + "when the folder does not change any more")
    }
    let known = recognizer.knownSizes
    let others = loaded[0].imageSizes.filter { !known.contains($0.key) }
    if !resize, let size = others.keys.min() {
      let sizes = known.isEmpty ? "its models know no size in common" : "it knows \(known.joined(separator: ", "))"
      throw ModelError(
        "\(data): \(others.values.reduce(0, +)) images are of a size that the model was not trained on, such as \(size) "
          + "(\(sizes)); give --resize to scale them")
    }
    for rejection in loaded[0].rejected { StandardStreams.note("left out: \(rejection)") }
    return loaded.map(\.dataset)
  }

  private func load(_ input: ImageInput) throws -> LoadedDataset {
    let reading = ProgressLine("reading images")
    let loaded = try DatasetLoader(
      options: DatasetOptions(
        width: input.width, height: input.height, colorMode: input.colorMode, codec: nil,
        maximumRejectedShare: maximumRejectedShare, cache: cache)
    ).load(data, progress: reading.update, notice: StandardStreams.note)
    // Not where reading failed: the error is all that is to be said then.
    reading.finish()
    return loaded
  }
}
