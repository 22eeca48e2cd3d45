import ArgumentParser
import Data
import Tensor

/// `captcha-cli bench generate`.
struct BenchGenerate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Measures the drawing of images.",
    discussion: """
      One iteration draws a batch of new images of all types into memory, in the model's size and colours, \
      without encoding them.

      Example:
        captcha-cli bench generate --threads 1 --style library
      """)

  @Option(help: "The look of the images: \(CaptchaStyle.allCases.map(\.rawValue).joined(separator: ", ")).")
  var style = CaptchaStyle.classic

  @OptionGroup var options: BenchOptions

  func validate() throws { try DrawingWork.check(options) }

  func run() throws { try options.report { try DrawingWork($0, style: style) } }
}

/// New images drawn into memory.
struct DrawingWork: BenchmarkWork {
  static let name = "generate"
  static let warmUpIterations = 2
  static let minimumIterations = 5

  let batchSize: Int
  private let images: DrawnImages

  var dataBytes: Int { batchSize * images.width * images.height * images.colorMode.channels }

  static func check(_ options: BenchOptions) throws {
    try options.requireFloat32()
    if let data = options.data {
      throw ValidationError("--data is \"\(data)\"; generate draws its own images, leave the option out")
    }
  }

  init(_ options: BenchOptions) throws { try self.init(options, style: .classic) }

  init(_ options: BenchOptions, style: CaptchaStyle) throws {
    batchSize = options.batchSize ?? 128
    images = try BenchmarkImages.drawn(for: BenchmarkModel(options.model).modelConfiguration(), style: style)
  }

  func run(_ timer: IterationTimer) {
    var pixels = Tensor(uninitialized: [dataBytes], dtype: .uint8)
    pixels.withMutableElements(of: UInt8.self) { pixels in
      timer.run { iteration in
        images.fill(pixels, indices: Array(iteration * batchSize..<(iteration + 1) * batchSize))
      }
    }
  }
}
