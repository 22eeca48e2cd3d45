import Layers

extension ModelZoo.Architecture {
  /// The original system's main model: five convolution blocks (3×3, ReLU, batch normalisation, pooling after all but the
  /// fourth), flatten, two dense layers with normalisation, independent outputs.
  ///
  /// With 200×60×3 images, 32-64-128-128-256 filters, dense 2048 and 1024, and 504 outputs: 22,041,912 parameters.
  static let enhanced = Self(
    summary: "the original system's model: 5 convolution blocks 32-64-128-128-256, dense 2048 and 1024"
  ) { builder in
    try addEnhanced(to: &builder)
  }

  /// Adds the model's layers.
  ///
  /// - Parameter afterBlock: adds what follows a block, numbered from 1, before its dropout.
  static func addEnhanced(
    to builder: inout ModelBuilder, afterBlock: (inout ModelBuilder, Int) -> Void = { _, _ in }
  ) throws {
    let configuration = builder.configuration
    let filters = configuration.filters ?? [32, 64, 128, 128, 256]
    guard filters.count == 5 else {
      throw ModelError(
        "model.filters: \(filters) has \(filters.count) entries; the \(configuration.architecture) architecture takes 5"
      )
    }
    for (index, count) in filters.enumerated() {
      let block = index + 1
      builder.add(Conv2D(builder.channels, count, kernelSize: 3, activation: .relu), named: "conv\(block)")
      builder.add(BatchNorm(count), named: "bn\(block)")
      if block != 4 { try builder.addPool() }
      afterBlock(&builder, block)
      if block >= 3 { builder.addDropout(configuration.convolutionDropout ?? 0.2) }
    }
    builder.addFlatten()
    for (index, units) in (configuration.dense ?? [2048, 1024]).enumerated() {
      builder.add(Dense(builder.channels, units, activation: .relu), named: "fc\(index + 1)")
      builder.add(BatchNorm(units), named: "bn_fc\(index + 1)")
      builder.addDropout(configuration.denseDropout ?? 0.4)
    }
  }
}
