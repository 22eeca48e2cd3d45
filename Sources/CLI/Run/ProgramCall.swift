import Data
import Foundation

/// Which program this is and how it was called.
enum ProgramCall {
  static let version = "0.6.0"

  /// The arguments without the program's name.
  @TaskLocal static var arguments = Array(CommandLine.arguments.dropFirst())

  /// The program's name, without its folder, and its arguments.
  static var commandLine: [String] {
    [URL(fileURLWithPath: CommandLine.arguments.first ?? "captcha-cli").lastPathComponent] + arguments
  }
}

extension [String] {
  /// A call of the program as a line of a shell, by its own name, however the file was called; what has no sign is
  /// shown as an escape.
  var shellLine: String {
    (["captcha-cli"] + dropFirst()).map(\.shellWord).joined(separator: " ").visible
  }
}
