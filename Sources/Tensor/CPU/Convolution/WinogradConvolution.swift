import CKernels

/// The sizes of a 3×3 convolution with stride 1 for Winograd's algorithm.
struct WinogradGeometry: Sendable {
  var kernelGeometry: ckernels_winograd

  init(_ geometry: ConvolutionGeometry, _ precision: ArithmeticPrecision = .float32) {
    kernelGeometry = ckernels_winograd(
      height: geometry.height, width: geometry.width, output_height: geometry.outputHeight,
      output_width: geometry.outputWidth, top: geometry.top, left: geometry.left,
      input_channels: geometry.inputChannels, output_channels: geometry.outputChannels,
      bfloat16: precision == .bfloat16 ? 1 : 0)
  }

  init(inputGradientOf geometry: ConvolutionGeometry, _ precision: ArithmeticPrecision = .float32) {
    kernelGeometry = ckernels_winograd(
      height: geometry.outputHeight, width: geometry.outputWidth, output_height: geometry.height,
      output_width: geometry.width, top: 2 - geometry.top, left: 2 - geometry.left,
      input_channels: geometry.outputChannels, output_channels: geometry.inputChannels,
      bfloat16: precision == .bfloat16 ? 1 : 0)
  }

  /// Tiles of 4×4 outputs along a row.
  var tilesAcross: Int { (kernelGeometry.output_width + 3) / 4 }
}

/// A 3×3 convolution with stride 1 by Winograd's algorithm; see `winograd.h`.
struct WinogradConvolution: ImageConvolution {
  private let geometry: WinogradGeometry
  private let weights: Tensor
  private let bias: Tensor
  private let relu: Bool
  private let kernels: UnsafePointerToKernels
  private let tiles: Int
  private let scratchSize: Int

  init(_ geometry: WinogradGeometry, kernel: Tensor, bias: Tensor?, relu: Bool, kernels: UnsafePointerToKernels) {
    self.geometry = geometry
    self.relu = relu
    self.kernels = kernels
    var sizes = geometry.kernelGeometry
    tiles = kernels.winograd_tiles(&sizes)
    scratchSize = kernels.winograd_convolution_scratch(&sizes)
    let form = "Winograd, \(String(cString: kernels.name))" + (sizes.bfloat16 == 0 ? "" : ", bfloat16")
    weights = kernel.derived(form) {
      let result = Tensor(uninitialized: [kernels.winograd_weight_count(&sizes)])
      let inputs = sizes.input_channels
      // Channels two by two, as bfloat16 takes them.
      Threads.forEachPart(of: (inputs + 1) / 2, minimum: 4) { pairs, _ in
        var sizes = geometry.kernelGeometry
        kernels.winograd_weights(
          &sizes, kernel.floats, 2 * pairs.lowerBound, min(inputs, 2 * pairs.upperBound), result.floats)
      }
      return result
    }
    self.bias = kernels.paddedBias(bias, channels: sizes.output_channels)
  }

  // Small images fill the registers and use each weight often enough only together. In bfloat16 the weights have only half
  // the time to come from the third-level cache.
  var imagesTogether: Int { max(1, (geometry.kernelGeometry.bfloat16 == 0 ? 48 : 96) / tiles) }
  var rowUnit: Int { 4 }
  func scratch() -> Tensor { Tensor(uninitialized: [scratchSize]) }

  func compute(_ x: NumberPointer, images: Int, rows: Range<Int>, scratch: Tensor, into y: NumberPointer) {
    var sizes = geometry.kernelGeometry
    let whole = rows == 0..<sizes.output_height
    precondition(whole || images == 1, "WinogradConvolution: rows \(rows) of \(images) images")
    let first = whole ? 0 : rows.lowerBound / 4 * geometry.tilesAcross
    let last = whole ? images * tiles : (rows.upperBound + 3) / 4 * geometry.tilesAcross
    kernels.winograd_convolution(
      &sizes, x.floats, weights.floats, bias.floats, relu ? 1 : 0, first, last, scratch.floats, y.floats)
  }
}

/// The kernel's gradient by Winograd's algorithm.
struct WinogradKernelGradient: KernelGradientSum {
  private let geometry: WinogradGeometry
  private let shape: Shape
  private let kernels: UnsafePointerToKernels
  private let tiles: Int
  private let scratchSize: Int
  let sumCount: Int
  let imagesTogether: Int

  init(
    _ geometry: ConvolutionGeometry, _ precision: ArithmeticPrecision = .float32, kernels: UnsafePointerToKernels
  ) {
    self.geometry = WinogradGeometry(geometry, precision)
    shape = geometry.kernelShape
    self.kernels = kernels
    var sizes = self.geometry.kernelGeometry
    tiles = kernels.winograd_tiles(&sizes)
    scratchSize = kernels.winograd_gradient_scratch(&sizes)
    imagesTogether = max(1, kernels.winograd_gradient_tiles(&sizes) / tiles)
    sumCount = kernels.winograd_gradient_count(&sizes)
  }

  func scratch() -> Tensor { Tensor(uninitialized: [scratchSize]) }

  func add(
    _ x: NumberPointer, dy: NumberPointer, images: Int, isFirst: Bool, scratch: Tensor,
    to sum: UnsafeMutablePointer<Float>
  ) {
    var sizes = geometry.kernelGeometry
    kernels.winograd_weight_gradient(
      &sizes, x.floats, dy.floats, 0, images * tiles, isFirst ? 0 : 1, scratch.floats, sum)
  }

  func gradient(from sums: Tensor) -> Tensor {
    let gradient = Tensor(uninitialized: shape)
    Threads.forEachPart(of: shape[2], minimum: 8) { channels, _ in
      var sizes = geometry.kernelGeometry
      kernels.winograd_kernel_gradient(
        &sizes, sums.floats, sums.shape[0], sumCount, channels.lowerBound, channels.upperBound, gradient.floats)
    }
    return gradient
  }
}
