import Foundation

/// Shows how a training gets on: on a terminal one live line per epoch, elsewhere one line when an epoch is done.
public final class ProgressBarSink: EventSink {
  private let language: Language
  private let verbose: Bool
  private let isTerminal: Bool
  private let columns: () -> Int
  private let interval: Duration
  private let write: (String) throws -> Void

  private var lastDrawn: ContinuousClock.Instant?
  private var isLineOpen = false

  /// - Parameters:
  ///   - output: where to write; standard error leaves standard output to results.
  ///   - verbose: show every change of the learning rate, not only reductions.
  public convenience init(output: FileHandle = .standardError, language: Language = .en, verbose: Bool = false) {
    let descriptor = output.fileDescriptor
    self.init(
      language: language, verbose: verbose, isTerminal: isatty(descriptor) == 1,
      columns: { terminalColumns(descriptor) }, interval: .milliseconds(100),
      write: { try output.write(contentsOf: Foundation.Data($0.utf8)) })
  }

  /// - Parameters:
  ///   - columns: tells the terminal's present width.
  ///   - interval: the shortest time between two drawings of the live line.
  ///   - write: receives what is to be shown.
  init(
    language: Language, verbose: Bool, isTerminal: Bool, columns: @escaping () -> Int, interval: Duration,
    write: @escaping (String) throws -> Void
  ) {
    self.language = language
    self.verbose = verbose
    self.isTerminal = isTerminal
    self.columns = columns
    self.interval = interval
    self.write = write
  }

  public func receive(_ event: TrainingEvent) throws {
    if case .batchEnded(let progress) = event {
      if isTerminal { try draw(progress) }
    } else if let line = language.line(event, verbose: verbose) {
      try write((isLineOpen ? Self.clearedLine : "") + line + "\n")
      isLineOpen = false
    }
  }

  private static let clearedLine = "\r\u{1B}[K"
  private static let barWidth = 24

  private func draw(_ progress: BatchProgress) throws {
    let now = ContinuousClock.now
    if let lastDrawn, lastDrawn.duration(to: now) < interval, progress.step < progress.steps { return }
    lastDrawn = now
    let filled = Self.barWidth * progress.step / max(1, progress.steps)
    let bar = String(repeating: "━", count: filled) + String(repeating: "─", count: Self.barWidth - filled)
    var parts = [
      "\(language.epoch(progress.epoch, of: progress.epochs)) \(bar) \(progress.step)/\(progress.steps)",
      language.speed(progress.imagesPerSecond), language.remaining(progress.remainingSeconds),
    ]
    if let loss = progress.logs[.loss] { parts.append(language.metric(.loss, loss)) }
    parts.append(language.learningRate(progress.learningRate))
    try write(Self.clearedLine + Self.fitted(parts.joined(separator: "  "), columns() - 1))
    isLineOpen = true
  }

  /// The beginning of `line` that fits `columns`: a line that wraps could not be drawn over.
  static func fitted(_ line: String, _ columns: Int) -> String {
    var width = 0
    return String(
      line.prefix { character in
        width += character.terminalColumns
        return width <= columns
      })
  }
}

extension Character {
  /// Chinese characters and full-width punctuation take two columns.
  fileprivate var terminalColumns: Int {
    let wide: [ClosedRange<UInt32>] = [
      0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFF00...0xFF60,
    ]
    return unicodeScalars.contains { scalar in wide.contains { $0.contains(scalar.value) } } ? 2 : 1
  }
}

/// The width of the terminal behind a file descriptor; 80 where it is not known.
private func terminalColumns(_ descriptor: Int32) -> Int {
  var size = winsize()
  guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
  return Int(size.ws_col)
}
