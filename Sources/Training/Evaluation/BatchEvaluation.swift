import Data
import Layers
import Tensor

/// Runs a model over a data set without training it.
struct BatchEvaluation {
  let model: any Layer
  let loss: any Loss
  let codec: LabelCodec
  let batchSize: Int
  /// How many batches are made ahead.
  let prefetch: Int
  /// What reads the outputs; nil for what the loss was made for.
  var decoder: ReadingDecoder?

  /// One evaluated batch.
  struct Result {
    let indices: ArraySlice<Int>
    /// Those of the whole data set.
    let labels: EncodedLabels
    let loss: Double
    let metricBatch: MetricBatch
    let readings: [Reading]
  }

  /// Calls `body` with each batch of `dataset`, in the order of its images.
  ///
  /// - Parameter limit: only the batches up to this number of images; nil for all.
  /// - Throws: what `body` throws, or why images can't be read.
  func forEachBatch(
    of dataset: Dataset, labels: EncodedLabels, limit: Int? = nil, _ body: (Result) throws -> Void
  ) throws {
    // Whole batches, so that they are the same as without a limit.
    let whole = ((limit ?? dataset.count) + batchSize - 1) / batchSize * batchSize
    let order = BatchOrder(count: min(dataset.count, whole), batchSize: batchSize)
    let batches = BatchPrefetcher(count: order.count, ahead: prefetch) { try dataset.batch(order[$0], labels: labels) }
    defer { batches.stop() }
    for indices in order {
      let batch = try batches.next()
      let logits = model(batch.images, .inference)
      let result = Self.read(logits, labels: batch.classes, loss: loss, codec: codec, decoder: decoder)
      try body(
        Result(
          indices: indices, labels: labels, loss: Double(loss(logits, labels: batch.classes).scalar),
          metricBatch: result.metricBatch, readings: result.readings))
    }
  }

  /// Calls `body` with the readings of each batch of `dataset`, whatever its labels are.
  ///
  /// - Throws: why images can't be read.
  func readEachBatch(
    of dataset: Dataset, _ body: (_ indices: ArraySlice<Int>, _ readings: [Reading]) -> Void
  ) throws {
    try computeEachBatch(of: dataset) { indices, logits in
      body(indices, Self.readings(logits, loss: loss, codec: codec, decoder: decoder))
    }
  }

  /// Calls `body` with the logits of each batch of `dataset`, in the order of its images.
  ///
  /// - Throws: why images can't be read.
  func computeEachBatch(
    of dataset: Dataset, _ body: (_ indices: ArraySlice<Int>, _ logits: Tensor) -> Void
  ) throws {
    let order = BatchOrder(count: dataset.count, batchSize: batchSize)
    let batches = BatchPrefetcher(count: order.count, ahead: prefetch) { try dataset.images(at: order[$0]) }
    defer { batches.stop() }
    for indices in order { body(indices, model(try batches.next(), .inference)) }
  }

  /// What reads outputs where nothing else is asked for.
  static func decoder(loss: any Loss, codec: LabelCodec) -> ReadingDecoder {
    ReadingDecoder(codec: codec, readsColumns: loss.alignment == .columns)
  }

  /// The texts that a batch's outputs say.
  static func readings(
    _ logits: Tensor, loss: any Loss, codec: LabelCodec, decoder: ReadingDecoder? = nil
  ) -> [Reading] {
    (decoder ?? Self.decoder(loss: loss, codec: codec)).readings(logits: logits.detached) {
      loss.outputActivation.probabilities($0, classes: codec.classCount)
    }
  }

  /// What a batch's outputs say, and what metrics see of it.
  static func read(
    _ logits: Tensor, labels: Tensor, loss: any Loss, codec: LabelCodec, decoder: ReadingDecoder? = nil
  ) -> (metricBatch: MetricBatch, readings: [Reading]) {
    let probabilities = loss.outputActivation.probabilities(logits.detached, classes: codec.classCount)
    // At temperature 1 the probabilities are those that are there already.
    let isScaled = decoder.map { $0.options.temperature != 1 } ?? false
    let readings =
      isScaled
      ? readings(logits, loss: loss, codec: codec, decoder: decoder)
      : (decoder ?? Self.decoder(loss: loss, codec: codec)).readings(probabilities)
    let predicted = Tensor(readings.flatMap { $0.classes.map(Int32.init) }, shape: labels.shape)
    guard loss.alignment == .columns else {
      return (MetricBatch(probabilities: probabilities, labels: labels, predicted: predicted), readings)
    }
    // Columns have no probability of their own for a position: its answers are those of the reading.
    var answers = Tensor(zeros: [labels.shape[0], labels.shape[1], codec.classCount])
    answers.withMutableElements(of: Float.self) { answers in
      for (position, index) in predicted.elements(of: Int32.self).enumerated() {
        answers[position * codec.classCount + Int(index)] = 1
      }
    }
    return (MetricBatch(probabilities: answers, labels: labels, predicted: predicted), readings)
  }
}
