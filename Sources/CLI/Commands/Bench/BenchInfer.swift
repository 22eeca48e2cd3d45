import ArgumentParser
import Layers
import Models
import Tensor

/// `captcha-cli bench infer`.
struct BenchInfer: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "infer", abstract: "Measures a model that computes batches of images.",
    discussion: """
      One iteration takes a batch from pixels (bytes) to probabilities.

      Example:
        captcha-cli bench infer --model compact --batch-size 64
      """)

  @OptionGroup var options: BenchOptions

  func validate() throws { try InferenceWork.check(options) }

  func run() throws { try options.report(InferenceWork.self) }
}

/// Batches through a model, from pixels to probabilities.
struct InferenceWork: BenchmarkWork {
  static let name = "infer"
  static let warmUpIterations = 3
  static let minimumIterations = 5

  let batchSize: Int
  private let recognizer: Recognizer
  /// Pixels, uint8 [N, H, W, C] each.
  private let batches: [Tensor]

  var dataBytes: Int { batches.reduce(0) { $0 + $1.shape.count } }

  init(_ options: BenchOptions) throws {
    recognizer = try BenchmarkModel(options.model).recognizer()
    let images = try BenchmarkImages.dataset(options.data, for: recognizer.configuration)
    let size = options.batchSize ?? 128
    batchSize = size
    batches = try (0..<max(1, images.count / size)).map { batch in
      var pixels = Tensor(uninitialized: [size, images.height, images.width, images.channels], dtype: .uint8)
      try pixels.withMutableElements(of: UInt8.self) { pixels in
        for item in 0..<size {
          try images.withImageBytes(at: (batch * size + item) % images.count) { bytes in
            _ = pixels[item * images.imageSize..<(item + 1) * images.imageSize].update(fromContentsOf: bytes)
          }
        }
      }
      return pixels
    }
  }

  func run(_ timer: IterationTimer) {
    let classes = recognizer.codec.classCount
    timer.run { iteration in
      let logits = recognizer.model(batches[iteration % batches.count].floats(dividedBy: 255), .inference)
      _ = recognizer.loss.outputActivation.probabilities(logits, classes: classes)
    }
  }
}
