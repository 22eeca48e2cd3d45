/// A backend that lets another one compute and records every operation; in use only while an `OperationRecorder` runs.
///
/// The work of an operation is nominal, so that figures of different ways to compute it can be compared: the operations
/// of the direct computation, where an addition, a multiplication, a comparison, an exponential or a logarithm counts as
/// one, and every tensor read or written once. Vectors with one value per channel are left out.
struct RecordingBackend: Backend {
  let base: any Backend
  let recorder: OperationRecorder

  func matrixProduct(
    _ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool, precision: ArithmeticPrecision
  ) -> Tensor {
    let (m, k, n) = (a.shape[transposeA ? 1 : 0], a.shape[transposeA ? 0 : 1], b.shape[transposeB ? 0 : 1])
    let name =
      switch (transposeA, transposeB) {
      case (false, false): "matrixProduct"
      case (true, false): "matrixProduct aᵀ·b"
      case (false, true): "matrixProduct a·bᵀ"
      case (true, true): "matrixProduct aᵀ·bᵀ"
      }
    return record(name + precision.suffix, [a.shape, b.shape], flops: 2 * m * n * k, reading: [a, b]) {
      base.matrixProduct(a, b, transposeA: transposeA, transposeB: transposeB, precision: precision)
    }
  }

  func prefersFloat16Weights(_ a: Shape, _ b: Shape) -> Bool { base.prefersFloat16Weights(a, b) }

  func matrixProduct(_ a: Tensor, float16Weights b: Tensor) -> Tensor {
    record(
      "matrixProduct, float16 weights", [a.shape, b.shape], flops: 2 * a.shape.count * b.shape[1], reading: [a],
      bytesWritten: b.byteCount / 2 + a.shape[0] * b.shape[1] * 4
    ) { base.matrixProduct(a, float16Weights: b) }
  }

  func convolution(
    _ x: Tensor, kernel: Tensor, bias: Tensor?, geometry: ConvolutionGeometry, relu: Bool,
    precision: ArithmeticPrecision
  ) -> Tensor {
    record(
      (relu ? "convolution, relu" : "convolution") + precision.suffix, [x.shape, kernel.shape], flops: geometry.flops,
      reading: [x, kernel]
    ) { base.convolution(x, kernel: kernel, bias: bias, geometry: geometry, relu: relu, precision: precision) }
  }

  func convolutionInputGradient(
    _ dy: Tensor, kernel: Tensor, geometry: ConvolutionGeometry, precision: ArithmeticPrecision
  ) -> Tensor {
    record(
      "convolutionInputGradient" + precision.suffix, [dy.shape, kernel.shape], flops: geometry.flops,
      reading: [dy, kernel]
    ) { base.convolutionInputGradient(dy, kernel: kernel, geometry: geometry, precision: precision) }
  }

  func convolutionKernelGradient(
    _ x: Tensor, dy: Tensor, geometry: ConvolutionGeometry, precision: ArithmeticPrecision
  ) -> Tensor {
    record(
      "convolutionKernelGradient" + precision.suffix, [x.shape, dy.shape], flops: geometry.flops, reading: [x, dy]
    ) { base.convolutionKernelGradient(x, dy: dy, geometry: geometry, precision: precision) }
  }

  func convolutionBlock(
    _ x: Tensor, _ weights: ConvolutionBlockWeights, _ block: ConvolutionBlock
  ) -> (y: Tensor, record: ConvolutionBlockRecord) {
    // The convolution's result is written and read again; what the pooling lets through is written twice.
    let kept = 2 * block.convolution.outputShape.count + (block.pooling == nil ? 0 : 1) * block.outputShape.count
    let size = block.precision == .bfloat16 ? 2 : 4
    return record(
      block.name, [x.shape, weights.kernel.shape], flops: block.convolution.flops, reading: [x, weights.kernel],
      bytesWritten: size * kept + block.result.size * block.outputShape.count
    ) { base.convolutionBlock(x, weights, block) }
  }

