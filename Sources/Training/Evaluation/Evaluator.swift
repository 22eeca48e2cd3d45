import Callbacks
import Data
import Foundation
import Layers
import Tensor

/// Measures a model, or several together, on a data set, in full.
public struct Evaluator {
  let evaluation: BatchEvaluation

  /// - Parameters:
  ///   - prefetch: how many batches are made ahead of the one that is computed; changes no result.
  ///   - decoder: what makes texts of the outputs; nil for the best class everywhere.
  public init(
    model: any Layer, loss: any Loss, codec: LabelCodec, batchSize: Int = 128, prefetch: Int = 2,
    decoder: ReadingDecoder? = nil
  ) {
    evaluation = BatchEvaluation(
      model: model, loss: loss, codec: codec, batchSize: batchSize, prefetch: prefetch, decoder: decoder)
  }

  /// - Parameters:
  ///   - recognizer: what reads the images.
  ///   - prefetch: how many batches are made ahead of the one that is computed; changes no result.
  public init(_ recognizer: any BatchRecognizer, batchSize: Int = 128, prefetch: Int = 2) {
    evaluation = BatchEvaluation(recognizer, batchSize: batchSize, prefetch: prefetch)
  }

  /// Reads every image of `dataset` and compares; see `evaluate(_:progress:)` with several data sets.
  public func evaluate(_ dataset: Dataset, progress: (Int) -> Void = { _ in }) throws -> EvaluationReport {
    try evaluate([dataset], progress: progress)
  }

  /// Reads every image and compares.
  ///
  /// A label that the model cannot say, because it is too long or has a character outside the charset, counts as read
  /// wrong; the loss and the numbers about single outputs, which need an encoded label, leave it out. Where the decoder reads
  /// questions as their answers, a label that is a question counts as its answer too, and there is no loss if a question was read
  /// where the label is an answer. Models that vote have no loss.
  /// - Parameters:
  ///   - datasets: the same images once for each input of the recogniser, in its size and colours.
  ///   - progress: called after each batch with the number of images done.
  /// - Throws: `DatasetError.damagedCache` where the pixels are in a file and can't be read.
  public func evaluate(_ datasets: [Dataset], progress: (Int) -> Void = { _ in }) throws -> EvaluationReport {
    let codec = evaluation.codec
    var encoded: [(index: Int, label: String)] = []
    var others: [Int] = []
    for (index, label) in datasets[0].labels.enumerated() {
      if (try? codec.encode(label)) == nil { others.append(index) } else { encoded.append((index, label)) }
    }
    let start = ContinuousClock.now
    var tally = EvaluationTally(codec: codec, grammar: evaluation.recognizer.options.grammar)
    // Cannot fail, since every one of these labels was encoded above.
    if let labels = try? EncodedLabels(encoded.map(\.label), codec: codec) {
      let expressible = datasets.map { $0.subset(encoded.map(\.index)) }
      try evaluation.forEachBatch(of: expressible, labels: labels) { batch in
        try tally.add(batch, of: expressible[0])
        progress(batch.indices.endIndex)
      }
    }
    let inexpressible = datasets.map { $0.subset(others) }
    try evaluation.readEachBatch(of: inexpressible) { indices, readings in
      tally.add(readings, of: inexpressible[0].samples[indices.startIndex..<indices.endIndex])
      progress(encoded.count + indices.endIndex)
    }
    return tally.report(seconds: start.secondsSince)
  }
}
