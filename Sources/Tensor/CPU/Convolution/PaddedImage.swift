import CKernels

/// How one image is laid out with zeros around it (and between its pixels, for the gradient of a strided convolution), so
/// that the kernels need no cases at the edges.
struct PaddedImage: Sendable {
  /// The convolution of the padded image.
  let kernelGeometry: ckernels_convolution
  let height, width, channels: Int
  let paddedHeight: Int
  let top, left: Int
  /// Distance between neighbouring pixels of the image in the padded one.
  let spacing: Int

  var imageSize: Int { height * width * channels }
  private var rowSize: Int { kernelGeometry.input_row_stride }

  init(_ geometry: ConvolutionGeometry, _ precision: ArithmeticPrecision = .float32) {
    self.init(
      height: geometry.height, width: geometry.width, channels: geometry.inputChannels, top: geometry.top,
      left: geometry.left, spacing: 1, stride: geometry.stride, kernelHeight: geometry.kernelHeight,
      kernelWidth: geometry.kernelWidth, outputHeight: geometry.outputHeight, outputWidth: geometry.outputWidth,
      outputChannels: geometry.outputChannels, precision: precision)
  }

  init(inputGradientOf geometry: ConvolutionGeometry, _ precision: ArithmeticPrecision = .float32) {
    self.init(
      height: geometry.outputHeight, width: geometry.outputWidth, channels: geometry.outputChannels,
      top: geometry.kernelHeight - 1 - geometry.top, left: geometry.kernelWidth - 1 - geometry.left,
      spacing: geometry.stride, stride: 1, kernelHeight: geometry.kernelHeight, kernelWidth: geometry.kernelWidth,
      outputHeight: geometry.height, outputWidth: geometry.width, outputChannels: geometry.inputChannels,
      precision: precision)
  }

  private init(
    height: Int, width: Int, channels: Int, top: Int, left: Int, spacing: Int, stride: Int, kernelHeight: Int,
    kernelWidth: Int, outputHeight: Int, outputWidth: Int, outputChannels: Int, precision: ArithmeticPrecision
  ) {
    (self.height, self.width, self.channels) = (height, width, channels)
    (self.top, self.left, self.spacing) = (top, left, spacing)
    // What the windows reach, and at least all of the image, so that it can be copied without cases.
    paddedHeight = max((outputHeight - 1) * stride + kernelHeight, top + (height - 1) * spacing + 1)
    let paddedWidth = max((outputWidth - 1) * stride + kernelWidth, left + (width - 1) * spacing + 1)
    kernelGeometry = ckernels_convolution(
      output_height: outputHeight, output_width: outputWidth, kernel_height: kernelHeight, kernel_width: kernelWidth,
      stride: stride, input_channels: channels, output_channels: outputChannels,
      input_row_stride: paddedWidth * channels, bfloat16: precision == .bfloat16 ? 1 : 0)
  }

  /// Memory for one padded image, all zeros, and its words of bfloat16 where the kernels read these, which they do for up to a
  /// row and 32 words behind the last.
  func zeroed() -> Tensor {
    Tensor(zeros: [kernelGeometry.bfloat16 == 0 ? paddedHeight * rowSize : (2 * paddedHeight + 1) * rowSize + 32])
  }

  /// Copies what the windows of the output rows reach; the zeros around stay.
  ///
  /// - Parameter distance: between the numbers of a pair of bfloat16; nil in the form of convolutions.
  /// - Returns: where the kernels find the padded image.
  func fill(
    _ padded: UnsafeMutablePointer<Float>, from image: UnsafePointer<Float>, rows: Range<Int>, distance: Int?,
    _ kernels: UnsafePointerToKernels
  ) -> UnsafePointer<Float> {
    let reachedTop = rows.lowerBound * kernelGeometry.stride
    let reachedBottom = (rows.upperBound - 1) * kernelGeometry.stride + kernelGeometry.kernel_height
    for row in 0..<height {
      let paddedRow = top + row * spacing
      guard paddedRow >= reachedTop, paddedRow < reachedBottom else { continue }
      let to = padded + paddedRow * rowSize + left * channels
      let from = image + row * width * channels
      if spacing == 1 {
        to.update(from: from, count: width * channels)
      } else {
        for column in 0..<width {
          (to + column * spacing * channels).update(from: from + column * channels, count: channels)
        }
      }
    }
    guard kernelGeometry.bfloat16 != 0 else { return UnsafePointer(padded) }
    let (first, pairs) = (reachedTop * rowSize, padded + paddedHeight * rowSize)
    let reached = reachedBottom - reachedTop
    if let distance {
      kernels.bfloat16_pairs(padded + first, reached * rowSize, distance, pairs + first)
    } else {
      kernels.convolution_words(padded + first, reached, rowSize, pairs + first)
    }
    return UnsafePointer(pairs)
  }
}
