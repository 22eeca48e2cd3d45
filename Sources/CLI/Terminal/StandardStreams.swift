import Data
import Foundation

/// What the commands write: results to standard output, everything else to standard error.
enum StandardStreams {
  /// Whether standard error is a terminal, on which a line can be written over.
  static let errorIsTerminal = isatty(STDERR_FILENO) == 1

  /// A line of the result.
  ///
  /// A result that cannot be written ends the program: nobody would get it. Output is not buffered, so that lines of a long
  /// job come at once.
  static func write(_ line: String) {
    do {
      try FileHandle.standardOutput.write(contentsOf: Foundation.Data((line + "\n").utf8))
    } catch {
      noteFailure("standard output cannot be written (\(error.localizedDescription)); check where it goes")
      Foundation.exit(1)
    }
  }

  /// A line that is not part of the result.
  static func note(_ line: String) { noteText(line + "\n") }

  /// Why something failed, on one line: the names in it may have newlines.
  static func noteFailure(_ reason: String) { note("error: " + reason.visible) }

  /// Text that is not part of the result, without a line's end. Where nobody can read it the work goes on.
  static func noteText(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Foundation.Data(text.utf8))
  }

  /// A value as one line of JSON.
  static func write(json value: some Encodable) throws { write(try jsonText(value)) }

  /// A value as JSON on one line.
  static func jsonText(_ value: some Encodable, pretty: Bool = false) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
      pretty
      ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
      : [
        .sortedKeys, .withoutEscapingSlashes,
      ]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}

/// Where a command reports what it does: to standard output for people, to standard error where the output is JSON.
struct CommandOutput {
  let json: Bool

  func line(_ text: String = "") {
    if json { StandardStreams.note(text) } else { StandardStreams.write(text) }
  }
}

extension Double {
  /// With `digits` digits after the point.
  func fixed(_ digits: Int) -> String { String(format: "%.\(digits)f", self) }
  /// A share as a percentage.
  var percent: String { "\((self * 100).fixed(2)) %" }
}

extension Int {
  /// With a comma between thousands.
  var grouped: String {
    var digits = Array(String(magnitude))
    for index in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: index) }
    return (self < 0 ? "-" : "") + String(digits)
  }
}
