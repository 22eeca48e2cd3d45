import Foundation

/// Writes what happens, a line each with its time, to the end of a file (`training.log`).
public final class LogFileSink: EventSink {
  private let file: GrowingFile
  private let language: Language
  private let verbose: Bool
  private let now: () -> Date

  /// - Parameters:
  ///   - verbose: note every change of the learning rate, not only reductions.
  /// - Throws: an error that names the file where it can't be opened.
  public convenience init(_ url: URL, language: Language = .en, verbose: Bool = false) throws {
    try self.init(url, language: language, verbose: verbose, now: { Date() })
  }

  /// - Parameter now: tells the time.
  init(_ url: URL, language: Language, verbose: Bool, now: @escaping () -> Date) throws {
    file = try GrowingFile(appendingTo: url)
    self.language = language
    self.verbose = verbose
    self.now = now
  }

  public func receive(_ event: TrainingEvent) throws {
    guard let line = language.line(event, verbose: verbose, leastDataWait: 0) else { return }
    try file.write("\(now().formatted(.iso8601))  \(line)\n")
  }
}
