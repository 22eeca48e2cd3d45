import Tensor

/// How often each output, taken as a yes/no answer (yes above 0.5), is right or wrong.
public struct BinaryCounts: Sendable, Hashable {
  public private(set) var truePositives = 0
  public private(set) var falsePositives = 0
  public private(set) var falseNegatives = 0
  public private(set) var trueNegatives = 0

  public init() {}

  /// True positives, false positives, false negatives, true negatives.
  fileprivate var list: [Int] {
    get { [truePositives, falsePositives, falseNegatives, trueNegatives] }
    set {
      precondition(newValue.count == 4, "BinaryCounts: four counts, not \(newValue.count)")
      (truePositives, falsePositives) = (newValue[0], newValue[1])
      (falseNegatives, trueNegatives) = (newValue[2], newValue[3])
    }
  }

  /// Counts a batch: each position's label is the one output whose answer should be yes.
  public mutating func add(_ batch: MetricBatch) {
    let classes = batch.probabilities.shape[2]
    batch.probabilities.withElements(of: Float.self) { probabilities in
      batch.labels.withElements(of: Int32.self) { labels in
        for (position, label) in labels.enumerated() {
          let start = position * classes
          let positive = (start..<start + classes).reduce(0) { $0 + (probabilities[$1] > 0.5 ? 1 : 0) }
          let hit = probabilities[start + Int(label)] > 0.5 ? 1 : 0
          truePositives += hit
          falseNegatives += 1 - hit
          falsePositives += positive - hit
          trueNegatives += classes - 1 - (positive - hit)
        }
      }
    }
  }

  fileprivate static func ratio(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }

  /// The share of right answers.
  public var accuracy: Double {
    Self.ratio(truePositives + trueNegatives, truePositives + trueNegatives + falsePositives + falseNegatives)
  }
  /// The share of right ones among the answers yes; 0 where there are none.
  public var precision: Double { Self.ratio(truePositives, truePositives + falsePositives) }
  /// The share of the outputs that should say yes and do; 0 where there are none.
  public var recall: Double { Self.ratio(truePositives, truePositives + falseNegatives) }
}

/// The share of outputs that are right as yes/no answers (Keras `BinaryAccuracy`).
public struct BinaryAccuracy: Metric {
  public var name: String { "binary_accuracy" }
  private var answers = BinaryCounts()
  public init() {}
  public mutating func update(_ batch: MetricBatch) { answers.add(batch) }
  public var result: Double { answers.accuracy }
  public mutating func reset() { answers = BinaryCounts() }
  public var counts: [Int] {
    get { answers.list }
    set { answers.list = newValue }
  }
}

/// True positives among the positives that were predicted, over all outputs of all batches (Keras `Precision`).
public struct Precision: Metric {
  public var name: String { "precision" }
  private var answers = BinaryCounts()
  public init() {}
  public mutating func update(_ batch: MetricBatch) { answers.add(batch) }
  public var result: Double { answers.precision }
  public mutating func reset() { answers = BinaryCounts() }
  public var counts: [Int] {
    get { answers.list }
    set { answers.list = newValue }
  }
}

/// True positives among the positives that there are, over all outputs of all batches (Keras `Recall`).
public struct Recall: Metric {
  public var name: String { "recall" }
  private var answers = BinaryCounts()
  public init() {}
  public mutating func update(_ batch: MetricBatch) { answers.add(batch) }
  public var result: Double { answers.recall }
  public mutating func reset() { answers = BinaryCounts() }
  public var counts: [Int] {
    get { answers.list }
    set { answers.list = newValue }
  }
}
