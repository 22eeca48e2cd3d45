import ArgumentParser
import Callbacks
import Data
import Optimizers
import Tensor
import Testing
import Training

@testable import CLI

/// What a program of one's own adds is there, and only while it runs.
@Suite struct PluginTests {
  private final class Nothing: Callback {
    let name = "nothing"
    let every: Int
    init(every: Int) { self.every = every }
    func warnings(for plan: TrainingPlan) -> [String] { ["nothing happens in \(plan.epochs) epochs"] }
  }

  private final class Deaf: EventSink {
    func receive(_ event: TrainingEvent) {}
  }

  private struct Unchanged: Augmentation {
    func apply(to image: AugmentedImage, using random: inout RandomStream) {}
  }

  private struct Greet: ParsableCommand {
    @Argument var name: String
  }

  private let yaml = """
    callbacks: [{name: nothing, every: 3}]
    optimizer: {name: plain_sgd}
    data: {augmentations: [unchanged]}
    """

  private func plugins() -> Plugins {
    var plugins = Plugins()
    plugins.callbacks.register("nothing") { Nothing(every: try $0.integer("every", in: 1...)) }
    plugins.optimizers.register("plain_sgd") { _ in SGD() }
    plugins.augmentations.register("unchanged") { _ in Unchanged() }
    plugins.sinks.append { _ in Deaf() }
    plugins.commands = [Greet.self]
    return plugins
  }

  @Test func configurationsCanNameWhatWasAdded() throws {
    #expect(throws: ConfigurationFileError.self) { try TrainingConfiguration(yaml: yaml, named: "test") }
    try Plugins.$current.withValue(plugins()) {
      let configuration = try TrainingConfiguration(yaml: yaml, named: "test")
      #expect(configuration.callbacks.map(\.name) == ["nothing"] && configuration.optimizer.name == "plain_sgd")
      #expect(configuration.data.augmentations.map(\.name) == ["unchanged"])
      #expect(try configuration.warnings() == ["nothing happens in 200 epochs"])
      #expect {
        try TrainingConfiguration(yaml: "callbacks: [{name: nothing, evry: 3}]", named: "test")
      } throws: { "\($0)".contains("did you mean \"every\"?") }
    }
  }

  @Test func sinksAndCommandsAreAdded() throws {
    let runner = try CommandRunner()
    let directory = RunDirectory(runner.folder.appendingPathComponent("run"))
    try Plugins.$current.withValue(plugins()) {
      let sinks = try RunSinks.make(
        directory, configuration: TrainingConfiguration(recipe: .seed), verbose: false, language: .en, json: false)
      #expect(sinks.contains { $0 is Deaf } && sinks.contains { $0 is CSVSink })
      #expect(try CaptchaCommand.parseAsRoot(["greet", "me"]) is Greet)
      #expect(try CaptchaCommand.parseAsRoot(["doctor"]) is Doctor)
    }
    #expect(throws: (any Error).self) { try CaptchaCommand.parseAsRoot(["greet", "me"]) }
  }
}
