import Foundation
import Testing

/// Chromium without a window: opens a page and tells what became of it.
struct HeadlessBrowser {
  struct Page {
    /// The document as it was when it was loaded.
    let document: String
    /// What the console said.
    let console: [String]
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Far longer than it takes, for machines that have much else to do.
  private static let secondsAllowed = 120.0

  /// The browser on the `PATH`; nil, with a notice, where there is none.
  static let installed: HeadlessBrowser? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    let paths = folders.flatMap { folder in ["chromium", "chromium-browser", "google-chrome"].map { "\(folder)/\($0)" }
    }
    if let path = paths.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) {
      return HeadlessBrowser(executable: URL(fileURLWithPath: path))
    }
    print("NOTICE: \(isMissing)")
    return nil
  }()

  static let isMissing: Comment =
    "the report was not looked at in a browser: there is no chromium on the PATH (Debian: apt-get install chromium)"

  let executable: URL

  /// Loads a page and returns what it is once all is loaded.
  func open(_ url: URL) throws -> Page {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("browser-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    // Files rather than pipes, which would have to be read while the browser runs.
    let (output, errors) = (folder.appendingPathComponent("output"), folder.appendingPathComponent("errors"))
    for file in [output, errors] { try Data().write(to: file) }
    let process = Process()
    process.executableURL = executable
    process.arguments = [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
      "--disable-background-networking", "--user-data-dir=\(folder.appendingPathComponent("profile").path)",
      "--enable-logging=stderr", "--window-size=1400,1000", "--dump-dom", url.absoluteString,
    ]
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let end = Date(timeIntervalSinceNow: Self.secondsAllowed)
    while process.isRunning, Date() < end { Thread.sleep(forTimeInterval: 0.02) }
    let messages = { try String(decoding: Data(contentsOf: errors), as: UTF8.self) }
    if process.isRunning {
      process.terminate()
      process.waitUntilExit()
      throw Failure(description: "the browser did not end within \(Self.secondsAllowed) s: \(try messages())")
    }
    guard process.terminationStatus == 0 else {
      throw Failure(description: "the browser ended with \(process.terminationStatus): \(try messages())")
    }
    let console = try messages().split(separator: "\n").filter { $0.contains("CONSOLE") }.map(String.init)
    return Page(document: String(decoding: try Data(contentsOf: output), as: UTF8.self), console: console)
  }
}
