import ArgumentParser
import Data
import Foundation

/// `captcha-cli dataset preview`.
struct DatasetPreview: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preview", abstract: "Shows what a model may see in training, as a picture.",
    discussion: """
      Each row is an image in the model's size and colours, and then what the configuration's augmentations make of it in
      some epochs. A training draws other random numbers for it, from the same ranges.

      Examples:
        captcha-cli dataset preview --data images --config train.yaml --output preview.png
        captcha-cli dataset preview --set 'data.augmentations=[random_affine, gaussian_noise]' --output preview.png
      """)

  @OptionGroup var source: ConfigurationOptions

  @Option(help: ArgumentHelp("A new PNG file.", valueName: "file"))
  var output: String

  @Option(help: "How many images, one in each row.")
  var count = 8

  @Option(help: "How many epochs, one in each column after the first.")
  var epochs = 4

  @Flag(help: "Writes JSON to standard output.")
  var json = false

  func validate() throws {
    if !(1...100).contains(count) { throw ValidationError("--count is \(count); give 1 to 100") }
    if !(1...20).contains(epochs) { throw ValidationError("--epochs is \(epochs); give 1 to 20") }
  }

  func run() throws {
    try PictureFile.requireNew(output)
    let configuration = try source.configuration()
    let dataset = try TrainingImages.sample(configuration, count: count)
    let plain = try DatasetBatches(dataset, codec: configuration.model.codec)
    let names = configuration.data.augmentations.map(\.name)
    let seen = try TrainingImages.augmented(plain, configuration)
    let indices = Array(0..<dataset.count)[...]
    // The first column shows the images as they are.
    var columns = try [plain.batch(indices, epoch: 0)]
    if !names.isEmpty { columns += try (0..<epochs).map { try seen.batch(indices, epoch: $0) } }
    let pictures = columns.map(\.pictures)
    let sheet = ContactSheet(rows: indices.map { row in pictures.map { $0[row] } })
    try PNG.write(sheet.picture, to: output)

    let report = CommandOutput(json: json)
    if json {
      try StandardStreams.write(
        json: Result(output: output, augmentations: names, epochs: columns.count - 1, rows: dataset.samples))
    }
    for (row, sample) in dataset.samples.enumerated() {
      report.line("row \(row + 1): \(sample.label.visible)  \(sample.name.visible)")
    }
    report.line(
      names.isEmpty
        ? "\(output): the images as they are; the configuration has no augmentations"
        : "\(output): left the images as they are, then \(epochs) \(epochs == 1 ? "epoch" : "epochs") of "
          + names.joined(separator: ", "))
  }

  private struct Result: Encodable {
    let output: String
    let augmentations: [String]
    let epochs: Int
    let rows: [Sample]
  }
}

extension Batch {
  /// The images of the batch, with whole values from 0 to 255.
  fileprivate var pictures: [Image] {
    let (height, width, channels) = (images.shape[1], images.shape[2], images.shape[3])
    let size = height * width * channels
    return images.withElements(of: Float.self) { values in
      stride(from: 0, to: values.count, by: size).map { start in
        Image(
          width: width, height: height, channels: channels,
          pixels: values[start..<start + size].map { UInt8(($0 * 255).rounded()) })
      }
    }
  }
}
