import Tensor

/// A block of a transformer's encoder: x [N,T,C] → [N,T,C], attention and then two dense layers, each added to what it reads.
///
/// y = x + dropout(self_attention(self_attention_norm(x))) and
/// z = y + dropout(feedforward_output(relu(feedforward_intermediate(feedforward_norm(y))))).
///
/// The normalisation stands before each part rather than behind the sum, which trains without a warm-up of the learning
/// rate; a stack of blocks then wants a normalisation of its own at the end. Sources: Vaswani et al. 2017; Xiong et al. 2020,
/// On Layer Normalization in the Transformer Architecture.
public final class TransformerEncoder: Layer {
  private let attentionNorm, feedforwardNorm: LayerNormalization
  private let attention: MultiHeadAttention
  private let intermediate, output: Dense
  private let dropout: Dropout

  /// - Parameters:
  ///   - channels: C, a multiple of `heads`.
  ///   - heads: the attention's heads.
  ///   - units: those of the dense layer between.
  ///   - dropout: the rate at which each part's result is dropped before it is added.
  public init(_ channels: Int, heads: Int, units: Int, dropout: Double = 0) {
    attentionNorm = LayerNormalization(channels)
    attention = MultiHeadAttention(channels, heads: heads)
    feedforwardNorm = LayerNormalization(channels)
    intermediate = Dense(channels, units, activation: .relu)
    output = Dense(units, channels)
    self.dropout = Dropout(dropout)
  }

  public var children: [NamedLayer] {
    attentionNorm.named("self_attention_norm")
    attention.named("self_attention")
    feedforwardNorm.named("feedforward_norm")
    intermediate.named("feedforward_intermediate")
    output.named("feedforward_output")
    dropout.named("dropout")
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let y = x + dropout(attention(attentionNorm(x, context), context), context)
    return y + dropout(output(intermediate(feedforwardNorm(y, context), context), context), context)
  }

  public func outputShape(for input: Shape) -> Shape { attention.outputShape(for: input) }
}
