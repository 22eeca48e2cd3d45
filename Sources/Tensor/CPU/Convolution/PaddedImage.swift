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
    let reachedWidth = max((outputWidth - 1) * stride + kernelWidth, left + (width - 1) * spacing + 1)
    // Pairs of pixels then begin at the same places in all rows.
    let paddedWidth = precision == .bfloat16 ? (reachedWidth + 1) / 2 * 2 : reachedWidth
    kernelGeometry = ckernels_convolution(
      output_height: outputHeight, output_width: outputWidth, kernel_height: kernelHeight, kernel_width: kernelWidth,
      stride: stride, input_channels: channels, output_channels: outputChannels,
      input_row_stride: paddedWidth * channels, bfloat16: precision == .bfloat16 ? 1 : 0, bfloat16_result: 0)
  }

  /// Memory for one padded image, all zeros; with bfloat16 also what the kernels read behind it.
  func zeroed() -> Tensor {
    let behind = kernelGeometry.bfloat16 == 0 ? 0 : 64 * kernelGeometry.stride * channels + 32
    return Tensor(zeros: [paddedHeight * rowSize + behind])
  }

  /// Who reads a padded image: with bfloat16 each kernel takes numbers in a form of its own.
  enum Reader {
    case convolution, kernelGradient
  }

  /// Copies what the windows of the output rows reach; the zeros around stay.
  func fill(
    _ padded: UnsafeMutablePointer<Float>, from image: NumberPointer, rows: Range<Int>, for reader: Reader,
    _ kernels: UnsafePointerToKernels
  ) {
    let reachedTop = rows.lowerBound * kernelGeometry.stride
    let reachedBottom = (rows.upperBound - 1) * kernelGeometry.stride + kernelGeometry.kernel_height
    // Neighbouring pixels are copied at once.
    let (runs, run) = spacing == 1 ? (1, width * channels) : (width, channels)
    let distance = kernelGeometry.stride * channels
    for row in 0..<height {
      let paddedRow = top + row * spacing
      guard paddedRow >= reachedTop, paddedRow < reachedBottom else { continue }
      for index in 0..<runs {
        let from = image + (row * width * channels + index * run)
        let column = (left + index * spacing) * channels
        let place = paddedRow * rowSize + column
        switch reader {
        case _ where kernelGeometry.bfloat16 == 0: (padded + place).update(from: from.floats, count: run)
        case .convolution: kernels.convolution_words(from.address, from.bfloat16, run, place, padded)
        case .kernelGradient:
          let lead = min(column, distance)
          kernels.bfloat16_pairs(from.address, from.bfloat16, run, distance, lead, padded + place - lead)
        }
      }
    }
  }
}
