import Tensor

extension Dataset {
  /// Divides the images at random into those to train on and those to validate with.
  ///
  /// The images are sorted by name and permuted by `seed`, so that the same names are divided in the same way on every
  /// machine; validation gets the last part. Training gets `floor(count * (1 - validationFraction))` images, as in Keras.
  /// The pixels are shared.
  /// - Throws: `DatasetError` if the fraction is not between 0 and 1 or leaves either part empty.
  public func split(validationFraction: Double, seed: UInt64) throws -> (training: Dataset, validation: Dataset) {
    guard validationFraction > 0 && validationFraction < 1 else {
      throw DatasetError.invalidFraction(validationFraction)
    }
    let names = names
    let sorted = (0..<count).sorted {
      names[$0].hasSameBytes(as: names[$1]) ? $0 < $1 : names[$0].precedes(names[$1])
    }
    var stream = RandomStream(seed: seed).stream("split")
    let order = stream.permutation(count).map { sorted[$0] }
    let trainingCount = Self.trainingCount(of: count, validationFraction: validationFraction)
    if trainingCount == 0 || trainingCount == count {
      throw DatasetError.emptySplit(
        training: trainingCount, validation: count - trainingCount, fraction: validationFraction)
    }
    return (subset(order[..<trainingCount]), subset(order[trainingCount...]))
  }

  /// How many of `count` images `split` leaves to train on.
  public static func trainingCount(of count: Int, validationFraction: Double) -> Int {
    Int((Double(count) * (1 - validationFraction)).rounded(.down))
  }
}
