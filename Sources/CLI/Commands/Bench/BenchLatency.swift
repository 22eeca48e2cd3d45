import ArgumentParser
import Data
import Models

/// `captcha-cli bench latency`.
struct BenchLatency: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "latency", abstract: "Measures how long one image takes from pixels to text.",
    discussion: """
      One iteration reads one image that is decoded already, with a model that is loaded already. As in `predict`,
      large dense weights are read as float16.

      Example:
        captcha-cli bench latency --model model.safetensors --data images
      """)

  @OptionGroup var options: BenchOptions

  func validate() throws { try LatencyWork.check(options) }

  func run() throws { try options.report(LatencyWork.self) }
}

/// Single images through the recogniser.
struct LatencyWork: BenchmarkWork {
  static let name = "latency"
  static let warmUpIterations = 10
  static let minimumIterations = 20

  let batchSize = 1
  let dataBytes: Int
  private let recognizer: Recognizer
  private let images: [Image]

  static func check(_ options: BenchOptions) throws {
    try options.requireFloat32()
    if let size = options.batchSize, size != 1 {
      throw ValidationError("--batch-size is \(size); latency is that of one image, leave the option out")
    }
  }

  init(_ options: BenchOptions) throws {
    recognizer = try BenchmarkModel(options.model).recognizer()
    let dataset = try BenchmarkImages.dataset(options.data, for: recognizer.configuration)
    images = try (0..<dataset.count).map(dataset.image)
    dataBytes = dataset.count * dataset.imageSize
  }

  func run(_ timer: IterationTimer) {
    timer.run { _ = recognizer.read([images[$0 % images.count]]) }
  }
}
