import CKernels

extension CPUBackend {
  public func convolution(
    _ x: Tensor, kernel: Tensor, bias: Tensor?, geometry: ConvolutionGeometry, relu: Bool
  ) -> Tensor {
    let padded = PaddedImage(geometry)
    let weights = packed(kernel, for: padded.kernelGeometry)
    return convolve(x, padded, weights: weights, bias: bias, relu: relu, output: geometry.outputShape)
  }

  public func convolutionInputGradient(_ dy: Tensor, kernel: Tensor, geometry: ConvolutionGeometry) -> Tensor {
    // The input's gradient is a convolution of the output's gradient, spread out by the stride, with the kernel turned by
    // 180° and its channels swapped.
    let padded = PaddedImage(inputGradientOf: geometry)
    let weights = packed(turned(kernel, geometry), for: padded.kernelGeometry)
    return convolve(dy, padded, weights: weights, bias: nil, relu: false, output: geometry.inputShape)
  }

  public func convolutionKernelGradient(_ x: Tensor, dy: Tensor, geometry: ConvolutionGeometry) -> Tensor {
    let padded = PaddedImage(geometry)
    var kernelGeometry = padded.kernelGeometry
    let count = ckernels_packed_count(kernels.pointer, &kernelGeometry)
    // One sum per thread over its own images, added up in the order of the threads.
    let parts = max(1, min(Threads.count, geometry.batch))
    let sums = Tensor(zeros: [parts, count])
    let outputSize = geometry.outputHeight * geometry.outputWidth * geometry.outputChannels
    Threads.forEachPart(of: parts) { range, _ in
      let scratch = padded.zeroed()
      for part in range {
        for image in Threads.part(part, of: parts, count: geometry.batch) {
          padded.fill(scratch.floats, from: x.floats + image * padded.imageSize, rows: 0..<geometry.outputHeight)
          withUnsafePointer(to: padded.kernelGeometry) {
            kernels.convolution_weight_gradient(
              $0, scratch.floats, dy.floats + image * outputSize, sums.floats + part * count)
          }
        }
      }
    }
    for part in 1..<max(parts, 1) {
      let other = sums.floats + part * count
      for index in 0..<count { sums.floats[index] += other[index] }
    }
    let gradient = Tensor(uninitialized: geometry.kernelShape)
    ckernels_unpack_weights(kernels.pointer, &kernelGeometry, sums.floats, gradient.floats)
    return gradient
  }

  private func convolve(
    _ x: Tensor, _ padded: PaddedImage, weights: Tensor, bias: Tensor?, relu: Bool, output: Shape
  ) -> Tensor {
    let y = Tensor(uninitialized: output)
    let (batch, height, rowSize) = (output[0], output[1], output[2] * output[3])
    let block = kernels.channel_block
    let paddedBias = Tensor(zeros: [(output[3] + block - 1) / block * block])
    if let bias { paddedBias.floats.update(from: bias.floats, count: output[3]) }
    // Work is divided by image; where there are fewer images than threads, also by bands of rows.
    let threads = Threads.count
    let bands = batch >= threads || batch == 0 ? 1 : min(height, (threads + batch - 1) / batch)
    Threads.forEachPart(of: batch * bands) { items, _ in
      let scratch = padded.zeroed()
      for item in items {
        let rows = Threads.part(item % bands, of: bands, count: height)
        let image = item / bands
        padded.fill(scratch.floats, from: x.floats + image * padded.imageSize, rows: rows)
        var geometry = padded.kernelGeometry
        geometry.output_height = rows.count
        kernels.convolution(
          &geometry, scratch.floats + rows.lowerBound * geometry.stride * geometry.input_row_stride, weights.floats,
          paddedBias.floats, relu ? 1 : 0, y.floats + (image * height + rows.lowerBound) * rowSize)
      }
    }
    return y
  }

