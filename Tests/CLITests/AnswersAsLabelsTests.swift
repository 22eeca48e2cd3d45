import Foundation
import Testing

/// Sums that are labelled with answers, for a model that learns questions.
@Suite struct AnswersAsLabelsTests {
  private let runner: CommandRunner

  init() throws { runner = try CommandRunner() }

  private func train(_ arguments: String...) throws -> CommandResult { try train(arguments) }

  private func train(_ arguments: [String]) throws -> CommandResult {
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

  @Test func areWarnedOfWhereTheyAreDrawn() throws {
    let warning =
      "Warning: data.generate.math_label is answer: the drawn images of type math are labelled with answers, "
    let answers = ["--set", "data.generate.count=8", "--set", "data.generate.math_label=answer"]
    for fresh in [true, false] {
      let run = "fresh-\(fresh)"
      let result = try train(answers + ["--set", "data.generate.fresh=\(fresh)", "--run", run])
      #expect(result.errors.contains(warning), "\(result.errors)")
      let log = try runner.text("\(run)/training.log")
      #expect(log.contains(warning) && log.contains("set data.generate.math_label=question, or decoding.grammar=none"))
    }
    for (run, setting) in [("digits", "data.generate.types=[digit]"), ("none", "decoding.grammar=none")] {
      let result = try train(answers + ["--set", setting, "--run", run])
      #expect(!result.errors.contains("labelled with answers"), "\(result.errors)")
    }
  }
}
