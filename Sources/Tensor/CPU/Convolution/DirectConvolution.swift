import CKernels

/// A convolution window by window, over a copy of the image with zeros around it.
struct DirectConvolution: ImageConvolution {
  private let padded: PaddedImage
  private let weights: Tensor
  private let bias: Tensor
  private let relu: Bool
  private let kernels: UnsafePointerToKernels

  init(_ padded: PaddedImage, kernel: Tensor, bias: Tensor?, relu: Bool, kernels: UnsafePointerToKernels) {
    self.padded = padded
    self.relu = relu
    self.kernels = kernels
    let isNarrow = padded.kernelGeometry.bfloat16 != 0
    weights = kernel.derived("direct, \(String(cString: kernels.name))" + (isNarrow ? ", bfloat16" : "")) {
      var geometry = padded.kernelGeometry
      let result = Tensor(uninitialized: [ckernels_packed_count(kernels.pointer, &geometry)])
      if isNarrow {
        kernels.bfloat16_weights(&geometry, kernel.floats, result.floats)
      } else {
        ckernels_pack_weights(kernels.pointer, &geometry, kernel.floats, result.floats)
      }
      return result
    }
    self.bias = kernels.paddedBias(bias, channels: padded.kernelGeometry.output_channels)
  }

  var imagesTogether: Int { 1 }
  var rowUnit: Int { 1 }
  func scratch() -> Tensor { padded.zeroed() }

  func compute(_ x: NumberPointer, images: Int, rows: Range<Int>, scratch: Tensor, into y: NumberPointer) {
    var geometry = padded.kernelGeometry
    geometry.bfloat16_result = y.bfloat16
    let outputSize = geometry.output_height * geometry.output_width * geometry.output_channels
    for image in 0..<images {
      padded.fill(scratch.floats, from: x + image * padded.imageSize, rows: rows, for: .convolution, kernels)
      kernels.convolution(
        &geometry, scratch.floats, weights.floats, bias.floats, relu ? 1 : 0, rows.lowerBound, rows.upperBound,
        (y + image * outputSize).address)
    }
  }
}

/// The kernel's gradient window by window.
struct DirectKernelGradient: KernelGradientSum {
  private let padded: PaddedImage
  private let shape: Shape
  private let kernels: UnsafePointerToKernels
  let sumCount: Int

  init(
    _ geometry: ConvolutionGeometry, _ precision: ArithmeticPrecision = .float32, kernels: UnsafePointerToKernels
  ) {
    padded = PaddedImage(geometry, precision)
    shape = geometry.kernelShape
    self.kernels = kernels
    var kernelGeometry = padded.kernelGeometry
    // The sums are floats.
    kernelGeometry.bfloat16 = 0
    sumCount = ckernels_packed_count(kernels.pointer, &kernelGeometry)
  }

  var imagesTogether: Int { 1 }
  func scratch() -> Tensor { padded.zeroed() }

  func add(
    _ x: NumberPointer, dy: NumberPointer, images: Int, isFirst: Bool, scratch: Tensor,
    to sum: UnsafeMutablePointer<Float>
  ) {
    var geometry = padded.kernelGeometry
    geometry.bfloat16_result = dy.bfloat16
    let outputSize = geometry.output_height * geometry.output_width * geometry.output_channels
    for image in 0..<images {
      padded.fill(
        scratch.floats, from: x + image * padded.imageSize, rows: 0..<geometry.output_height,
        for: .kernelGradient, kernels)
      kernels.convolution_weight_gradient(
        &geometry, scratch.floats, (dy + image * outputSize).address, isFirst && image == 0 ? 0 : 1, sum)
    }
  }

  func gradient(from sums: Tensor) -> Tensor {
    let gradient = Tensor(uninitialized: shape)
    Threads.forEachPart(of: shape[0] * shape[1] * shape[2], minimum: 64) { places, _ in
      var kernelGeometry = padded.kernelGeometry
      ckernels_unpack_gradient(
        kernels.pointer, &kernelGeometry, sums.floats, sums.shape[0], sumCount, places.lowerBound, places.upperBound,
        gradient.floats)
    }
    return gradient
  }
}

extension UnsafePointerToKernels {
  /// A bias, or zeros where there is none, filled up to whole blocks of channels.
  func paddedBias(_ bias: Tensor?, channels: Int) -> Tensor {
    let block = pointer.pointee.channel_block
    let result = Tensor(zeros: [(channels + block - 1) / block * block])
    if let bias { result.floats.update(from: bias.floats, count: channels) }
    return result
  }
}
