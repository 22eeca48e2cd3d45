@testable import Tensor

/// A backend with the single operations of another one and without blocks of its own: it composes them by the protocol's
/// default.
struct ComposedBackend: Backend {
  let base: CPUBackend

  func matrixProduct(
    _ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool, precision: ArithmeticPrecision
  ) -> Tensor {
    base.matrixProduct(a, b, transposeA: transposeA, transposeB: transposeB, precision: precision)
  }

  func convolution(
    _ x: Tensor, kernel: Tensor, bias: Tensor?, geometry: ConvolutionGeometry, relu: Bool,
    precision: ArithmeticPrecision
  ) -> Tensor {
    base.convolution(x, kernel: kernel, bias: bias, geometry: geometry, relu: relu, precision: precision)
  }
  func convolutionInputGradient(
    _ dy: Tensor, kernel: Tensor, geometry: ConvolutionGeometry, precision: ArithmeticPrecision
  ) -> Tensor {
    base.convolutionInputGradient(dy, kernel: kernel, geometry: geometry, precision: precision)
  }
  func convolutionKernelGradient(
    _ x: Tensor, dy: Tensor, geometry: ConvolutionGeometry, precision: ArithmeticPrecision
  ) -> Tensor {
    base.convolutionKernelGradient(x, dy: dy, geometry: geometry, precision: precision)
  }

  func lstm(
    _ x: Tensor, _ directions: [LSTMDirection], precision: ArithmeticPrecision, keepsRecord: Bool
  ) -> (y: Tensor, record: LSTMRecord?) {
    base.lstm(x, directions, precision: precision, keepsRecord: keepsRecord)
  }
  func lstmGradient(
    _ dy: Tensor, x: Tensor, y: Tensor, _ directions: [LSTMDirection], _ record: LSTMRecord,
    precision: ArithmeticPrecision, needsX: Bool, needsWeights: Bool
  ) -> LSTMGradients {
    base.lstmGradient(
      dy, x: x, y: y, directions, record, precision: precision, needsX: needsX, needsWeights: needsWeights)
  }
  func concatenation(_ tensors: [Tensor]) -> Tensor { base.concatenation(tensors) }
  func columns(_ columns: Range<Int>, of x: Tensor) -> Tensor { base.columns(columns, of: x) }

  func maxPool(_ x: Tensor, geometry: PoolingGeometry, keepOffsets: Bool) -> (y: Tensor, offsets: Tensor?) {
    base.maxPool(x, geometry: geometry, keepOffsets: keepOffsets)
  }
  func maxPoolGradient(_ dy: Tensor, offsets: Tensor, geometry: PoolingGeometry) -> Tensor {
    base.maxPoolGradient(dy, offsets: offsets, geometry: geometry)
  }

  func columnMoments(_ x: Tensor) -> (mean: [Double], variance: [Double]) { base.columnMoments(x) }
  func columnProducts(_ dy: Tensor, _ x: Tensor, pivot: [Float]) -> (sums: [Double], products: [Double]) {
    base.columnProducts(dy, x, pivot: pivot)
  }
  func columnAffine(_ x: Tensor, scale: [Float], shift: [Float]) -> Tensor {
    base.columnAffine(x, scale: scale, shift: shift)
  }
  func columnCombination(_ dy: Tensor, _ x: Tensor, a: [Float], b: [Float], c: [Float]) -> Tensor {
    base.columnCombination(dy, x, a: a, b: b, c: c)
  }
  func columnSums(_ x: Tensor) -> Tensor { base.columnSums(x) }
  func reluGradient(_ dy: Tensor, y: Tensor) -> (masked: Tensor, sums: Tensor) { base.reluGradient(dy, y: y) }

  func spatialMeans(_ x: Tensor) -> Tensor { base.spatialMeans(x) }
  func spatialMeansGradient(_ dy: Tensor, shape: Shape) -> Tensor { base.spatialMeansGradient(dy, shape: shape) }

  func rowsAndColumnsSwapped(_ x: Tensor) -> Tensor { base.rowsAndColumnsSwapped(x) }
  func relu(_ x: Tensor) -> Tensor { base.relu(x) }
  func sigmoid(_ x: Tensor) -> Tensor { base.sigmoid(x) }
  func combination(_ a: Tensor, _ alpha: Float, _ b: Tensor, _ beta: Float) -> Tensor {
    base.combination(a, alpha, b, beta)
  }
  func scaled(_ x: Tensor, by scale: Float) -> Tensor { base.scaled(x, by: scale) }
  func product(_ a: Tensor, _ b: Tensor) -> Tensor { base.product(a, b) }
  func floats(from bytes: Tensor, dividedBy divisor: Float) -> Tensor { base.floats(from: bytes, dividedBy: divisor) }
  func dropout(_ x: Tensor, rate: Double, stream: RandomStream) -> Tensor {
    base.dropout(x, rate: rate, stream: stream)
  }
  func softmax(_ x: Tensor) -> Tensor { base.softmax(x) }
  func sigmoidCrossEntropy(
    _ logits: Tensor, targets: Tensor, weighting: BinaryWeighting
  ) -> (sum: Double, slopes: Tensor) {
    base.sigmoidCrossEntropy(logits, targets: targets, weighting: weighting)
  }
  func softmaxCrossEntropy(
    _ logits: Tensor, targets: Tensor, labelSmoothing: Float
  ) -> (sum: Double, slopes: Tensor) {
    base.softmaxCrossEntropy(logits, targets: targets, labelSmoothing: labelSmoothing)
  }
  func ctc(_ logits: Tensor, labels: Tensor, blank: Int) -> (losses: [Double], slopes: Tensor) {
    base.ctc(logits, labels: labels, blank: blank)
  }
  func sum(_ x: Tensor) -> Double { base.sum(x) }
  func sumOfSquares(_ x: Tensor) -> Double { base.sumOfSquares(x) }
}
