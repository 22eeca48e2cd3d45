import ArgumentParser
import Callbacks
import Data
import Foundation
import Training

/// `captcha-cli quickstart`: the main job, small.
struct Quickstart: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws four-digit images, trains on them, evaluates on new ones and reads a few.",
    discussion: """
      Takes about a minute on two processors and needs nothing but this program. The configuration is
      `captcha-cli config show --recipe quickstart`.

      Example:
        captcha-cli quickstart
      """)

  @Option(
    name: .customLong("run"),
    help: ArgumentHelp("The folder for everything that is written; the next runs/N otherwise.", valueName: "dir"))
  var runDirectory: String?

  @Option(help: "Decides images, split, initial weights, order and dropout.")
  var seed: UInt64?

  @Option(
    help: ArgumentHelp("Sets one key of the configuration; may be given several times.", valueName: "key.path=value"))
  var set: [String] = []

  @Option(help: "The language of the progress lines: en or zh.")
  var language = Language.en

  @Flag(help: "Writes JSON to standard output, and each event of the training as a line of JSON to standard error.")
  var json = false

  /// Images that the model never saw, to measure it on.
  private static let heldOut = 1000
  private static let shown = 5

  func run() throws {
    let start = ContinuousClock.now
    let report = CommandOutput(json: json)
    let configuration = try TrainingConfiguration(
      recipe: .quickstart, overrides: (seed.map { ["seed=\($0)"] } ?? []) + set)
    let directory = try RunDirectory.forNewRun(runDirectory)
    let transfer = try configuration.weightTransfer(isResuming: false)
    let training = try TrainingRun(
      configuration, recipe: .quickstart, images: TrainingImages(configuration), transfer: transfer,
      directory: directory, isResuming: false,
      sinks: try RunSinks.make(
        directory, configuration: configuration, verbose: false, language: language, json: json))
    let (result, signalExitCode) = try training.train()
    let path = directory.displayPath
    if result.outcome == .stopped(.interrupted), let signalExitCode {
      let summary = RunSummary(result, run: path, evaluation: nil)
      try StandardStreams.jsonText(summary, pretty: true).writeFile(directory.summary)
      if let page = training.reportPath { report.line("report: \(page)") }
      report.line("interrupted; go on with: captcha-cli train --resume --run \(path.shellWord)")
      throw ExitCode(signalExitCode)
    }

    let heldOut = try DrawnImages(configuration, purpose: .heldOut)
    let evaluation = try training.evaluate(try heldOut.dataset(0..<Self.heldOut))
    let summary = RunSummary(result, run: path, evaluation: evaluation)
    try StandardStreams.jsonText(summary, pretty: true).writeFile(directory.summary)
    let samples = try SampleImages(
      heldOut, count: Self.shown, folder: directory.url.appendingPathComponent("samples"))
    let readings = try training.recognizer().read(samples.captchas.map(\.image))
    let seconds = start.secondsUntilNow
    if json {
      try StandardStreams.write(
        json: Result(exactMatch: evaluation.exactMatch, seconds: seconds, count: evaluation.count, run: path))
    }

    let interval = evaluation.exactMatchInterval.map(\.percent).joined(separator: " to ")
    report.line()
    report.line(
      "exact match on \(evaluation.count.grouped) held-out images: \(evaluation.exactMatch.percent) (95 %: \(interval))"
    )
    report.line("readings, in the order of the picture \(RunDirectory(samples.sheet).displayPath):")
    for (captcha, (file, reading)) in zip(samples.captchas, zip(samples.files, readings)) {
      report.line(
        "  \(captcha.label == reading.text ? "right" : "WRONG")  shows \(captcha.label)  read \(reading.text)  confidence "
          + "\(reading.confidence.fixed(3))  \(RunDirectory(file).displayPath)")
    }
    report.line("\(seconds.fixed(1)) s in all: drawing, training, evaluating")
    if let page = training.reportPath { report.line("report: \(page)") }
    report.line("Next:")
    let model = RunDirectory(directory.model(named: "final")).displayPath
    report.line("  captcha-cli predict \(model.shellWord) \(RunDirectory(samples.files[0]).displayPath.shellWord)")
    report.line("  captcha-cli generate --output images --count 20000   # letters, digits and sums")
    report.line("  captcha-cli train --data images --recipe seed")
  }

  private struct Result: Encodable {
    let exactMatch: Double
    let seconds: Double
    let count: Int
    let run: String

    enum CodingKeys: String, CodingKey {
      case seconds, count, run
      case exactMatch = "exact_match"
    }
  }
}
