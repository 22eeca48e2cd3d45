import Layers

extension ModelBuilder {
  /// The convolutions of the models that read an image column by column: [N,H,W,C] → [N,T,units].
  ///
  /// A 5×5 stem with stride 2 and pooling leave a column for every four pixels; each stage's two 3×3 convolutions are
  /// followed by pooling of rows alone, so that the columns stay. Then each column's pixels are one row of values for the
  /// dense layers. Convolutions have no bias; batch normalisation and ReLU follow each of them and each dense layer.
  ///
  /// - Parameter filters: the channels of the stem and then of the stages; the configuration's own come first.
  mutating func addColumnTrunk(filters: [Int] = [32, 64, 96, 128]) throws {
    let filters = configuration.filters ?? filters
    guard let stem = filters.first, filters.count >= 2 else {
      throw ModelError(
        "model.filters: \(filters) is too short; the \(configuration.architecture) architecture takes a stem and its "
          + "stages")
    }
    // White paper becomes 0, as the surroundings of the image are: a bright edge all round would tell every column where it
    // is, and texts would be guessed from that.
    add(Rescaling(-2, offset: 2))
    addConvolution(stem, kernelSize: 5, stride: 2, number: 1)
    try addPool(padding: .same)
    for (stage, count) in filters.dropFirst().enumerated() {
      if stage > 0 { try addPool(.rows(2), padding: .same) }
      for number in 1...2 { addConvolution(count, kernelSize: 3, stride: 1, number: 2 * stage + number + 1) }
      addDropout(configuration.convolutionDropout ?? 0)
    }
    add(Columns())
    for (index, units) in (configuration.dense ?? [192]).enumerated() {
      add(Dense(channels, units), named: "fc\(index + 1)")
      add(BatchNorm(units, momentum: 0.9), named: "bn_fc\(index + 1)")
      add(ReLU())
    }
  }

  private mutating func addConvolution(_ filters: Int, kernelSize: Int, stride: Int, number: Int) {
    add(
      Conv2D(channels, filters, kernelSize: kernelSize, stride: stride, useBias: false), named: "conv\(number)")
    add(BatchNorm(filters, momentum: 0.9), named: "bn\(number)")
    add(ReLU())
  }
}
