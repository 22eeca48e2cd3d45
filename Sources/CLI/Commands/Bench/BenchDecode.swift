import ArgumentParser
import Data
import Foundation
import Models
import Tensor

/// `captcha-cli bench decode`.
struct BenchDecode: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode", abstract: "Measures the decoding of images.",
    discussion: """
      One iteration decodes a batch of files, whose bytes are in memory already, and brings them to the \
      model's size and colours.

      Example:
        captcha-cli bench decode --data images --threads 2
      """)

  @OptionGroup var options: BenchOptions

  func validate() throws { try DecodingWork.check(options) }

  func run() throws { try options.report(DecodingWork.self) }
}

/// Image files in memory to images of a model's size and colours, several at once.
struct DecodingWork: BenchmarkWork {
  static let name = "decode"
  static let warmUpIterations = 2
  static let minimumIterations = 5

  let batchSize: Int
  private let model: ModelConfiguration
  private let files: [(name: String, bytes: [UInt8])]

  var dataBytes: Int { files.reduce(0) { $0 + $1.bytes.count } }

  init(_ options: BenchOptions) throws {
    batchSize = options.batchSize ?? 128
    model = try BenchmarkModel(options.model).modelConfiguration()
    if let folder = options.data {
      files = try ImageFolder(folder).imagePaths().prefix(BenchmarkImages.count).map { file in
        do {
          return (file, [UInt8](try Foundation.Data(contentsOf: URL(fileURLWithPath: file))))
        } catch {
          throw ImageError.unreadable(file: file, reason: (error as NSError).localizedDescription)
        }
      }
    } else {
      let drawn = try BenchmarkImages.drawn(for: model)
      let images = Threads.map(count: BenchmarkImages.count) { index in
        Result { try PNG.encode(drawn.captcha(index).image) }
      }
      files = try images.enumerated().map { ("drawn-\($0)", try $1.get()) }
    }
  }

  func run(_ timer: IterationTimer) throws {
    try timer.run { iteration in
      let images = Threads.map(count: batchSize) { item in
        let file = files[(iteration * batchSize + item) % files.count]
        return Result {
          try ImageFile.decode(file.bytes, named: file.name, as: model.colorMode)
            .resized(width: model.imageWidth, height: model.imageHeight)
        }
      }
      for image in images { _ = try image.get() }
    }
  }
}
