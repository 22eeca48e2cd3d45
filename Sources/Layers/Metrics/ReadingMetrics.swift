import Tensor

/// The share of images whose every position is read right, padding included.
public struct ExactMatch: Metric {
  public var name: String { "exact_match" }
  private var right = 0
  private var count = 0
  public init() {}

  public mutating func update(_ batch: MetricBatch) {
    let positions = batch.labels.shape[1]
    let (labels, predicted) = (batch.labels.elements(of: Int32.self), batch.predicted.elements(of: Int32.self))
    for start in stride(from: 0, to: labels.count, by: positions) {
      right += labels[start..<start + positions].elementsEqual(predicted[start..<start + positions]) ? 1 : 0
      count += 1
    }
  }

  public var result: Double { count == 0 ? 0 : Double(right) / Double(count) }
  public mutating func reset() { self = ExactMatch() }
  public var counts: [Int] {
    get { [right, count] }
    set { (right, count) = (newValue[0], newValue[1]) }
  }
}

/// The share of positions that are read right among those where the label or the reading has a character.
///
/// Positions that are padding in both do not count: short labels would make any reader look good.
public struct CharacterAccuracy: Metric {
  public var name: String { "character_accuracy" }
  /// The class index that stands for no character.
  public let padding: Int
  private var right = 0
  private var count = 0

  public init(padding: Int) { self.padding = padding }

  public mutating func update(_ batch: MetricBatch) {
    let (labels, predicted) = (batch.labels.elements(of: Int32.self), batch.predicted.elements(of: Int32.self))
    for (label, read) in zip(labels, predicted) where Int(label) != padding || Int(read) != padding {
      right += label == read ? 1 : 0
      count += 1
    }
  }

  public var result: Double { count == 0 ? 0 : Double(right) / Double(count) }
  public mutating func reset() { self = CharacterAccuracy(padding: padding) }
  public var counts: [Int] {
    get { [right, count] }
    set { (right, count) = (newValue[0], newValue[1]) }
  }
}

/// The share of images that are right at each position, padding included; `result` is their mean.
public struct PerPositionAccuracy: Metric {
  public var name: String { "position_accuracy" }
  private var right: [Int] = []
  private var count = 0
  public init() {}

  public mutating func update(_ batch: MetricBatch) {
    let positions = batch.labels.shape[1]
    if right.isEmpty { right = [Int](repeating: 0, count: positions) }
    let (labels, predicted) = (batch.labels.elements(of: Int32.self), batch.predicted.elements(of: Int32.self))
    for index in labels.indices where labels[index] == predicted[index] { right[index % positions] += 1 }
    count += batch.labels.shape[0]
  }

  /// The accuracy of each position, first to last.
  public var accuracies: [Double] { right.map { count == 0 ? 0 : Double($0) / Double(count) } }

  public var result: Double { right.isEmpty ? 0 : accuracies.reduce(0, +) / Double(right.count) }
  public mutating func reset() { self = PerPositionAccuracy() }
  public var counts: [Int] {
    get { right + [count] }
    set { (right, count) = (newValue.dropLast(), newValue.last ?? 0) }
  }
}
