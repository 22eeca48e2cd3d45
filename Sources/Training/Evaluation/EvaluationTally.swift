import Callbacks
import Data
import Layers
import Tensor

/// What an evaluation counts, batch by batch.
struct EvaluationTally {
  private static let shownExamples = 10
  private static let shownConfusions = 30
  private static let shownMisread = 24

  private let codec: LabelCodec
  private let grammar: DecodingGrammar
  /// nil once an image or a batch had no loss.
  private var lossSum: Double? = 0
  private var answers = BinaryCounts()
  /// Images whose labels the model can say, and others.
  private var expressible = 0
  private var inexpressible = 0
  private var all = Group()
  /// The same where case, or characters that look alike, don't count.
  private var caseFolded = Group()
  private var confusablesMerged = Group()
  private var confidences: [(confidence: Double, isRight: Bool)] = []
  private var characters = Group()
  private var positions: [Group]
  private var byType: [String: Group] = [:]
  private var byLength: [String: Group] = [:]
  private var confusions: [Pair: Int] = [:]
  private var errorsByWrongCharacters: [String: Int] = [:]
  private var matrix: [[Int]]
  private var examples: [EvaluationReport.Example] = []
  /// The wrong readings of the most confidence, the surest first.
  private var surest: [MisreadImage] = []

  private struct Group {
    var right = 0
    var count = 0

    mutating func add(_ isRight: Bool) {
      right += isRight ? 1 : 0
      count += 1
    }

    var value: Double { count == 0 ? 0 : Double(right) / Double(count) }
    var share: EvaluationReport.Share { EvaluationReport.Share(count: count, exactMatch: value) }
  }

  private struct Pair: Hashable {
    let label, read: String
  }

  init(codec: LabelCodec, grammar: DecodingGrammar = .none) {
    self.codec = codec
    self.grammar = grammar
    positions = Array(repeating: Group(), count: codec.maximumLength)
    matrix = Array(repeating: Array(repeating: 0, count: codec.classCount), count: codec.classCount)
  }

  /// Counts a batch of labels that the model can say.
  ///
  /// - Throws: why an image that was misread can't be read from its file once more.
  mutating func add(_ batch: BatchEvaluation.Result, of dataset: Dataset) throws {
    expressible += batch.indices.count
    lossSum = batch.loss.flatMap { loss in lossSum.map { $0 + loss * Double(batch.indices.count) } }
    answers.add(batch.metricBatch)
    for (index, reading) in zip(batch.indices, batch.readings) {
      let compared = ComparedReading(label: dataset.samples[index].label, reading, grammar: grammar)
      // What the outputs said of a question is no loss of its answer.
      if compared.answersQuestion { lossSum = nil }
      count(dataset.samples[index], compared)
      countClasses(batch.labels[index], compared, reading)
      try noteIfMisread(index, of: dataset, compared)
    }
  }

  private mutating func countClasses(_ label: ArraySlice<Int32>, _ compared: ComparedReading, _ reading: Reading) {
    // An answer is compared with an answer, which the model may not be able to say.
    let isAnswer = reading.question != nil && compared.text == reading.text
    guard let read = isAnswer ? try? codec.encode(reading.text) : reading.classes else { return }
    for (expected, read) in zip(label, read) { matrix[Int(expected)][read] += 1 }
  }

  private mutating func noteIfMisread(_ index: Int, of dataset: Dataset, _ reading: ComparedReading) throws {
    let sample = dataset.samples[index]
    guard !reading.isRight,
      surest.count < Self.shownMisread || reading.confidence > (surest.last?.reading.confidence ?? 0)
    else { return }
    let image = MisreadImage(
      name: sample.name, type: sample.type,
      reading: LabelledReading(label: reading.label, text: reading.text, confidence: reading.confidence),
      picture: Tensor(try dataset.image(at: index).pixels, shape: [dataset.height, dataset.width, dataset.channels]))
    let place = surest.firstIndex { $0.reading.confidence < reading.confidence } ?? surest.endIndex
    surest.insert(image, at: place)
    if surest.count > Self.shownMisread { surest.removeLast() }
  }

  /// Counts images whose labels the model cannot say.
  mutating func add(_ readings: [Reading], of samples: ArraySlice<Sample>) {
    inexpressible += readings.count
    for (sample, reading) in zip(samples, readings) {
      count(sample, ComparedReading(label: sample.label, reading, grammar: grammar))
    }
  }

  private mutating func count(_ sample: Sample, _ reading: ComparedReading) {
    let isRight = reading.isRight
    all.add(isRight)
    caseFolded.add(isRight || reading.label.lowercased() == reading.text.lowercased())
    confusablesMerged.add(
      isRight || ConfusableCharacters.merged(reading.label) == ConfusableCharacters.merged(reading.text))
    confidences.append((reading.confidence, isRight))
    byType[sample.type ?? "unknown", default: Group()].add(isRight)
    byLength["\(sample.label.count)", default: Group()].add(isRight)
    let (label, text) = (Array(reading.label), Array(reading.text))
    var wrong = 0
    for position in 0..<max(label.count, text.count, positions.count) {
      let expected = position < label.count ? String(label[position]) : ""
      let read = position < text.count ? String(text[position]) : ""
      if position < positions.count { positions[position].add(expected == read) }
      // Where both are padding there is no character to read.
      if !expected.isEmpty || !read.isEmpty { characters.add(expected == read) }
      if expected != read {
        confusions[Pair(label: expected, read: read), default: 0] += 1
        wrong += 1
      }
    }
    if !isRight { errorsByWrongCharacters["\(wrong)", default: 0] += 1 }
    if examples.count < Self.shownExamples {
      examples.append(
        EvaluationReport.Example(
          file: sample.name, label: reading.label, text: reading.text, confidence: reading.confidence))
    }
  }

  func report(seconds: Double) -> EvaluationReport {
    let interval = wilsonInterval(right: all.right, of: all.count)
    let ordered = confusions.sorted {
      ($1.value, $0.key.label, $0.key.read) < ($0.value, $1.key.label, $1.key.read)
    }
    return EvaluationReport(
      count: all.count, inexpressible: inexpressible,
      loss: expressible == 0 ? nil : lossSum.map { $0 / Double(expressible) },
      exactMatch: all.value, exactMatchInterval: [interval.lowerBound, interval.upperBound],
      characterAccuracy: characters.value, binaryAccuracy: answers.accuracy, precision: answers.precision,
      recall: answers.recall, byType: byType.mapValues(\.share), byLength: byLength.mapValues(\.share),
      perPosition: positions.map(\.value),
      confusions: ordered.prefix(Self.shownConfusions).map {
        EvaluationReport.Confusion(true: $0.key.label, predicted: $0.key.read, count: $0.value)
      },
      imagesPerSecond: Double(all.count) / max(seconds, 1e-9), examples: examples,
      exactMatchCaseFolded: caseFolded.value, exactMatchConfusablesMerged: confusablesMerged.value,
      confidence: ConfidenceReport(confidences), wrongCharacters: confusions.values.reduce(0, +),
      errorsByWrongCharacters: errorsByWrongCharacters)
  }

  /// What an epoch's validation showed.
  func summary(epoch: Int, logs: Logs, seconds: Double) -> ValidationSummary {
    ValidationSummary(
      epoch: epoch, logs: logs, report: report(seconds: seconds),
      confusionMatrix: ConfusionMatrix(
        characters: codec.charset.characters.map { String($0) } + [""], counts: matrix),
      misread: surest)
  }
}
