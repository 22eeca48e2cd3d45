import Foundation
import Testing

/// What a run of the program left.
struct CommandResult {
  let code: Int32
  let output: String
  let errors: String

  /// Standard output as one JSON object.
  func json(_ location: SourceLocation = #_sourceLocation) throws -> [String: Any] {
    let lines = output.split(separator: "\n")
    #expect(lines.count == 1, "standard output is not one line: \(output)", sourceLocation: location)
    return try #require(
      try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any], sourceLocation: location)
  }

  /// Checks that the program failed with one line that has all of `parts`.
  func expectError(_ code: Int32 = 1, _ parts: String..., location: SourceLocation = #_sourceLocation) {
    #expect(self.code == code, "\(errors)", sourceLocation: location)
    let lines = errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
    #expect(lines.count == 1, "not one error line: \(errors)", sourceLocation: location)
    for part in parts {
      #expect(lines.first?.contains(part) == true, "no \(part) in: \(errors)", sourceLocation: location)
    }
    #expect(output.isEmpty, "\(output)", sourceLocation: location)
  }
}

/// Runs the program in a folder of its own, which is removed at the end.
final class CommandRunner {
  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("captcha-cli-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// The program stands beside the tests.
  private static let executable = URL(fileURLWithPath: CommandLine.arguments[0])
    .deletingLastPathComponent().appendingPathComponent("captcha-cli")

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  /// Runs to the end.
  @discardableResult
  func run(_ arguments: String..., input: Data? = nil) throws -> CommandResult {
    try run(arguments, input: input)
  }

  func run(_ arguments: [String], input: Data? = nil) throws -> CommandResult {
    try start(arguments, input: input).wait()
  }

  /// Starts without waiting.
  func start(_ arguments: [String], input: Data? = nil) throws -> RunningCommand {
    try RunningCommand(Self.executable, arguments, folder: folder, input: input)
  }
}

/// A program that is running. Its output goes to files, which never fill up as pipes do.
final class RunningCommand {
  let process = Process()
  private let output: URL
  private let errors: URL

  init(_ executable: URL, _ arguments: [String], folder: URL, input: Data?) throws {
    // Outside the folder, in which tests look at what the program wrote.
    let files = FileManager.default.temporaryDirectory.appendingPathComponent("captcha-cli-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
    output = files.appendingPathComponent("output")
    errors = files.appendingPathComponent("errors")
    let inputFile = files.appendingPathComponent("input")
    for file in [output, errors] { try Data().write(to: file) }
    try (input ?? Data()).write(to: inputFile)
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.standardInput = try FileHandle(forReadingFrom: inputFile)
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
  }

  deinit { try? FileManager.default.removeItem(at: output.deletingLastPathComponent()) }

  /// What the program has written to standard error so far.
  var errorsSoFar: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }

  /// Waits for `condition`, at most a minute.
  func waitUntil(_ condition: () -> Bool) throws {
    for _ in 0..<6000 {
      if condition() { return }
      let said = try String(contentsOf: errors, encoding: .utf8)
      try #require(process.isRunning, "the program ended early: \(said)")
      usleep(10_000)
    }
    Issue.record("waited a minute in vain")
  }

  func wait() throws -> CommandResult {
    process.waitUntilExit()
    return CommandResult(
      code: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
      output: try String(contentsOf: output, encoding: .utf8),
      errors: try String(contentsOf: errors, encoding: .utf8))
  }
}
