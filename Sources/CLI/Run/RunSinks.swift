import ArgumentParser
import Callbacks
import Foundation
import TensorBoard
import Training

/// What watches a training of the command line: the progress bar, the log, the table of metrics and TensorBoard's files.
enum RunSinks {
  static func make(
    _ configuration: TrainingConfiguration, _ directory: RunDirectory, verbose: Bool, language: Language
  ) throws -> [any EventSink] {
    try directory.create()
    return [
      ProgressBarSink(language: language, verbose: verbose),
      // The log keeps every change of the rate, shown or not.
      try LogFileSink(directory.log, language: language, verbose: true),
      CSVSink(directory.metrics),
      TensorBoardSink(directory.tensorBoard, configuration: try configuration.yaml()),
    ]
  }
}

/// Writes a run's configuration when its first epoch begins: not before, since a run that is refused must leave the
/// configuration of the run that it would have gone on with.
final class ConfigurationFileSink: EventSink {
  private let url: URL
  private let text: String
  private var isWritten = false

  init(_ url: URL, text: String) {
    self.url = url
    self.text = text
  }

  func receive(_ event: TrainingEvent) throws {
    guard !isWritten, case .epochBegan = event else { return }
    try text.writeFile(url)
    isWritten = true
  }
}

extension Language: ExpressibleByArgument {}
