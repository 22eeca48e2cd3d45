import ArgumentParser
import Callbacks
import Foundation
import Report
import TensorBoard
import Training

/// What watches a training of the command line.
enum RunSinks {
  /// - Parameter json: show lines of JSON in place of a progress bar.
  static func make(
    _ directory: RunDirectory, configuration: TrainingConfiguration, verbose: Bool, language: Language, json: Bool
  ) throws -> [any EventSink] {
    try directory.create()
    let yaml = try configuration.yaml()
    return [
      json ? JSONLinesSink(output: .standardError) : ProgressBarSink(language: language, verbose: verbose),
      // The log keeps every change of the rate, shown or not.
      try LogFileSink(directory.log, language: language, verbose: true),
      CSVSink(directory.metrics),
      TimelineSink(directory.timeline),
      TensorBoardSink(directory.tensorBoard, configuration: yaml),
      ReportSink(
        directory.report, title: "Training of \(directory.displayPath)", configuration: yaml, facts: MachineFacts.all()),
    ] + (try Plugins.current.sinks.map { try $0(directory) })
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
