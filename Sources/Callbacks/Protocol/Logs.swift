/// The numbers of one batch or epoch, by metric.
///
/// Iterates in the order of the keys' names, so that everything written from it comes in one order.
public struct Logs: Equatable, Sendable, ExpressibleByDictionaryLiteral, Sequence, CustomStringConvertible {
  private var values: [MetricKey: Double]

  public init(_ values: [MetricKey: Double] = [:]) { self.values = values }

  public init(dictionaryLiteral elements: (MetricKey, Double)...) {
    values = Dictionary(elements) { $1 }
  }

  /// The value of a metric; nil where it was not measured.
  public subscript(key: MetricKey) -> Double? {
    get { values[key] }
    set { values[key] = newValue }
  }

  /// The metrics in the order of their names.
  public var keys: [MetricKey] { values.keys.sorted() }

  public var count: Int { values.count }
  public var isEmpty: Bool { values.isEmpty }

  /// Adds the numbers of `other`; where both have one, that of `other` counts.
  public mutating func merge(_ other: Logs) { values.merge(other.values) { $1 } }

  public func makeIterator() -> IndexingIterator<[(key: MetricKey, value: Double)]> {
    keys.map { (key: $0, value: values[$0]!) }.makeIterator()
  }

  public var description: String { map { "\($0.key) \($0.value)" }.joined(separator: ", ") }
}
