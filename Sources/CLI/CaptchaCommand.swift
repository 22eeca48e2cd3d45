import ArgumentParser
import Data
import Foundation
import Tensor

/// The command `captcha-cli` with all its subcommands.
public struct CaptchaCommand: ParsableCommand {
  public static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "captcha-cli",
      abstract: "Trains, measures and runs recognisers of captcha images.",
      discussion: """
        Examples:
          captcha-cli predict captcha.png                              # with the model that comes with the program
          captcha-cli quickstart                                       # the whole way, small
          captcha-cli generate --output images --count 20000
          captcha-cli train --data images --epochs 20
          captcha-cli evaluate runs/1/checkpoints/best-exact-match.safetensors --data images
          captcha-cli predict runs/1/checkpoints/best-exact-match.safetensors captcha.png

        With --json, standard output gets JSON only and everything else goes to standard error.
        Exit codes: 0 done, 1 failed, 64 wrong usage, 130 or 143 interrupted (a training saves first).
        """,
      version: ProgramCall.version,
      subcommands: [
        Generate.self, DatasetCommand.self, Train.self, Evaluate.self, Results.self, Predict.self, Calibrate.self,
        EnsembleCommand.self, ModelsCommand.self, ConfigCommand.self, Doctor.self, Quickstart.self, Bench.self,
      ] + Plugins.current.commands)
  }

  public init() {}

  /// Runs the command that `arguments` (without the program's name) ask for, and ends the process with its exit code.
  ///
  /// - Parameter plugins: what the program adds to the stock commands, callbacks and optimizers.
  public static func runAndExit(
    _ arguments: [String] = Array(CommandLine.arguments.dropFirst()), plugins: Plugins = Plugins()
  ) -> Never {
    Plugins.$current.withValue(plugins) { ProgramCall.$arguments.withValue(arguments) { runAndExit(arguments) } }
  }

  private static func runAndExit(_ arguments: [String]) -> Never {
    // A reader that goes away, or a file at its limit, is an error of the write and not the program's end.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    do {
      var command = try parseAsRoot(arguments)
      try checkEnvironment()
      try command.run()
      Foundation.exit(0)
    } catch {
      Foundation.exit(report(error))
    }
  }

  /// Refuses environment variables that would otherwise stop the program when they are first used.
  private static func checkEnvironment() throws {
    let environment = ProcessInfo.processInfo.environment
    if let text = environment["CAPTCHA_THREADS"], !(1...1024).contains(Int(text) ?? 0) {
      throw ValidationError("CAPTCHA_THREADS is \"\(text)\"; give a whole number from 1 to 1024, or unset it")
    }
    let levels = SIMDLevel.allCases.filter { $0.rank <= SIMDLevel.best.rank }.map(\.rawValue)
    if let text = environment["CAPTCHA_SIMD"], !levels.contains(text) {
      throw ValidationError("CAPTCHA_SIMD is \"\(text)\"; give \(levels.joined(separator: ", ")), or unset it")
    }
  }

  /// Writes what an error says to where it belongs, and returns the exit code.
  private static func report(_ error: any Error) -> Int32 {
    if let code = error as? ExitCode { return code.rawValue }
    let code = exitCode(for: error)
    switch code {
    case .success:
      // Help that was asked for.
      StandardStreams.write(fullMessage(for: error))
    case .validationFailure:
      // The reason on one line, whatever newlines the words of the user have; help and usage have lines of their own.
      let whole = fullMessage(for: error)
      let usage = whole.range(of: "\nHelp: ") ?? whole.range(of: "\nUsage: ", options: .backwards)
      let end = usage?.lowerBound ?? whole.firstIndex(of: "\n") ?? whole.endIndex
      let rest = whole[end...].components(separatedBy: "\n").map(\.visible).joined(separator: "\n")
      let message = String(whole[..<end]).visible + rest
      StandardStreams.note(message.hasPrefix("Error: ") ? "error: " + message.dropFirst("Error: ".count) : message)
    default: StandardStreams.noteFailure("\(error)")
    }
    return code.rawValue
  }
}
