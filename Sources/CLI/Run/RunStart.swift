import Callbacks
import Foundation
import Tensor

/// How a training was started or resumed; a line of `starts.jsonl`.
struct RunStart: Codable {
  /// ISO 8601, UTC.
  var time: String
  /// The program's name and its arguments.
  var commandLine: [String]
  var programVersion: String
  var machine: MachineDescription
  /// The recipe that was asked for; nil where a configuration file was.
  var recipe: String?
  var architecture: String
  /// All weights, running statistics included.
  var parameters: Int
  var precision: ArithmeticPrecision
  var seed: UInt64
  var batchSize: Int
  /// Whether it goes on with an earlier part of the run.
  var resumed = false
  /// The first epoch of this part, from 0.
  var epoch = 0
  /// How many images an epoch has, and the validation part.
  var images = 0
  var validationImages = 0

  private enum CodingKeys: String, CodingKey {
    case time, machine, recipe, architecture, parameters, precision, seed, resumed, epoch, images
    case commandLine = "command_line"
    case programVersion = "program_version"
    case batchSize = "batch_size"
    case validationImages = "validation_images"
  }

  /// This one.
  init(_ configuration: TrainingConfiguration, recipe: String?, parameters: Int) {
    time = Date().formatted(.iso8601)
    commandLine = ProgramCall.commandLine
    programVersion = ProgramCall.version
    machine = .present
    self.recipe = recipe
    architecture = configuration.model.architecture
    self.parameters = parameters
    precision = configuration.training.precision
    seed = configuration.seed
    batchSize = configuration.training.batchSize
  }
}

/// Adds a line to a file when the training begins: not before, since one that is refused has not been started.
final class StartsFileSink: EventSink {
  private let url: URL
  private var start: RunStart

  init(_ url: URL, start: RunStart) {
    self.url = url
    self.start = start
  }

  func receive(_ event: TrainingEvent) throws {
    guard case .trainBegan(let plan) = event else { return }
    start.resumed = plan.isResuming
    start.epoch = plan.initialEpoch
    start.images = plan.trainingSamples
    start.validationImages = plan.validationSamples
    try removeUnfinishedLine()
    try GrowingFile(appendingTo: url).write(StandardStreams.jsonText(start) + "\n")
  }

  /// Takes away a last line without its end, which a crash has cut off: what comes would be joined to it, and neither could
  /// be read.
  private func removeUnfinishedLine() throws {
    guard FileManager.default.fileExists(atPath: url.path) else { return }
    // Reading from a pipe or a device would not come to an end.
    let isFile = try? url.resolvingSymlinksInPath().resourceValues(forKeys: [.isRegularFileKey]).isRegularFile
    guard isFile == true else {
      throw EventSinkError(file: url.path, reason: "no file, where one is to be written; remove it")
    }
    do {
      let file = try FileHandle(forUpdating: url)
      defer { try? file.close() }
      let content = try file.readToEnd() ?? Foundation.Data()
      let end = content.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
      if end < content.count { try file.truncate(atOffset: UInt64(end)) }
    } catch {
      throw EventSinkError(file: url.path, reason: error.localizedDescription)
    }
  }
}
