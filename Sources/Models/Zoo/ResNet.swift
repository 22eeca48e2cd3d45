import Layers

extension ModelZoo.Architecture {
  /// The original system's residual model: 7×7 stem with stride 2, then two residual blocks per stage with pooling between
  /// the stages, global average, dense layers.
  ///
  /// `filters` are the stem's channels and then the stages'. Source of the block: He et al. 2016.
  static let resnet = Self(
    summary: "residual net: 7×7 stem of 64, stages of 64, 128 and 256, dense 1024 and 512"
  ) { builder in
    let configuration = builder.configuration
    let filters = configuration.filters ?? [64, 64, 128, 256]
    guard let stem = filters.first, filters.count >= 2 else {
      throw ModelError("model.filters: \(filters) is too short; the resnet architecture takes a stem and its stages")
    }
    builder.add(Conv2D(builder.channels, stem, kernelSize: 7, stride: 2), named: "conv_init")
    builder.add(BatchNorm(stem), named: "bn_init")
    builder.add(ReLU())
    builder.add(MaxPool2D(3, stride: 2, padding: .same))
    for (stage, count) in filters.dropFirst().enumerated() {
      if stage > 0 { try builder.addPool() }
      for block in 1...2 {
        builder.add(residual(builder.channels, count), named: "res\(2 * stage + block)")
      }
    }
    if builder.head == .positions { builder.add(GlobalAveragePool()) } else { builder.addFlatten() }
    for (index, units) in (configuration.dense ?? [1024, 512]).enumerated() {
      builder.add(Dense(builder.channels, units, activation: .relu), named: "fc\(index + 1)")
      builder.addDropout(configuration.denseDropout ?? 0.4)
    }
  }

  private static func residual(_ input: Int, _ output: Int) -> Residual {
    Residual {
      Conv2D(input, output, kernelSize: 3).named("conv1")
      BatchNorm(output).named("bn1")
      ReLU()
      Conv2D(output, output, kernelSize: 3).named("conv2")
      BatchNorm(output).named("bn2")
    } shortcut: {
      if input != output {
        Conv2D(input, output, kernelSize: 1).named("shortcut")
        BatchNorm(output).named("bn_shortcut")
      }
    }
  }
}
