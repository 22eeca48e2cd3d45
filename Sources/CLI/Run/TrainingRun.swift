import Callbacks
import Data
import Foundation
import Layers
import Models
import Optimizers
import Tensor
import Training

/// One training from its configuration to its files: what `train` and `quickstart` share.
struct TrainingRun {
  let configuration: TrainingConfiguration
  let directory: RunDirectory
  let images: TrainingImages
  let isResuming: Bool
  private let model: Sequential
  private let description: ModelDescription
  private let trainer: Trainer

  /// Builds everything that the configuration names.
  ///
  /// - Parameters:
  ///   - recipe: the shipped configuration that was asked for, for the run's record.
  ///   - transfer: what the model starts from in place of drawn weights; a run that is resumed has its own.
  ///   - sinks: what watches, beside the run's own files.
  init(
    _ configuration: TrainingConfiguration, recipe: Recipe?, images: TrainingImages, transfer: WeightTransfer?,
    directory: RunDirectory, isResuming: Bool, sinks: [any EventSink]
  ) throws {
    self.configuration = configuration
    self.images = images
    self.directory = directory
    self.isResuming = isResuming
    description = ModelDescription(
      configuration: configuration.model, loss: configuration.loss, trainedTypes: images.types,
      trainedSizes: images.sizes, decoding: configuration.decoding == DecodingOptions() ? nil : configuration.decoding)
    guard let loss = configuration.loss.make() else {
      throw TrainingError(
        "loss.name: \"\(configuration.loss.name)\" is not known; use one of "
          + LossConfiguration.names.joined(separator: ", "))
    }
    model = try ModelZoo.model(configuration.model)
    model.initialize(seed: configuration.seed)
    let transferred = transfer?.apply(to: model)
    let freezing = try ParameterFreezing(configuration.transfer.freeze, in: model)
    freezing.apply()
    let callbacks = try Plugins.current.callbacks.makeCallbacks(configuration.callbacks)
    trainer = Trainer(
      model: model, loss: loss,
      optimizer: try Plugins.current.optimizers.makeOptimizer(
        configuration.optimizer, parameters: model.namedParameters),
      codec: configuration.model.codec,
      decoder: try ReadingDecoder(
        codec: configuration.model.codec, readsColumns: loss.alignment == .columns, options: configuration.decoding),
      callbacks: callbacks,
      sinks: sinks + [
        ConfigurationFileSink(directory.configuration, text: try configuration.yaml()),
        StartsFileSink(
          directory.starts,
          start: RunStart(configuration, recipe: recipe?.rawValue, parameters: model.parameterCount)),
        OpeningLinesSink(warnings: images.warnings, (transferred?.lines ?? []) + freezing.lines, to: sinks),
      ],
      options: TrainingOptions(
        epochs: configuration.training.epochs, batchSize: configuration.training.batchSize, seed: configuration.seed,
        precision: configuration.training.precision, prefetch: configuration.training.prefetch),
      directory: directory, modelMetadata: try description.metadata(), settings: Self.settings(configuration, callbacks)
    )
  }

  /// The parts of a configuration that a resumed run must have in common with the first, beside the model and the images.
  private static func settings(
    _ configuration: TrainingConfiguration, _ callbacks: [any Callback]
  ) -> [String: String] {
    var settings = ["optimizer": configuration.optimizer.name]
    for (argument, value) in configuration.optimizer.arguments {
      settings["optimizer.\(argument)"] = value.description
    }
    if let file = configuration.transfer.initializeFrom { settings["transfer.initialize_from"] = file }
    if !configuration.transfer.freeze.isEmpty {
      settings["transfer.freeze"] = configuration.transfer.freeze.joined(separator: ", ")
    }
    for (index, augmentation) in configuration.data.augmentations.enumerated() {
      settings["data.augmentations.\(index)"] = augmentation.name
      for (argument, value) in augmentation.arguments {
        settings["data.augmentations.\(index).\(argument)"] = value.description
      }
    }
    // The names of the callbacks and their order are compared by the trainer.
    var counts: [String: Int] = [:]
    for (component, callback) in zip(configuration.callbacks, callbacks) {
      counts[component.name, default: 0] += 1
      let count = counts[component.name, default: 1]
      let path = "callbacks.\(component.name)" + (count > 1 ? " (\(count))" : "")
      for (argument, value) in component.arguments where !callback.adjustableArguments.contains(argument) {
        settings["\(path).\(argument)"] = value.description
      }
    }
    return settings
  }

  /// The model as it is now, to read images with.
  func recognizer() throws -> Recognizer { try Recognizer(description: description, model: model) }

