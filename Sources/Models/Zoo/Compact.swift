import Layers

extension ModelZoo.Architecture {
  /// A small model for ordinary processors: a strided stem keeps the full-size image out of the wide layers.
  ///
  /// Convolution without bias, batch normalisation, ReLU, pooling, per block; the stem has a 5×5 window and stride 2.
  static let compact = Self(
    summary: "small and fast: 5×5 stem of 32 with stride 2, 3×3 blocks of 64, 96 and 128"
  ) { builder in
    let configuration = builder.configuration
    let filters = configuration.filters ?? [32, 64, 96, 128]
    guard filters.count >= 2 else {
      throw ModelError("model.filters: \(filters) is too short; the compact architecture takes a stem and its blocks")
    }
    for (index, count) in filters.enumerated() {
      let isStem = index == 0
      builder.add(
        Conv2D(builder.channels, count, kernelSize: isStem ? 5 : 3, stride: isStem ? 2 : 1, useBias: false),
        named: "conv\(index + 1)")
      builder.add(BatchNorm(count, momentum: 0.9), named: "bn\(index + 1)")
      builder.add(ReLU())
      if index < filters.count - 1 { try builder.addPool() }
      if !isStem { builder.addDropout(configuration.convolutionDropout ?? 0) }
    }
    builder.addFlatten()
    for (index, units) in (configuration.dense ?? []).enumerated() {
      builder.add(Dense(builder.channels, units, activation: .relu), named: "fc\(index + 1)")
    }
    builder.addDropout(configuration.denseDropout ?? 0.1)
  }
}
