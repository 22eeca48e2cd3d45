import ArgumentParser
import Foundation
import PluginConfiguration

/// `captcha-cli config`: shows and checks configurations.
struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Prints and checks configurations.",
    discussion: """
      Example:
        captcha-cli config show --recipe seed > train.yaml
        captcha-cli config check train.yaml
      """,
    subcommands: [Show.self, Check.self])

  /// `captcha-cli config show`.
  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints a complete configuration.",
      discussion: """
        Example:
          captcha-cli config show --recipe quickstart > train.yaml
        """)

    @Option(help: "Which one: \(Recipe.names).")
    var recipe = Recipe.seed

    @Flag(help: "Writes JSON to standard output.")
    var json = false

    func run() throws {
      if json {
        try StandardStreams.write(json: Result(recipe: recipe.rawValue, configuration: recipe.root().value))
      } else {
        StandardStreams.write(recipe.yaml.trimmingCharacters(in: .newlines))
      }
    }

    private struct Result: Encodable {
      let recipe: String
      let configuration: ConfigurationValue
    }
  }

  /// `captcha-cli config check`.
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Refuses a configuration with unknown keys or values that cannot be.",
      discussion: """
        Example:
          captcha-cli config check train.yaml
        """)

    @Argument(help: "The configuration file.")
    var file: String

    @Option(help: "The shipped configuration that has what the file leaves out: \(Recipe.names).")
    var recipe = Recipe.seed

    @Flag(help: "Writes JSON to standard output.")
    var json = false

    func run() throws {
      let configuration = try TrainingConfiguration(file: file, base: recipe)
      let warnings = try configuration.warnings()
      if json {
        try StandardStreams.write(json: Result(file: file, ok: true, warnings: warnings))
      } else {
        for warning in warnings { StandardStreams.note("warning: \(warning)") }
        StandardStreams.write(
          "\(file): ok (model \(configuration.model.architecture), \(configuration.training.epochs) epochs, "
            + "callbacks \(configuration.callbacks.map(\.name).joined(separator: ", ")))")
      }
    }

    private struct Result: Encodable {
      let file: String
      let ok: Bool
      let warnings: [String]
    }
  }
}

extension Recipe: ExpressibleByArgument {}
