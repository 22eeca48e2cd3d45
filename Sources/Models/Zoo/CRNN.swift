import Layers

extension ModelZoo.Architecture {
  /// A convolutional recurrent net: the convolutions of `ModelBuilder.addColumnTrunk`, bidirectional LSTMs along the columns,
  /// and an output per column.
  ///
  /// Source: Shi et al. 2015, "An End-to-End Trainable Neural Network for Image-based Sequence Recognition".
  static let crnn = Self(
    summary: "column by column: convolutions of 32 to 128, a bidirectional LSTM of 128", head: .columns
  ) { builder in
    try builder.addColumnTrunk()
    for (index, units) in (builder.configuration.recurrent ?? [128]).enumerated() {
      builder.add(Bidirectional(LSTM(builder.channels, units)), named: "lstm\(index + 1)")
    }
    builder.addDropout(builder.configuration.denseDropout ?? 0.1)
  }
}
