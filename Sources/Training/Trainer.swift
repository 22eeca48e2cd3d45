import Callbacks
import Data
import Foundation
import Layers
import Optimizers
import Synchronization
import Tensor

/// Trains a model: the loop over epochs and batches, with callbacks that act and event sinks that watch.
///
/// ```swift
/// let trainer = Trainer(
///   model: model, loss: BinaryCrossEntropy(), optimizer: optimizer, codec: codec,
///   callbacks: [ReduceLROnPlateau(patience: 8), MyCallback()], options: TrainingOptions(epochs: 20, batchSize: 128))
/// let result = try trainer.fit(training, validation: validation)
/// ```
/// The same seed and thread count give the same bits, also over an interruption and `resume`.
public final class Trainer {
  public let model: any Layer
  public let loss: any Loss
  public let optimizer: Optimizer
  public let codec: LabelCodec
  /// What reads texts from the outputs, in training as in validation.
  public let decoder: ReadingDecoder
  public let callbacks: CallbackList
  public let sinks: EventSinkList
  public let options: TrainingOptions
  /// Where models and what resuming needs are written; nil writes nothing.
  public let directory: RunDirectory?
  /// What a model file says of itself, beside the weights.
  public let modelMetadata: [String: String]
  /// What else decides the result, such as the optimizer's arguments: a resumed run must have the same.
  public let settings: [String: String]
  /// Measured on the training batches and, as `val_…`, on the validation part.
  public let metrics: [any Metric]

  /// Ends the training after the current step, from any thread or signal handler; what resuming needs is saved.
  public let interruption = Interruption()

  /// - Parameter decoder: nil for the best class everywhere.
  public init(
    model: any Layer, loss: any Loss, optimizer: Optimizer, codec: LabelCodec, decoder: ReadingDecoder? = nil,
    callbacks: [any Callback] = [], sinks: [any EventSink] = [], options: TrainingOptions,
    directory: RunDirectory? = nil,
    modelMetadata: [String: String] = [:], settings: [String: String] = [:], metrics: [any Metric]? = nil
  ) {
    self.model = model
    self.loss = loss
    self.optimizer = optimizer
    self.codec = codec
    self.decoder = decoder ?? ReadingDecoder(codec: codec, readsColumns: loss.alignment == .columns)
    self.callbacks = CallbackList(callbacks)
    self.sinks = EventSinkList(sinks)
    self.options = options
    self.directory = directory
    self.modelMetadata = modelMetadata
    self.settings = settings
    self.metrics = metrics ?? Self.standardMetrics(codec: codec)
  }

  /// What is measured where nothing else is asked for.
  public static func standardMetrics(codec: LabelCodec) -> [any Metric] {
    [BinaryAccuracy(), Precision(), Recall(), ExactMatch(), CharacterAccuracy(padding: codec.paddingIndex)]
  }

  /// The keys under which `metrics` and the loss appear in the logs of an epoch.
  public static func reportedKeys(_ metrics: [any Metric]) -> Set<MetricKey> {
    EpochMetrics.keys(metrics, validation: false).union(EpochMetrics.keys(metrics, validation: true))
  }

  /// Trains on a data set; see `fit(_:validation:resuming:)` with a source.
  public func fit(_ training: Dataset, validation: Dataset, resuming: ResumeState? = nil) throws -> TrainingResult {
    try fit(DatasetBatches(training, codec: codec), validation: validation, resuming: resuming)
  }

  /// Trains until the last epoch, a callback's stop or an interruption.
  ///
  /// - Parameters:
  ///   - resuming: what an earlier `fit` of the same training saved (`ResumeState(contentsOf:)`).
  /// - Throws: `CallbackError` or `TrainingError` before the first step; what a callback throws.
  public func fit(
    _ training: any BatchSource, validation: Dataset, resuming: ResumeState? = nil
  ) throws -> TrainingResult {
    // A request ends one training, not the next one too.
    defer { interruption.withdraw() }
    let session = try TrainingSession(self, training: training, validation: validation, interruption: interruption)
    return try session.run(resuming: resuming)
  }
}

/// A request to end a training, which may come from another thread.
public final class Interruption: Sendable {
  private let flag = Atomic<Bool>(false)

  public init() {}
  public func request() { flag.store(true, ordering: .relaxed) }
  func withdraw() { flag.store(false, ordering: .relaxed) }
  public var isRequested: Bool { flag.load(ordering: .relaxed) }
}

/// How a training went.
public struct TrainingResult: Sendable {
  public let outcome: TrainingOutcome
  /// The epochs that were finished, earlier parts of a resumed run included.
  public let epochsRun: Int
  /// The time of this part of the run.
  public let seconds: Double
  /// The numbers of every finished epoch of this part, by epoch (from 0).
  public let history: [(epoch: Int, logs: Logs)]
  /// The smallest `val_loss` of the whole run.
  public let bestValidationLoss: Double?
  /// The largest `val_exact_match` of the whole run.
  public let bestExactMatch: Double?
  /// Whether no weight was NaN or infinite at the end; otherwise the training has warned of it, and the model reads nothing.
  public let weightsAreFinite: Bool
}
