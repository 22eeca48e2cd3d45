import ArgumentParser
import Callbacks
import Foundation
import Training

/// `captcha-cli train`: trains a model.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains a model.",
    discussion: """
      Without --data the images are drawn first, as the configuration says; --data synthetic draws new ones for every
      epoch (a folder of that name is ./synthetic). Ctrl-C ends after the current step and saves; --resume goes on from
      there as if nothing had happened. --initialize-from starts from the weights of another model, which may have another
      charset or length; what was taken and what not is printed. With transfer.freeze a part of them stays as it is.

      Examples:
        captcha-cli train --data images --epochs 20
        captcha-cli train --data synthetic --set data.generate.difficulty.lines=0.5
        captcha-cli train --recipe quickstart --set callbacks.one_cycle.max_lr=0.002
        captcha-cli train --resume --run runs/1 --epochs 40
        captcha-cli train --data others --initialize-from runs/1/checkpoints/final.safetensors \\
          --set 'transfer.freeze=["conv*", "bn*"]'
      """)

  @OptionGroup var source: ConfigurationOptions

  @Option(
    help: ArgumentHelp(
      "A folder for files that keep the decoded images; the pixels are then read from there, not kept in memory.",
      valueName: "dir"))
  var cache: String?

  @Option(
    name: .customLong("run"),
    help: ArgumentHelp("The folder for everything that the run writes; the next runs/N otherwise.", valueName: "dir"))
  var runDirectory: String?

  @Option(
    help: ArgumentHelp("A model file to start from; what does not fit is drawn as usual.", valueName: "file"))
  var initializeFrom: String?

  @Option(help: "The number of epochs, at most.")
  var epochs: Int?

  @Flag(help: "Goes on with the run in --run, or with the last one.")
  var resume = false

  @Flag(help: "Prints for every change of the learning rate what was set and what the optimizer then has.")
  var verbose = false

  @Option(help: "The language of the progress lines: en or zh.")
  var language = Language.en

  @Flag(help: "Writes JSON to standard output, and each event of the training as a line of JSON to standard error.")
  var json = false

  func validate() throws {
    if let epochs, epochs < 1 { throw ValidationError("--epochs is \(epochs); give 1 or more") }
  }

  func run() throws {
    let directory = resume ? try RunDirectory.toResume(runDirectory) : try RunDirectory.forNewRun(runDirectory)
    let configuration = try configuration(directory)
    let report = CommandOutput(json: json)
    // Before the images, which take longer.
    let transfer = try configuration.weightTransfer(isResuming: resume)
    let training = try TrainingRun(
      configuration, recipe: source.recipe ?? (source.config == nil && !resume ? .seed : nil),
      images: TrainingImages(configuration), transfer: transfer, directory: directory, isResuming: resume,
      sinks: try RunSinks.make(
        directory, configuration: configuration, verbose: verbose, language: language, json: json))
    let path = directory.displayPath
    let (result, signalExitCode) = try training.train()
    let isInterrupted = result.outcome == .stopped(.interrupted)
    let evaluation = isInterrupted ? nil : try training.evaluate(training.images.validation)
    let summary = RunSummary(result, run: path, evaluation: evaluation)
    try StandardStreams.jsonText(summary, pretty: true).writeFile(directory.summary)
    if json { try StandardStreams.write(json: summary) }
    if let evaluation {
      report.line("The model at the end, on the whole validation part:")
      let text = EvaluationText(
        evaluation, codec: configuration.model.codec, trainedTypes: training.images.types)
      for line in text.lines { report.line("  " + line) }
    }
    conclude(training, summary, isInterrupted: isInterrupted, report)
    // A signal that came after the last step has interrupted nothing.
    if isInterrupted, let signalExitCode { throw ExitCode(signalExitCode) }
  }

  private func configuration(_ directory: RunDirectory) throws -> TrainingConfiguration {
    // A resumed run has its own configuration, unless another is asked for.
    let file = source.config ?? (resume && source.recipe == nil ? directory.configuration.path : nil)
    if source.config == nil, let file, !FileManager.default.fileExists(atPath: file) {
      throw TrainingError("\(file): the run's configuration is not there; give it with --config to go on")
    }
    var overrides: [String] = []
    if let epochs { overrides.append("training.epochs=\(epochs)") }
    if let cache { overrides.append("data.cache=\(ConfigurationOptions.quoted(cache))") }
    if let initializeFrom {
      overrides.append("transfer.initialize_from=\(ConfigurationOptions.quoted(initializeFrom))")
    }
    return try source.configuration(file: file, overrides: overrides)
  }

  private func conclude(_ training: TrainingRun, _ summary: RunSummary, isInterrupted: Bool, _ report: CommandOutput) {
    report.line()
    report.line(
      "\(summary.epochsRun) \(summary.epochsRun == 1 ? "epoch" : "epochs") done, \(summary.seconds.fixed(1)) s; ended "
        + "because \(summary.stoppedBecause)")
    if let loss = summary.bestValidationLoss { report.line("best val_loss         \(loss.fixed(6))") }
    if let share = summary.bestExactMatch { report.line("best val_exact_match  \(share.percent)") }
    report.line("models, best first:")
    for file in training.modelFiles { report.line("  \(RunDirectory(file).displayPath)") }
    if let page = training.reportPath { report.line("report: \(page)") }
    report.line("Next:")
    if isInterrupted {
      report.line("  captcha-cli train --resume --run \(summary.run.shellWord)")
    }
    if let best = training.modelFiles.first {
      report.line("  captcha-cli predict \(RunDirectory(best).displayPath.shellWord) IMAGE.png")
      if summary.isComplete, (try? training.configuration.isExtensible()) == true {
        report.line(
          "  captcha-cli train --resume --run \(summary.run.shellWord) --epochs \(training.configuration.training.epochs * 2)"
        )
      }
    }
  }
}