  func convolutionBlock(
    _ x: Tensor, _ weights: ConvolutionBlockWeights, _ block: ConvolutionBlock, mean: Tensor, variance: Tensor
  ) -> Tensor {
    record(block.name, [x.shape, weights.kernel.shape], flops: block.convolution.flops, reading: [x, weights.kernel]) {
      base.convolutionBlock(x, weights, block, mean: mean, variance: variance)
    }
  }

  func convolutionBlockGradient(
    _ dy: Tensor, x: Tensor, _ weights: ConvolutionBlockWeights, _ block: ConvolutionBlock,
    _ record: ConvolutionBlockRecord, needsX: Bool, needsKernel: Bool
  ) -> ConvolutionBlockGradients {
    // dy and the winners are read for the sums and again for the pixels' gradients.
    let reading = [dy, dy, x, record.convolved] + (record.winners.map { [$0, $0] } ?? [])
    return self.record(
      block.steps + " gradient" + block.precision.suffix, [x.shape, weights.kernel.shape],
      flops: ((needsX ? 1 : 0) + (needsKernel ? 1 : 0)) * block.convolution.flops, reading: reading,
      bytesWritten: needsX ? x.byteCount : 0
    ) {
      base.convolutionBlockGradient(
        dy, x: x, weights, block, record, needsX: needsX, needsKernel: needsKernel)
    }
  }

  func lstm(
    _ x: Tensor, _ directions: [LSTMDirection], precision: ArithmeticPrecision, keepsRecord: Bool
  ) -> (y: Tensor, record: LSTMRecord?) {
    let steps = x.shape.rows * directions.count
    let units = directions[0].units
    let weights = directions.flatMap { [$0.kernel, $0.recurrentKernel] }
    return record(
      "lstm" + precision.suffix, [x.shape] + weights.map(\.shape), flops: LSTMDirection.flops(directions, x),
      reading: [x] + weights, bytesWritten: 4 * steps * units * (keepsRecord ? 6 : 1)
    ) { base.lstm(x, directions, precision: precision, keepsRecord: keepsRecord) }
  }

  func lstmGradient(
    _ dy: Tensor, x: Tensor, y: Tensor, _ directions: [LSTMDirection], _ record: LSTMRecord,
    precision: ArithmeticPrecision, needsX: Bool, needsWeights: Bool
  ) -> LSTMGradients {
    let weights = directions.flatMap { [$0.kernel, $0.recurrentKernel] }
    let rows = x.shape.rows * directions.count
    let (inputs, units) = (x.shape[2], directions[0].units)
    // The product of every step with the recurrent weights is taken in any case.
    let products = units + (needsX ? inputs : 0) + (needsWeights ? inputs + units : 0)
    return self.record(
      "lstmGradient" + precision.suffix, [x.shape] + weights.map(\.shape), flops: 2 * rows * products * 4 * units,
      reading: [dy, x, y] + weights + record.gates + record.cells,
      bytesWritten: (needsX ? x.byteCount : 0) + (needsWeights ? weights.reduce(0) { $0 + $1.byteCount } : 0)
    ) {
      base.lstmGradient(
        dy, x: x, y: y, directions, record, precision: precision, needsX: needsX, needsWeights: needsWeights)
    }
  }

  func concatenation(_ tensors: [Tensor]) -> Tensor {
    record("concatenation", tensors.map(\.shape), flops: 0, reading: tensors) { base.concatenation(tensors) }
  }

  func columns(_ columns: Range<Int>, of x: Tensor) -> Tensor {
    let bytes = 8 * x.shape.rows * columns.count
    return record("columns", [x.shape], flops: 0, reading: [], bytesWritten: bytes) { base.columns(columns, of: x) }
  }

  func maxPool(_ x: Tensor, geometry: PoolingGeometry, keepOffsets: Bool) -> (y: Tensor, offsets: Tensor?) {
    let comparisons = geometry.outputShape.count * (geometry.window.height * geometry.window.width - 1)
    let written = geometry.outputShape.count * (keepOffsets ? 5 : 4)
    return record("maxPool", [x.shape], flops: comparisons, reading: [x], bytesWritten: written) {
      base.maxPool(x, geometry: geometry, keepOffsets: keepOffsets)
    }
  }

