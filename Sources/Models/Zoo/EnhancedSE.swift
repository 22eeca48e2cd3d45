import Layers

extension ModelZoo.Architecture {
  /// The model `enhanced` with squeeze-and-excitation behind each of its blocks, so that the two differ in nothing else.
  ///
  /// Behind the pooling rather than before it: there the image is a quarter as large, and convolution, normalisation and
  /// pooling still run as one operation.
  static let enhancedSE = Self(
    summary: "the model enhanced with squeeze-and-excitation after each block"
  ) { builder in
    try addEnhanced(to: &builder) { builder, block in
      builder.add(SqueezeExcitation(builder.channels), named: "se\(block)")
    }
  }
}
