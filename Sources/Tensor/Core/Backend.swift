/// What computes: every operation goes through its device's backend, so that another kind of processor is a new
/// conformance and no change to operations, layers or models.
///
/// Backends know nothing of gradients: inputs are read, results are new tensors. All tensors are float32 unless said
/// otherwise, and shapes have been checked by the operation.
public protocol Backend: Sendable {
  /// a · b for matrices [m, k] and [k, n], each taken transposed where asked.
  func matrixProduct(
    _ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool, precision: ArithmeticPrecision
  ) -> Tensor

  /// Whether products of these shapes are faster with the weights b as float16.
  func prefersFloat16Weights(_ a: Shape, _ b: Shape) -> Bool
  /// a · b for matrices [m, k] and [k, n], where b may be rounded to float16 (IEEE binary16).
  func matrixProduct(_ a: Tensor, float16Weights b: Tensor) -> Tensor

  /// x [N,H,W,C] ⋆ kernel [h,w,C,K] + bias [K], then ReLU where asked.
  func convolution(
    _ x: Tensor, kernel: Tensor, bias: Tensor?, geometry: ConvolutionGeometry, relu: Bool,
    precision: ArithmeticPrecision
  ) -> Tensor
  /// The gradient of a convolution's input for the gradient `dy` of its output.
  func convolutionInputGradient(
    _ dy: Tensor, kernel: Tensor, geometry: ConvolutionGeometry, precision: ArithmeticPrecision
  ) -> Tensor
  /// The gradient of a convolution's kernel for the gradient `dy` of its output.
  func convolutionKernelGradient(
    _ x: Tensor, dy: Tensor, geometry: ConvolutionGeometry, precision: ArithmeticPrecision
  ) -> Tensor

  /// A convolution block with the batch's own statistics; see `Tensor.convolutionBlock`. Composed of the other operations
  /// unless the backend has a faster one, as the following two.
  func convolutionBlock(
    _ x: Tensor, _ weights: ConvolutionBlockWeights, _ block: ConvolutionBlock
  ) -> (y: Tensor, record: ConvolutionBlockRecord)
  /// The gradients of a block's inputs for the gradient `dy` of its output.
  func convolutionBlockGradient(
    _ dy: Tensor, x: Tensor, _ weights: ConvolutionBlockWeights, _ block: ConvolutionBlock,
    _ record: ConvolutionBlockRecord, needsX: Bool, needsKernel: Bool
  ) -> ConvolutionBlockGradients
  /// A convolution block with given statistics.
  func convolutionBlock(
    _ x: Tensor, _ weights: ConvolutionBlockWeights, _ block: ConvolutionBlock, mean: Tensor, variance: Tensor
  ) -> Tensor

  /// LSTMs over x [N,T,C], with what the gradient needs where asked; see `Tensor.lstm`.
  func lstm(
    _ x: Tensor, _ directions: [LSTMDirection], precision: ArithmeticPrecision, keepsRecord: Bool
  ) -> (y: Tensor, record: LSTMRecord?)
  /// The gradients of an LSTM's inputs for the gradient `dy` of its result `y`.
  func lstmGradient(
    _ dy: Tensor, x: Tensor, y: Tensor, _ directions: [LSTMDirection], _ record: LSTMRecord,
    precision: ArithmeticPrecision, needsX: Bool, needsWeights: Bool
  ) -> LSTMGradients

  /// Tensors side by side along the last axis.
  func concatenation(_ tensors: [Tensor]) -> Tensor
  /// Some indices of the last axis.
  func columns(_ columns: Range<Int>, of x: Tensor) -> Tensor

  /// Max pooling, with the winners' positions in their windows (uint8) where asked.
  func maxPool(_ x: Tensor, geometry: PoolingGeometry, keepOffsets: Bool) -> (y: Tensor, offsets: Tensor?)
  /// The gradient of the pooled input.
  func maxPoolGradient(_ dy: Tensor, offsets: Tensor, geometry: PoolingGeometry) -> Tensor

  /// Mean and biased variance over all axes but the last.
  func columnMoments(_ x: Tensor) -> (mean: [Double], variance: [Double])
  /// Σ dy and Σ dy·(x − pivot) over all axes but the last.
  func columnProducts(_ dy: Tensor, _ x: Tensor, pivot: [Float]) -> (sums: [Double], products: [Double])
  /// x · scale + shift, per index of the last axis.
  func columnAffine(_ x: Tensor, scale: [Float], shift: [Float]) -> Tensor
  /// dy · a + x · b + c, per index of the last axis.
  func columnCombination(_ dy: Tensor, _ x: Tensor, a: [Float], b: [Float], c: [Float]) -> Tensor
  /// Sums over all axes but the last.
  func columnSums(_ x: Tensor) -> Tensor
  /// dy where y > 0 and else 0, with its sums over all axes but the last.
  func reluGradient(_ dy: Tensor, y: Tensor) -> (masked: Tensor, sums: Tensor)