  func maxPoolGradient(_ dy: Tensor, offsets: Tensor, geometry: PoolingGeometry) -> Tensor {
    record("maxPoolGradient", [dy.shape], flops: dy.shape.count, reading: [dy, offsets]) {
      base.maxPoolGradient(dy, offsets: offsets, geometry: geometry)
    }
  }

  func columnMoments(_ x: Tensor) -> (mean: [Double], variance: [Double]) {
    record("columnMoments", [x.shape], flops: 4 * x.shape.count, reading: [x], bytesWritten: 0) {
      base.columnMoments(x)
    }
  }

  func columnProducts(_ dy: Tensor, _ x: Tensor, pivot: [Float]) -> (sums: [Double], products: [Double]) {
    record("columnProducts", [x.shape], flops: 4 * x.shape.count, reading: [dy, x], bytesWritten: 0) {
      base.columnProducts(dy, x, pivot: pivot)
    }
  }

  func columnAffine(_ x: Tensor, scale: [Float], shift: [Float]) -> Tensor {
    record("columnAffine", [x.shape], flops: 2 * x.shape.count, reading: [x]) {
      base.columnAffine(x, scale: scale, shift: shift)
    }
  }

  func columnCombination(_ dy: Tensor, _ x: Tensor, a: [Float], b: [Float], c: [Float]) -> Tensor {
    record("columnCombination", [x.shape], flops: 4 * x.shape.count, reading: [dy, x]) {
      base.columnCombination(dy, x, a: a, b: b, c: c)
    }
  }

  func columnSums(_ x: Tensor) -> Tensor {
    record("columnSums", [x.shape], flops: x.shape.count, reading: [x]) { base.columnSums(x) }
  }

  func reluGradient(_ dy: Tensor, y: Tensor) -> (masked: Tensor, sums: Tensor) {
    record("reluGradient", [y.shape], flops: 2 * y.shape.count, reading: [dy, y], bytesWritten: y.byteCount) {
      base.reluGradient(dy, y: y)
    }
  }

  func spatialMeans(_ x: Tensor) -> Tensor {
    record("spatialMeans", [x.shape], flops: x.shape.count, reading: [x]) { base.spatialMeans(x) }
  }

  func spatialMeansGradient(_ dy: Tensor, shape: Shape) -> Tensor {
    record("spatialMeansGradient", [shape], flops: dy.shape.count, reading: [dy]) {
      base.spatialMeansGradient(dy, shape: shape)
    }
  }

  func channelsScaled(_ x: Tensor, by scales: Tensor) -> Tensor {
    record("channelsScaled", [x.shape], flops: x.shape.count, reading: [x]) { base.channelsScaled(x, by: scales) }
  }

  func channelProducts(_ dy: Tensor, _ x: Tensor) -> Tensor {
    record("channelProducts", [x.shape], flops: 2 * x.shape.count, reading: [dy, x]) { base.channelProducts(dy, x) }
  }

  func layerNormalization(
    _ x: Tensor, gamma: Tensor, beta: Tensor, epsilon: Float
  ) -> (y: Tensor, statistics: Tensor) {
    // A sum, the distances with their squares' sum, and four operations for the result.
    record("layerNormalization", [x.shape], flops: 8 * x.shape.count, reading: [x], bytesWritten: x.byteCount) {
      base.layerNormalization(x, gamma: gamma, beta: beta, epsilon: epsilon)
    }
  }

  func layerNormalizationGradient(
    _ dy: Tensor, x: Tensor, gamma: Tensor, statistics: Tensor, needsX: Bool
  ) -> (x: Tensor?, gamma: Tensor, beta: Tensor) {
    record(
      "layerNormalizationGradient", [x.shape], flops: (needsX ? 16 : 5) * x.shape.count, reading: [dy, x],
      bytesWritten: needsX ? x.byteCount : 0
    ) { base.layerNormalizationGradient(dy, x: x, gamma: gamma, statistics: statistics, needsX: needsX) }
  }

