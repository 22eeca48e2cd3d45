import Foundation
import Testing

/// Folders whose sums are labelled with answers, for a model that learns questions.
@Suite struct AnswersAsLabelsTests {
  private let runner: CommandRunner

  init() throws { runner = try CommandRunner() }

  private func train(_ arguments: String...) throws -> CommandResult {
    let result = try runner.run(
      [
        "train", "--recipe", "fast", "--epochs", "1", "--set", "training.batch_size=4", "--set",
        "data.validation_fraction=0.5",
      ] + arguments)
    #expect(result.code == 0, "\(result.errors)")
    return result
  }

  @Test func areWarnedOf() throws {
    let warning = "Warning: answers: 4 of 4 images of type math are labelled with answers, such as "
    try runner.run("generate", "--output", "answers", "--count", "8", "--types", "math,digit")
    try runner.run(
      "generate", "--output", "questions", "--count", "8", "--types", "math,digit", "--math-label", "question")
    let result = try train("--data", "answers", "--run", "a")
    #expect(result.errors.contains(warning), "\(result.errors)")
    let log = try runner.text("a/training.log")
    #expect(log.contains(warning) && log.contains("or set decoding.grammar=none"))
    #expect(!(try train("--data", "questions", "--run", "q").errors.contains("labelled with answers")))
    let other = try train("--data", "answers", "--run", "n", "--set", "decoding.grammar=none")
    #expect(!other.errors.contains("labelled with answers"))
  }
}