  /// Trains, and writes the final model at the end.
  ///
  /// - Returns: how it went, and the exit code that tells of a signal which ended it.
  func train() throws -> (result: TrainingResult, signalExitCode: Int32?) {
    let resuming = isResuming ? try ResumeState(contentsOf: directory.resumeState) : nil
    if let resuming { try requireUnfinished(resuming) }
    let signals = InterruptionSignals(trainer.interruption)
    defer { signals.restore() }
    let result = try trainer.fit(images.training, validation: images.validation, resuming: resuming)
    try trainer.saveModel(to: directory.model(named: "final"), metadata: ["epochs_run": "\(result.epochsRun)"])
    return (result, signals.exitCode)
  }

  /// Refuses to go on with a run that has ended, unless it was killed before its last files were written: then only its
  /// end is run again.
  private func requireUnfinished(_ state: ResumeState) throws {
    let stateTime = directory.resumeState.modificationTime ?? .distantFuture
    let hasEnd = [directory.model(named: "final"), directory.summary].allSatisfy {
      ($0.modificationTime ?? .distantPast) >= stateTime
    }
    guard hasEnd else { return }
    if let reason = state.stopReason {
      throw TrainingError(
        "\(directory.displayPath): the run has ended because \(TrainingOutcome.stopped(reason).reason); start a new one"
      )
    }
    if state.finishedEpochs >= configuration.training.epochs {
      throw TrainingError(
        "\(directory.displayPath): all \(state.finishedEpochs) epochs are done; give a larger --epochs to go on")
    }
  }

  /// Measures the model as it is now on all of `dataset`.
  func evaluate(_ dataset: Dataset) throws -> EvaluationReport {
    let progress = ProgressLine("evaluating")
    let report = try Evaluator(
      recognizer(), batchSize: configuration.training.batchSize, prefetch: configuration.training.prefetch
    ).evaluate(dataset) { progress.update($0, dataset.count) }
    progress.finish()
    return report
  }

  /// The page about the training, for its reader; nil where it could not be written.
  var reportPath: String? {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: directory.report.path, isDirectory: &isFolder)
    return exists && !isFolder.boolValue ? RunDirectory(directory.report).displayPath : nil
  }

  /// The model files of the run that exist, best first.
  var modelFiles: [URL] {
    ["best-exact-match", "best-val-loss", "final"].map(directory.model).filter {
      FileManager.default.fileExists(atPath: $0.path)
    }
  }
}

extension TrainingConfiguration {
  /// What the model is to start from; nil for drawn weights, or those of a run that is resumed.
  ///
  /// - Throws: an error that names the file where it is no model file, or where nothing of it fits the model.
  func weightTransfer(isResuming: Bool) throws -> WeightTransfer? {
    guard !isResuming, let path = transfer.initializeFrom else { return nil }
    return try WeightTransfer(contentsOf: URL(fileURLWithPath: path), to: model)
  }
}

/// How a run ended; the fields of `train --json` and `summary.json`.
struct RunSummary: Encodable {
  let bestValidationLoss: Double?
  let bestExactMatch: Double?
  let epochsRun: Int
  let seconds: Double
  let stoppedBecause: String
  /// Whether no weight was NaN or infinite at the end.
  let weightsAreFinite: Bool
  /// Whether all epochs were run.
  let isComplete: Bool
  let run: String
  /// The model as it was at the end on the whole validation part; nil after an interruption.
  let evaluation: EvaluationReport?

  init(_ result: TrainingResult, run: String, evaluation: EvaluationReport?) {
    bestValidationLoss = result.bestValidationLoss
    bestExactMatch = result.bestExactMatch
    epochsRun = result.epochsRun
    seconds = result.seconds
    stoppedBecause = result.outcome.reason
    weightsAreFinite = result.weightsAreFinite
    isComplete = result.outcome == .completed
    self.run = run
    self.evaluation = evaluation
  }

  private enum CodingKeys: String, CodingKey {
    case seconds, run, evaluation
    case bestValidationLoss = "best_val_loss"
    case bestExactMatch = "best_exact_match"
    case epochsRun = "epochs_run"
    case stoppedBecause = "stopped_because"
    case weightsAreFinite = "weights_are_finite"
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    // Null where there is none: every field is always there.
    try container.encode(bestValidationLoss, forKey: .bestValidationLoss)
    try container.encode(bestExactMatch, forKey: .bestExactMatch)
    try container.encode(epochsRun, forKey: .epochsRun)
    try container.encode(seconds, forKey: .seconds)
    try container.encode(stoppedBecause, forKey: .stoppedBecause)
    try container.encode(weightsAreFinite, forKey: .weightsAreFinite)
    try container.encode(run, forKey: .run)
    try container.encode(evaluation, forKey: .evaluation)
  }
}

extension URL {
  /// When the file was last written; nil where there is none.
  fileprivate var modificationTime: Date? {
    (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
  }
}