  func attention(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, keepsProbabilities: Bool
  ) -> (y: Tensor, probabilities: Tensor?) {
    let scores = q.shape[0] * heads * q.shape[1] * q.shape[1]
    return record(
      "attention, heads \(heads)", [q.shape], flops: 4 * q.shape.count * q.shape[1] + 6 * scores, reading: [q, k, v],
      bytesWritten: q.byteCount + (keepsProbabilities ? 4 * scores : 0)
    ) { base.attention(q, k, v, heads: heads, keepsProbabilities: keepsProbabilities) }
  }

  func attentionGradient(
    _ dy: Tensor, _ q: Tensor, _ k: Tensor, _ v: Tensor, probabilities: Tensor, heads: Int
  ) -> (q: Tensor, k: Tensor, v: Tensor) {
    record(
      "attentionGradient, heads \(heads)", [q.shape],
      flops: 8 * q.shape.count * q.shape[1] + 5 * probabilities.shape.count, reading: [dy, q, k, v, probabilities],
      bytesWritten: 3 * q.byteCount
    ) { base.attentionGradient(dy, q, k, v, probabilities: probabilities, heads: heads) }
  }

  func rowsAndColumnsSwapped(_ x: Tensor) -> Tensor {
    record("rowsAndColumnsSwapped", [x.shape], flops: 0, reading: [x]) { base.rowsAndColumnsSwapped(x) }
  }

  func relu(_ x: Tensor) -> Tensor {
    record("relu", [x.shape], flops: x.shape.count, reading: [x]) { base.relu(x) }
  }

  func addRelu(_ a: Tensor, _ b: Tensor) -> Tensor {
    record("addRelu", [a.shape], flops: 2 * a.shape.count, reading: [a, b]) { base.addRelu(a, b) }
  }

  func sigmoid(_ x: Tensor) -> Tensor {
    record("sigmoid", [x.shape], flops: 4 * x.shape.count, reading: [x]) { base.sigmoid(x) }
  }

  func combination(_ a: Tensor, _ alpha: Float, _ b: Tensor, _ beta: Float) -> Tensor {
    record("combination", [a.shape], flops: 3 * a.shape.count, reading: [a, b]) {
      base.combination(a, alpha, b, beta)
    }
  }

  func scaled(_ x: Tensor, by scale: Float) -> Tensor {
    record("scaled", [x.shape], flops: x.shape.count, reading: [x]) { base.scaled(x, by: scale) }
  }

  func product(_ a: Tensor, _ b: Tensor) -> Tensor {
    record("product", [a.shape], flops: a.shape.count, reading: [a, b]) { base.product(a, b) }
  }

  func floats(from bytes: Tensor, dividedBy divisor: Float) -> Tensor {
    record("floats", [bytes.shape], flops: bytes.shape.count, reading: [bytes]) {
      base.floats(from: bytes, dividedBy: divisor)
    }
  }

  func dropout(_ x: Tensor, rate: Double, stream: RandomStream) -> Tensor {
    record("dropout", [x.shape], flops: x.shape.count, reading: [x]) { base.dropout(x, rate: rate, stream: stream) }
  }

  func softmax(_ x: Tensor) -> Tensor {
    record("softmax", [x.shape], flops: 5 * x.shape.count, reading: [x]) { base.softmax(x) }
  }

  func sigmoidCrossEntropy(
    _ logits: Tensor, targets: Tensor, weighting: BinaryWeighting
  ) -> (sum: Double, slopes: Tensor) {
    record(
      "sigmoidCrossEntropy", [logits.shape], flops: 12 * logits.shape.count, reading: [logits, targets],
      bytesWritten: logits.byteCount
    ) { base.sigmoidCrossEntropy(logits, targets: targets, weighting: weighting) }
  }

