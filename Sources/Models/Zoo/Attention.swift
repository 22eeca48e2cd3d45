import Layers

extension ModelZoo.Architecture {
  private static let heads = 4

  /// Columns that attend to each other: the convolutions of `ModelBuilder.addColumnTrunk`, the columns' places, two blocks of
  /// a transformer's encoder with four heads, and an output per column.
  ///
  /// Where recurrent layers carry what they saw from column to column, here each column looks at all others at once. The
  /// dense layers between are twice as wide as the columns, half of what is usual in language, since this is a small model
  /// for ordinary processors.
  static let attention = Self(
    summary: "column by column: convolutions of 32 to 128, 2 transformer encoder blocks of 192 with 4 heads",
    head: .columns
  ) { builder in
    try builder.addColumnTrunk()
    let width = builder.channels
    guard width % heads == 0 else {
      throw ModelError(
        "model.dense: the last of \(builder.configuration.dense ?? []) is \(width), which \(heads) heads cannot divide "
          + "among them; give a multiple of \(heads)")
    }
    let dropout = builder.configuration.denseDropout ?? 0.1
    builder.add(SinePositionEncoding(width, positions: builder.shape[1]))
    builder.addDropout(dropout)
    for block in 1...2 {
      builder.add(TransformerEncoder(width, heads: heads, units: 2 * width, dropout: dropout), named: "encoder\(block)")
    }
    builder.add(LayerNormalization(width), named: "encoder_norm")
  }
}
