import ArgumentParser
import Callbacks
import Training

/// What watches a training of the command line: the progress bar, the log and the table of metrics.
enum RunSinks {
  static func make(_ directory: RunDirectory, verbose: Bool, language: Language) throws -> [any EventSink] {
    try directory.create()
    return [
      ProgressBarSink(language: language, verbose: verbose),
      // The log keeps every change of the rate, shown or not.
      try LogFileSink(directory.log, language: language, verbose: true),
      CSVSink(directory.metrics),
    ]
  }
}

extension Language: ExpressibleByArgument {}