  func softmaxCrossEntropy(
    _ logits: Tensor, targets: Tensor, labelSmoothing: Float
  ) -> (sum: Double, slopes: Tensor) {
    record(
      "softmaxCrossEntropy", [logits.shape], flops: 6 * logits.shape.count, reading: [logits, targets],
      bytesWritten: logits.byteCount
    ) { base.softmaxCrossEntropy(logits, targets: targets, labelSmoothing: labelSmoothing) }
  }

  func ctc(_ logits: Tensor, labels: Tensor, blank: Int) -> (losses: [Double], slopes: Tensor) {
    // Per logit a softmax and the difference from the posterior; per column and state of the longest label an exponential,
    // and in each direction three additions' worth of sums and a multiplication.
    let states = logits.shape[0] * logits.shape[1] * (2 * labels.shape[1] + 1)
    return record(
      "ctc", [logits.shape, labels.shape], flops: 6 * logits.shape.count + 9 * states, reading: [logits, labels],
      bytesWritten: logits.byteCount
    ) { base.ctc(logits, labels: labels, blank: blank) }
  }

  func sum(_ x: Tensor) -> Double {
    record("sum", [x.shape], flops: x.shape.count, reading: [x], bytesWritten: 0) { base.sum(x) }
  }

  func sumOfSquares(_ x: Tensor) -> Double {
    record("sumOfSquares", [x.shape], flops: 2 * x.shape.count, reading: [x], bytesWritten: 0) {
      base.sumOfSquares(x)
    }
  }
}

extension RecordingBackend {
  /// Records an operation that reads `inputs` and writes tensors of `bytesWritten` bytes.
  private func record<Result>(
    _ name: String, _ shapes: [Shape], flops: Int, reading inputs: [Tensor], bytesWritten: Int, _ body: () -> Result
  ) -> Result {
    let bytes = inputs.reduce(bytesWritten) { $0 + $1.byteCount }
    return recorder.record(name, shapes, flops: flops, bytes: { _ in bytes }, body)
  }

  /// Records an operation that reads `inputs` and writes its result.
  private func record(
    _ name: String, _ shapes: [Shape], flops: Int, reading inputs: [Tensor], _ body: () -> Tensor
  ) -> Tensor {
    let bytes = inputs.reduce(0) { $0 + $1.byteCount }
    return recorder.record(name, shapes, flops: flops, bytes: { bytes + $0.byteCount }, body)
  }
}

extension OperationRecorder {
  /// `backend`, recorded where a recorder runs.
  static func observed(_ backend: some Backend) -> any Backend {
    guard let recorder = current else { return backend }
    return RecordingBackend(base: backend, recorder: recorder)
  }
}

extension ConvolutionBlock {
  /// What the operation does, with its precision.
  fileprivate var name: String { steps + precision.suffix }

  /// What the operation does, in the order of its steps.
  fileprivate var steps: String {
    [
      "convolution", relu == .beforeNormalization ? "relu" : nil, "normalize",
      relu == .afterNormalization ? "relu" : nil, pooling == nil ? nil : "pool",
    ].compactMap { $0 }.joined(separator: "+")
  }
}

extension LSTMDirection {
  /// Multiplications and additions of the products of all steps.
  fileprivate static func flops(_ directions: [LSTMDirection], _ x: Tensor) -> Int {
    directions.reduce(0) { $0 + 2 * x.shape.rows * (x.shape[2] + $1.units) * 4 * $1.units }
  }
}

extension ArithmeticPrecision {
  /// What is said of a precision other than the usual one.
  fileprivate var suffix: String { self == .float32 ? "" : ", \(rawValue)" }
}

extension Tensor {
  fileprivate var byteCount: Int { shape.count * dtype.size }
}

extension ConvolutionGeometry {
  /// Multiplications and additions of the direct computation, which are as many for each gradient.
  var flops: Int { 2 * outputShape.count * kernelHeight * kernelWidth * inputChannels }
}
