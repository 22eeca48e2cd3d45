/// Convolutions by themselves; with what follows them see `CPUConvolutionBlock`.
extension CPUBackend {
  public func convolution(
    _ x: Tensor, kernel: Tensor, bias: Tensor?, geometry: ConvolutionGeometry, relu: Bool,
    precision: ArithmeticPrecision = .float32
  ) -> Tensor {
    compute(plan(geometry, precision).forward(kernel, bias: bias, relu: relu), x, into: geometry.outputShape)
  }

  public func convolutionInputGradient(
    _ dy: Tensor, kernel: Tensor, geometry: ConvolutionGeometry, precision: ArithmeticPrecision = .float32
  ) -> Tensor {
    compute(plan(geometry, precision).inputGradient(kernel), dy, into: geometry.inputShape)
  }

  public func convolutionKernelGradient(
    _ x: Tensor, dy: Tensor, geometry: ConvolutionGeometry, precision: ArithmeticPrecision = .float32
  ) -> Tensor {
    if geometry.batch == 0 { return Tensor(zeros: geometry.kernelShape) }
    let sum = plan(geometry, precision).kernelGradient()
    // One sum per thread over its own images.
    let parts = min(Threads.count, geometry.batch)
    let sums = Tensor(uninitialized: [parts, sum.sumCount])
    Threads.forEachPart(of: parts) { range, _ in
      let scratch = sum.scratch()
      for part in range {
        let images = Threads.part(part, of: parts, count: geometry.batch)
        sum.add(
          NumberPointer(x) + images.lowerBound * geometry.inputSize,
          dy: NumberPointer(dy) + images.lowerBound * geometry.outputSize,
          images: images.count, isFirst: true, scratch: scratch, to: sums.floats + part * sum.sumCount)
      }
    }
    return sum.gradient(from: sums)
  }

  func plan(_ geometry: ConvolutionGeometry, _ precision: ArithmeticPrecision = .float32) -> ConvolutionPlan {
    ConvolutionPlan(geometry, precision: precision, kernels: kernels, allowsWinograd: allowsWinograd)
  }

  /// All images, divided among the threads.
  private func compute(_ convolution: any ImageConvolution, _ x: Tensor, into shape: Shape) -> Tensor {
    let y = Tensor(uninitialized: shape)
    let (batch, inputSize, outputSize) = (shape[0], x.shape.count / max(1, shape[0]), shape.count / max(1, shape[0]))
    forEachBand(batch: batch, rows: shape[1], unit: convolution.rowUnit) { images, rows in
      convolution.compute(
        NumberPointer(x) + images.lowerBound * inputSize, images: images.count, rows: rows,
        scratch: convolution.scratch(),
        into: NumberPointer(y) + images.lowerBound * outputSize)
    }
    return y
  }

  /// Divides images among the threads, or the rows of each where there are fewer images than threads.
  ///
  /// - Parameter unit: images are cut at multiples of so many rows.
  func forEachBand(
    batch: Int, rows: Int, unit: Int, _ body: @Sendable (_ images: Range<Int>, _ rows: Range<Int>) -> Void
  ) {
    let threads = Threads.count
    if batch >= threads || batch == 0 {
      Threads.forEachPart(of: batch) { images, _ in body(images, 0..<rows) }
      return
    }
    let units = (rows + unit - 1) / unit
    let bands = min(units, (threads + batch - 1) / batch)
    Threads.forEachPart(of: batch * bands) { items, _ in
      for item in items {
        let band = Threads.part(item % bands, of: bands, count: units)
        let image = item / bands
        body(image..<image + 1, band.lowerBound * unit..<min(rows, band.upperBound * unit))
      }
    }
  }
}

extension ConvolutionGeometry {
  /// Elements of one image before and after.
  var inputSize: Int { height * width * inputChannels }
  var outputSize: Int { outputHeight * outputWidth * outputChannels }
}
