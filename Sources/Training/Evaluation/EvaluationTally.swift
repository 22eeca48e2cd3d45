import Data
import Layers
import Tensor

/// What an evaluation counts, batch by batch.
struct EvaluationTally {
  private static let shownExamples = 10
  private static let shownConfusions = 30

  private let codec: LabelCodec
  private var lossSum = 0.0
  private var count = 0
  private var right = 0
  private var answers = BinaryCounts()
  private var characters: CharacterAccuracy
  private var positions = PerPositionAccuracy()
  private var byType: [String: Group] = [:]
  private var byLength: [String: Group] = [:]
  private var confusions: [Pair: Int] = [:]
  private var examples: [EvaluationReport.Example] = []

  private struct Group {
    var right = 0
    var count = 0

    mutating func add(_ isRight: Bool) {
      right += isRight ? 1 : 0
      count += 1
    }

    var share: EvaluationReport.Share {
      EvaluationReport.Share(count: count, exactMatch: Double(right) / Double(count))
    }
  }

  private struct Pair: Hashable {
    let label, read: Int
  }

  init(codec: LabelCodec) {
    self.codec = codec
    characters = CharacterAccuracy(padding: codec.paddingIndex)
  }

  mutating func add(_ batch: BatchEvaluation.Result, of dataset: Dataset) {
    lossSum += batch.loss * Double(batch.indices.count)
    answers.add(batch.metricBatch)
    characters.update(batch.metricBatch)
    positions.update(batch.metricBatch)
    let labels = batch.metricBatch.labels.elements(of: Int32.self)
    for (row, index) in batch.indices.enumerated() {
      let (sample, reading) = (dataset.samples[index], batch.readings[row])
      let isRight = sample.label == reading.text
      count += 1
      right += isRight ? 1 : 0
      byType[sample.type ?? "unknown", default: Group()].add(isRight)
      byLength["\(sample.label.count)", default: Group()].add(isRight)
      for (position, read) in reading.classes.enumerated() {
        let label = Int(labels[row * codec.maximumLength + position])
        if label != read { confusions[Pair(label: label, read: read), default: 0] += 1 }
      }
      if examples.count < Self.shownExamples {
        examples.append(
          EvaluationReport.Example(
            file: sample.name, label: sample.label, text: reading.text, confidence: reading.confidence))
      }
    }
  }

  func report(seconds: Double) -> EvaluationReport {
    let interval = wilsonInterval(right: right, of: count)
    let ordered = confusions.sorted {
      ($1.value, $0.key.label, $0.key.read) < ($0.value, $1.key.label, $1.key.read)
    }
    return EvaluationReport(
      count: count, loss: count == 0 ? 0 : lossSum / Double(count),
      exactMatch: count == 0 ? 0 : Double(right) / Double(count),
      exactMatchInterval: [interval.lowerBound, interval.upperBound], characterAccuracy: characters.result,
      binaryAccuracy: answers.accuracy, precision: answers.precision, recall: answers.recall,
      byType: byType.mapValues(\.share), byLength: byLength.mapValues(\.share), perPosition: positions.accuracies,
      confusions: ordered.prefix(Self.shownConfusions).map {
        EvaluationReport.Confusion(
          true: codec.decode([$0.key.label]), predicted: codec.decode([$0.key.read]), count: $0.value)
      },
      imagesPerSecond: Double(count) / max(seconds, 1e-9), examples: examples)
  }
}
