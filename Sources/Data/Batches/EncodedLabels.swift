import Tensor

/// The labels of a data set as classes, encoded once for all epochs.
public struct EncodedLabels: Sendable {
  /// The codec that made them.
  public let codec: LabelCodec
  /// The class of each position of each label, [count, positions].
  private let classes: [Int32]

  /// Encodes `labels`.
  ///
  /// - Throws: `LabelError` for the first label that `codec` refuses.
  public init(_ labels: [String], codec: LabelCodec) throws {
    self.codec = codec
    var classes: [Int32] = []
    classes.reserveCapacity(labels.count * codec.maximumLength)
    for label in labels { classes += try codec.encode(label).map(Int32.init) }
    self.classes = classes
  }

  /// How many labels there are.
  public var count: Int { classes.count / codec.maximumLength }

  /// The classes of label `index`, one per position.
  public subscript(index: Int) -> ArraySlice<Int32> {
    precondition(index >= 0 && index < count, "EncodedLabels: label \(index) is not in 0..<\(count)")
    return classes[(index * codec.maximumLength)..<((index + 1) * codec.maximumLength)]
  }

  /// The classes of the labels at `indices` as int32 [N, positions].
  public func classes(at indices: some Collection<Int>) -> Tensor {
    Tensor(indices.flatMap { self[$0] }, shape: [indices.count, codec.maximumLength])
  }
}
