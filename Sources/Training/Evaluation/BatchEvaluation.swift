import Data
import Layers
import Tensor

/// Runs a model, or several together, over a data set without training.
struct BatchEvaluation {
  let recognizer: any BatchRecognizer
  let batchSize: Int
  /// How many batches are made ahead.
  let prefetch: Int

  init(_ recognizer: any BatchRecognizer, batchSize: Int, prefetch: Int) {
    self.recognizer = recognizer
    self.batchSize = batchSize
    self.prefetch = prefetch
  }

  /// - Parameter decoder: what reads the outputs; nil for what the loss was made for.
  init(
    model: any Layer, loss: any Loss, codec: LabelCodec, batchSize: Int, prefetch: Int, decoder: ReadingDecoder? = nil
  ) {
    self.init(
      ModelRecognizer(model: model, loss: loss, codec: codec, decoder: decoder), batchSize: batchSize,
      prefetch: prefetch)
  }

  var codec: LabelCodec { recognizer.codec }

  /// One evaluated batch.
  struct Result {
    let indices: ArraySlice<Int>
    /// Those of the whole data set.
    let labels: EncodedLabels
    /// nil where several models have none in common.
    let loss: Double?
    let metricBatch: MetricBatch
    let readings: [Reading]
  }

  /// Calls `body` with each batch, in the order of the images.
  ///
  /// - Parameters:
  ///   - datasets: the same images once for each input of the recogniser.
  ///   - limit: only the batches up to this number of images; nil for all.
  /// - Throws: what `body` throws, or why images can't be read.
  func forEachBatch(
    of datasets: [Dataset], labels: EncodedLabels, limit: Int? = nil, _ body: (Result) throws -> Void
  ) throws {
    let count = datasets[0].count
    // Whole batches, so that they are the same as without a limit.
    let whole = ((limit ?? count) + batchSize - 1) / batchSize * batchSize
    try computeEachBatch(of: datasets, limit: whole) { indices, outputs in
      let classes = labels.classes(at: indices)
      let read = read(outputs, labels: classes)
      try body(
        Result(
          indices: indices, labels: labels, loss: recognizer.meanLoss(outputs, labels: classes),
          metricBatch: read.metricBatch, readings: read.readings))
    }
  }

  /// Calls `body` with the readings of each batch, whatever the labels are.
  ///
  /// - Throws: why images can't be read.
  func readEachBatch(
    of datasets: [Dataset], _ body: (_ indices: ArraySlice<Int>, _ readings: [Reading]) -> Void
  ) throws {
    try computeEachBatch(of: datasets) { body($0, recognizer.readings($1)) }
  }

  /// Calls `body` with the outputs of each batch, in the order of the images.
  ///
  /// - Throws: what `body` throws, or why images can't be read.
  func computeEachBatch(
    of datasets: [Dataset], limit: Int? = nil,
    _ body: (_ indices: ArraySlice<Int>, _ outputs: [Tensor]) throws -> Void
  ) throws {
    precondition(
      datasets.count == recognizer.inputCount && datasets.allSatisfy { $0.count == datasets[0].count },
      "BatchEvaluation: data sets of \(datasets.map(\.count)) images for \(recognizer.inputCount) inputs")
    let order = BatchOrder(count: min(datasets[0].count, limit ?? .max), batchSize: batchSize)
    let batches = BatchPrefetcher(count: order.count, ahead: prefetch) { index in
      try datasets.map { try $0.images(at: order[index]) }
    }
    defer { batches.stop() }
    for indices in order { try body(indices, recognizer.outputs(try batches.next(), float16Weights: false)) }
  }

  /// The class of each position of each reading, in the form of its label: an answer where that is one.
  private func predictedClasses(_ readings: [Reading], labels: Tensor) -> [Int32] {
    let grammar = recognizer.options.grammar
    let positions = labels.shape[1]
    let classes = labels.elements(of: Int32.self)
    return readings.enumerated().flatMap { index, reading -> [Int32] in
      guard grammar != .none, reading.question != nil else { return reading.classes.map(Int32.init) }
      let label = classes[index * positions..<(index + 1) * positions]
      let compared = ComparedReading(label: codec.decode(label.map(Int.init)), reading, grammar: grammar)
      if compared.isRight { return Array(label) }
      let answer = compared.answersQuestion ? try? codec.encode(reading.text) : nil
      return (answer ?? reading.classes).map(Int32.init)
    }
  }

  /// What a batch's outputs say, and what metrics see of it.
  func read(_ outputs: [Tensor], labels: Tensor) -> (metricBatch: MetricBatch, readings: [Reading]) {
    let readings = recognizer.readings(outputs)
    let predicted = Tensor(predictedClasses(readings, labels: labels), shape: labels.shape)
    // The outputs of a question say nothing of an answer.
    if recognizer.options.grammar == .none, let probabilities = recognizer.probabilities(outputs) {
      return (MetricBatch(probabilities: probabilities, labels: labels, predicted: predicted), readings)
    }
    // Where a position has no probability of its own, its answers are those of the reading.
    var answers = Tensor(zeros: [labels.shape[0], labels.shape[1], codec.classCount])
    answers.withMutableElements(of: Float.self) { answers in
      for (position, index) in predicted.elements(of: Int32.self).enumerated() {
        answers[position * codec.classCount + Int(index)] = 1
      }
    }
    return (MetricBatch(probabilities: answers, labels: labels, predicted: predicted), readings)
  }
}

/// A model with what makes texts of its outputs.
struct ModelRecognizer: BatchRecognizer {
  let model: any Layer
  let loss: any Loss
  let codec: LabelCodec
  private let decoder: ReadingDecoder

  /// - Parameter decoder: nil for what the loss was made for.
  init(model: any Layer, loss: any Loss, codec: LabelCodec, decoder: ReadingDecoder?) {
    self.model = model
    self.loss = loss
    self.codec = codec
    self.decoder = decoder ?? ReadingDecoder(codec: codec, readsColumns: loss.alignment == .columns)
  }

  var options: DecodingOptions { decoder.options }
  var inputCount: Int { 1 }

  func outputs(_ images: [Tensor], float16Weights: Bool) -> [Tensor] {
    [model(images[0], .inference(float16Weights: float16Weights))]
  }

  func readings(_ outputs: [Tensor], temperature: Double) -> [Reading] {
    decoder.scaled(temperature: temperature).readings(logits: outputs[0].detached) {
      loss.outputActivation.probabilities($0, classes: codec.classCount)
    }
  }

  func probabilities(_ outputs: [Tensor]) -> Tensor? {
    decoder.readsColumns
      ? nil : loss.outputActivation.probabilities(outputs[0].detached, classes: codec.classCount)
  }

  func meanLoss(_ outputs: [Tensor], labels: Tensor) -> Double? {
    Double(loss(outputs[0], labels: labels).scalar)
  }
}