  /// x [N,H,W,C] → means [N,C].
  func spatialMeans(_ x: Tensor) -> Tensor
  /// dy [N,C] → dy / (H·W) at every pixel of [N,H,W,C].
  func spatialMeansGradient(_ dy: Tensor, shape: Shape) -> Tensor

  /// x [N,H,W,C], each channel of an image multiplied by that of scales [N,C]. Composed of the other operations unless the
  /// backend has a faster one, as the following one.
  func channelsScaled(_ x: Tensor, by scales: Tensor) -> Tensor
  /// Σ dy · x over the pixels of each image and channel: [N,H,W,C] → [N,C].
  func channelProducts(_ dy: Tensor, _ x: Tensor) -> Tensor

  /// x [N,H,W,C] → [N,W,H,C].
  func rowsAndColumnsSwapped(_ x: Tensor) -> Tensor

  /// Normalisation over the last axis of x [..., C], see `Tensor.layerNormalized`, with each row's mean and 1 / √(variance +
  /// epsilon) as statistics [rows, 2]. Composed of the other operations unless the backend has a faster one, as the
  /// following one.
  func layerNormalization(
    _ x: Tensor, gamma: Tensor, beta: Tensor, epsilon: Float
  ) -> (y: Tensor, statistics: Tensor)
  /// The gradients of a normalisation's inputs for the gradient `dy` of its result; that of x where it is needed.
  func layerNormalizationGradient(
    _ dy: Tensor, x: Tensor, gamma: Tensor, statistics: Tensor, needsX: Bool
  ) -> (x: Tensor?, gamma: Tensor, beta: Tensor)

  /// softmax(q · kᵀ / √d) · v of each image and head, see `Tensor.scaledDotProductAttention`, and the softmax
  /// [N, heads, T, T] where it is to be kept. Composed of the other operations unless the backend has a faster one, as the
  /// following one.
  func attention(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, keepsProbabilities: Bool
  ) -> (y: Tensor, probabilities: Tensor?)
  /// The gradients of an attention's inputs for the gradient `dy` of its result.
  func attentionGradient(
    _ dy: Tensor, _ q: Tensor, _ k: Tensor, _ v: Tensor, probabilities: Tensor, heads: Int
  ) -> (q: Tensor, k: Tensor, v: Tensor)

  func relu(_ x: Tensor) -> Tensor
  /// max(a + b, 0); composed of the two operations unless the backend has a faster one.
  func addRelu(_ a: Tensor, _ b: Tensor) -> Tensor
  /// 1 / (1 + e^(−x)).
  func sigmoid(_ x: Tensor) -> Tensor
  /// a · alpha + b · beta.
  func combination(_ a: Tensor, _ alpha: Float, _ b: Tensor, _ beta: Float) -> Tensor
  /// x · scale.
  func scaled(_ x: Tensor, by scale: Float) -> Tensor
  /// a · b, element by element.
  func product(_ a: Tensor, _ b: Tensor) -> Tensor
  /// uint8 → float32 / divisor.
  func floats(from bytes: Tensor, dividedBy divisor: Float) -> Tensor
  /// x / (1 − rate) where the stream's word of that element keeps it, else 0.
  func dropout(_ x: Tensor, rate: Double, stream: RandomStream) -> Tensor
  /// e^x / Σ e^x over the last axis.
  func softmax(_ x: Tensor) -> Tensor
  /// The sum over all elements of the weighted binary cross-entropy, and its derivative by each logit. Where an element
  /// has another exponent than others, the exponent counts as a constant.
  func sigmoidCrossEntropy(
    _ logits: Tensor, targets: Tensor, weighting: BinaryWeighting
  ) -> (sum: Double, slopes: Tensor)
  /// The sum over all rows of the softmax cross-entropy with the targets (int32, one per row), and its derivative by each
  /// logit.
  func softmaxCrossEntropy(
    _ logits: Tensor, targets: Tensor, labelSmoothing: Float
  ) -> (sum: Double, slopes: Tensor)
  /// −log p(label | logits) of each image by connectionist temporal classification, and its derivative by each logit; see
  /// `Tensor.ctcLoss`. Logits [N, columns, classes], labels [N, positions] (int32), which end at their first blank.
  func ctc(_ logits: Tensor, labels: Tensor, blank: Int) -> (losses: [Double], slopes: Tensor)
  /// The sum of all elements.
  func sum(_ x: Tensor) -> Double
  /// The sum of the squares of all elements.
  func sumOfSquares(_ x: Tensor) -> Double
}

/// Where tensors live and operations run.
public enum Device: String, Sendable, Codable {
  case cpu

  /// What computes on this device.
  public var backend: any Backend {
    switch self {
    case .cpu: OperationRecorder.observed(CPUBackend())
    }
  }
}
