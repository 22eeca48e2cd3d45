import ArgumentParser
import Foundation

/// `captcha-cli doctor`: says what works on this machine and what to do about the rest.
struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks processor, libraries, fonts, memory and data, and says what to do.",
    discussion: """
      Exit code 1 if a check fails.

      Example:
        captcha-cli doctor --data images
      """)

  @Option(help: ArgumentHelp("A folder of labelled images to check too.", valueName: "dir"))
  var data: String?

  @Option(name: .customLong("run"), help: ArgumentHelp("The folder whose free space is checked.", valueName: "dir"))
  var runDirectory = "."

  @Flag(help: "Writes JSON to standard output.")
  var json = false

  func run() throws {
    var checks = [
      SystemCheck.processor(), .threads(), .blas(), .gpu(), .memory(), .disk(runDirectory), .images(),
      .imageFormats(), .fonts(), .charset(), .gradients(),
    ]
    if let data { checks.append(.data(data)) }
    if json {
      try StandardStreams.write(json: ["checks": checks])
    } else {
      for check in checks {
        let name = check.name + String(repeating: " ", count: max(0, 10 - check.name.count))
        StandardStreams.write("\(check.ok ? "ok  " : "FAIL")  \(name)  \(check.detail)")
        if let remedy = check.remedy { StandardStreams.write("                  → \(remedy)") }
      }
      let failed = checks.filter { !$0.ok }.count
      StandardStreams.write(failed == 0 ? "Everything that training needs is there." : "\(failed) checks failed.")
    }
    if !checks.allSatisfy(\.ok) { throw ExitCode.failure }
  }
}
