import Tensor

/// Self-attention of several heads: x [N,T,C] → [N,T,C], where each position takes up what it needs from all of them.
///
/// y = attention_output(scaledDotProductAttention(query(x), key(x), value(x))), see
/// `Tensor.scaledDotProductAttention`.
///
/// Parameters: `query`, `key`, `value` with a `kernel` [C, heads · keyDimension] and a `bias`, and `attention_output` with a
/// `kernel` [heads · keyDimension, C] and a `bias`. They are Keras's `MultiHeadAttention`'s with the axes of heads and key
/// dimension taken together. Kernels are drawn with the fans of these matrices (Glorot uniform), biases are zero.
/// There is no dropout of single attention weights. Source: Vaswani et al. 2017.
public final class MultiHeadAttention: Layer {
  private let query, key, value, output: Dense
  public let heads: Int

  /// - Parameters:
  ///   - channels: C.
  ///   - heads: how many attentions run side by side, each with channels of its own.
  ///   - keyDimension: the channels of each head; C / heads where not given, which must be whole then.
  public init(_ channels: Int, heads: Int, keyDimension: Int? = nil) {
    precondition(
      heads > 0 && (keyDimension ?? channels) > 0 && (keyDimension != nil || channels % heads == 0),
      "MultiHeadAttention: \(channels) channels cannot be divided among \(heads) heads")
    let inner = heads * (keyDimension ?? channels / heads)
    self.heads = heads
    query = Dense(channels, inner)
    key = Dense(channels, inner)
    value = Dense(channels, inner)
    output = Dense(inner, channels)
  }

  public var children: [NamedLayer] {
    query.named("query")
    key.named("key")
    value.named("value")
    output.named("attention_output")
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    precondition(x.shape.rank == 3, "MultiHeadAttention: \(x.shape); expected [N,T,C]")
    let attention = Tensor.scaledDotProductAttention(
      query: query(x, context), key: key(x, context), value: value(x, context), heads: heads)
    return output(attention, context)
  }

  public func outputShape(for input: Shape) -> Shape {
    precondition(
      input.rank == 3 && input[2] == query.kernel.shape[0],
      "MultiHeadAttention: \(input) does not fit [N,T,\(query.kernel.shape[0])]")
    return input
  }
}