  private func packed(_ kernel: Tensor, for geometry: ckernels_convolution) -> Tensor {
    var geometry = geometry
    let result = Tensor(uninitialized: [ckernels_packed_count(kernels.pointer, &geometry)])
    ckernels_pack_weights(kernels.pointer, &geometry, kernel.floats, result.floats)
    return result
  }

  /// The kernel turned by 180°, input and output channels swapped.
  private func turned(_ kernel: Tensor, _ geometry: ConvolutionGeometry) -> Tensor {
    let (height, width) = (geometry.kernelHeight, geometry.kernelWidth)
    let (inputs, outputs) = (geometry.inputChannels, geometry.outputChannels)
    let result = Tensor(uninitialized: [height, width, outputs, inputs])
    for row in 0..<height {
      for column in 0..<width {
        let from = kernel.floats + (row * width + column) * inputs * outputs
        let to = result.floats + ((height - 1 - row) * width + width - 1 - column) * inputs * outputs
        for output in 0..<outputs {
          for input in 0..<inputs { to[output * inputs + input] = from[input * outputs + output] }
        }
      }
    }
    return result
  }
}

/// How one image is laid out with zeros around it (and between its pixels, for the gradient of a strided convolution), so
/// that the kernels need no cases at the edges.
private struct PaddedImage {
  /// The convolution of the padded image.
  let kernelGeometry: ckernels_convolution
  let height, width, channels: Int
  let paddedHeight: Int
  let top, left: Int
  /// Distance between neighbouring pixels of the image in the padded one.
  let spacing: Int

  var imageSize: Int { height * width * channels }
  private var rowSize: Int { kernelGeometry.input_row_stride }

  init(_ geometry: ConvolutionGeometry) {
    self.init(
      height: geometry.height, width: geometry.width, channels: geometry.inputChannels, top: geometry.top,
      left: geometry.left, spacing: 1, stride: geometry.stride, kernelHeight: geometry.kernelHeight,
      kernelWidth: geometry.kernelWidth, outputHeight: geometry.outputHeight, outputWidth: geometry.outputWidth,
      outputChannels: geometry.outputChannels)
  }

  init(inputGradientOf geometry: ConvolutionGeometry) {
    self.init(
      height: geometry.outputHeight, width: geometry.outputWidth, channels: geometry.outputChannels,
      top: geometry.kernelHeight - 1 - geometry.top, left: geometry.kernelWidth - 1 - geometry.left,
      spacing: geometry.stride, stride: 1, kernelHeight: geometry.kernelHeight, kernelWidth: geometry.kernelWidth,
      outputHeight: geometry.height, outputWidth: geometry.width, outputChannels: geometry.inputChannels)
  }

  private init(
    height: Int, width: Int, channels: Int, top: Int, left: Int, spacing: Int, stride: Int, kernelHeight: Int,
    kernelWidth: Int, outputHeight: Int, outputWidth: Int, outputChannels: Int
  ) {
    (self.height, self.width, self.channels) = (height, width, channels)
    (self.top, self.left, self.spacing) = (top, left, spacing)
    // What the windows reach, and at least all of the image, so that it can be copied without cases.
    paddedHeight = max((outputHeight - 1) * stride + kernelHeight, top + (height - 1) * spacing + 1)
    let paddedWidth = max((outputWidth - 1) * stride + kernelWidth, left + (width - 1) * spacing + 1)
    kernelGeometry = ckernels_convolution(
      output_height: outputHeight, output_width: outputWidth, kernel_height: kernelHeight, kernel_width: kernelWidth,
      stride: stride, input_channels: channels, output_channels: outputChannels,
      input_row_stride: paddedWidth * channels)
  }

  /// Memory for one padded image, all zeros.
  func zeroed() -> Tensor { Tensor(zeros: [paddedHeight, rowSize]) }

  /// Copies what the windows of the output rows reach; the zeros around stay.
  func fill(_ padded: UnsafeMutablePointer<Float>, from image: UnsafeMutablePointer<Float>, rows: Range<Int>) {
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
  }
}
