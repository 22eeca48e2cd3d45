import Layers

extension ModelZoo.Architecture {
  /// The original system's first model: convolution blocks (3×3, ReLU, pooling, dropout), flatten, one dense layer.
  static let basic = Self(
    summary: "the original system's first model: 3 convolution blocks 32-64-64, dense 1024"
  ) { builder in
    let configuration = builder.configuration
    for (index, count) in (configuration.filters ?? [32, 64, 64]).enumerated() {
      builder.add(Conv2D(builder.channels, count, kernelSize: 3, activation: .relu), named: "conv\(index + 1)")
      try builder.addPool()
      builder.addDropout(configuration.convolutionDropout ?? 0.2)
    }
    builder.addFlatten()
    for (index, units) in (configuration.dense ?? [1024]).enumerated() {
      builder.add(Dense(builder.channels, units, activation: .relu), named: "fc\(index + 1)")
      builder.addDropout(configuration.denseDropout ?? 0.4)
    }
  }
}
