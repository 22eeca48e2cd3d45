import CKernels

/// Convolution blocks in few passes over memory: each thread takes its images one by one, so that what passes from one
/// step of an image to the next is still in its cache, and only what the whole batch needs goes to memory. With factors of
/// bfloat16 the convolution's result is kept in bfloat16 too, which is half the memory to write and to read again.
///
/// The second pass over a batch takes the images in reverse order: the last ones of the first pass are still in the
/// third-level cache, and the next operation, which begins with the first image, finds that one there.
extension CPUBackend {
  public func convolutionBlock(
    _ x: Tensor, _ weights: ConvolutionBlockWeights, _ block: ConvolutionBlock
  ) -> (y: Tensor, record: ConvolutionBlockRecord) {
    let geometry = block.convolution
    let convolution = plan(geometry, block.precision).forward(
      weights.kernel, bias: weights.bias, relu: block.relu == .beforeNormalization)
    let convolved = KeptNumbers(geometry.outputShape, block.precision)
    let channels = geometry.outputChannels
    let size = convolution.imagesTogether
    let parts = portions(geometry, ofAtLeast: size, perThread: 4)
    var moments = [ColumnMoments](repeating: ColumnMoments(channels: channels), count: parts)
    moments.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let shared = SharedPointer(base)
      Threads.forEachPortion(
        of: geometry.batch, portions: parts,
        // What is rounded on its way to memory is computed in memory of the thread's own.
        scratch: {
          (
            convolution.scratch(),
            convolved.isNarrow ? Tensor(uninitialized: [min(geometry.batch, size), geometry.outputSize]) : nil
          )
        }
      ) { images, part, scratch in
        let (scratch, unrounded) = scratch
        forEachGroup(of: images, size: size) { group in
          let result = convolved.address(of: group.lowerBound * geometry.outputSize)
          let floats = unrounded?.floats ?? result.assumingMemoryBound(to: Float.self)
          convolution.compute(
            x.floats + group.lowerBound * geometry.inputSize, images: group.count, rows: 0..<geometry.outputHeight,
            scratch: scratch, into: floats)
          shared.pointer[part].add(
            floats, rows: group.count * geometry.outputHeight * geometry.outputWidth,
            rounded: convolved.isNarrow ? result : nil, kernels)
        }
      }
    }
    let (mean, variance) = ColumnMoments.combined(moments)
    let pooling = block.poolingOrNone
    let winners = block.pooling == nil ? nil : KeptNumbers(block.outputShape, block.precision)
    let record = ConvolutionBlockRecord(
      convolved: convolved.tensor, winners: winners?.tensor, mean: mean, variance: variance)

    let y = Tensor(uninitialized: block.outputShape)
    let normalization = Normalization(record, weights)
    let pieces = portions(geometry, ofAtLeast: 1, perThread: 8)
    Threads.forEachPortion(of: geometry.batch, portions: pieces) { _, piece in
      let images = Threads.part(pieces - 1 - piece, of: pieces, count: geometry.batch)
      for image in images.reversed() {
        normalizeAndPool(
          convolved.address(of: image * pooling.inputSize), isNarrow: convolved.isNarrow, normalization, block,
          rows: 0..<pooling.outputHeight, into: y.floats + image * pooling.outputSize,
          winners: winners?.address(of: image * pooling.outputSize))
      }
    }
    return (y, record)
  }

  public func convolutionBlock(
    _ x: Tensor, _ weights: ConvolutionBlockWeights, _ block: ConvolutionBlock, mean: Tensor, variance: Tensor
  ) -> Tensor {
    let geometry = block.convolution
    let convolution = plan(geometry, block.precision).forward(
      weights.kernel, bias: weights.bias, relu: block.relu == .beforeNormalization)
    let normalization = Normalization(
      mean: mean.elements().map(Double.init), variance: variance.elements().map(Double.init), gamma: weights.gamma,
      beta: weights.beta, epsilon: weights.epsilon)
    let y = Tensor(uninitialized: block.outputShape)
    let pooling = block.poolingOrNone
    if geometry.batch < Threads.count {
      // Few images: all threads work on each, first on its convolution, then on its pooling.
      let convolved = Tensor(uninitialized: geometry.outputShape)
      forEachBand(batch: geometry.batch, rows: geometry.outputHeight, unit: convolution.rowUnit) { images, rows in
        convolution.compute(
          x.floats + images.lowerBound * geometry.inputSize, images: images.count, rows: rows,
          scratch: convolution.scratch(), into: convolved.floats + images.lowerBound * geometry.outputSize)
      }
      forEachBand(batch: geometry.batch, rows: pooling.outputHeight, unit: 1) { images, rows in
        for image in images {
          normalizeAndPool(
            convolved.floats + image * pooling.inputSize, isNarrow: false, normalization, block, rows: rows,
            into: y.floats + image * pooling.outputSize, winners: nil)
        }
      }
      return y
    }
    Threads.forEachPart(of: geometry.batch) { images, _ in
      let scratch = convolution.scratch()
      let size = min(images.count, convolution.imagesTogether)
      let convolved = Tensor(uninitialized: [size, geometry.outputSize])
      forEachGroup(of: images, size: size) { group in
        convolution.compute(
          x.floats + group.lowerBound * geometry.inputSize, images: group.count, rows: 0..<geometry.outputHeight,
          scratch: scratch, into: convolved.floats)
        for (index, image) in group.enumerated() {
          normalizeAndPool(
            convolved.floats + index * pooling.inputSize, isNarrow: false, normalization, block,
            rows: 0..<pooling.outputHeight, into: y.floats + image * pooling.outputSize, winners: nil)
        }
      }
    }
    return y
  }

  public func convolutionBlockGradient(
    _ dy: Tensor, x: Tensor, _ weights: ConvolutionBlockWeights, _ block: ConvolutionBlock,
    _ record: ConvolutionBlockRecord, needsX: Bool, needsKernel: Bool
  ) -> ConvolutionBlockGradients {
    let (geometry, pooling) = (block.convolution, block.poolingOrNone)
    let channels = geometry.outputChannels
    let convolved = KeptNumbers(record.convolved, geometry.outputShape, block.precision)
    let winners = record.winners.map { KeptNumbers($0, block.outputShape, block.precision) } ?? convolved
    let normalization = Normalization(record, weights)
    let pivot = normalization.pivot
    // Only the pixels that the pooling let through have a gradient, so the sums need only them.
    let (sums, products) = columnReduction(dy.shape) { first, rows, sums, products in
      normalization.withKernelArguments(relu: block.relu, isNarrow: winners.isNarrow) { arguments in
        kernels.normalize_pool_sums(
          arguments, dy.floats + first * channels, winners.address(of: first * channels), rows, channels, pivot, sums,
          products)
      }
    }
    let slopes = normalization.slopes(sums: sums, products: products, count: geometry.outputShape.rows)

    let plan = plan(geometry, block.precision)
    let kernelSum = needsKernel ? plan.kernelGradient() : nil
    let inputGradient = needsX ? plan.inputGradient(weights.kernel) : nil
    let dx = needsX ? Tensor(uninitialized: geometry.inputShape) : nil
    let size = max(inputGradient?.imagesTogether ?? 1, kernelSum?.imagesTogether ?? 1)
    // Sums at Winograd's points are so large that more of them cost more than they save.
    let parts = portions(geometry, ofAtLeast: size, perThread: plan.algorithm == .direct ? 2 : 1)
    let kernelSums = kernelSum.map { Tensor(uninitialized: [parts, $0.sumCount]) }
    var biasSums = [Double](repeating: 0, count: parts * channels)
    biasSums.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let shared = SharedPointer(base)
      Threads.forEachPortion(
        of: geometry.batch, portions: parts,
        scratch: {
          (
            gradients: Tensor(uninitialized: [min(geometry.batch, size), geometry.outputSize]),
            kernel: kernelSum?.scratch(),
            input: inputGradient?.scratch()
          )
        }
      ) { images, part, scratch in
        let (gradients, kernelScratch, inputScratch) = scratch
        var poolingArguments = pooling.kernelGeometry
        normalization.withKernelArguments(
          a: normalization.scale, b: slopes.b, c: slopes.c, relu: block.relu, isNarrow: convolved.isNarrow
        ) { arguments in
          var isFirst = true
          forEachGroup(of: images, size: size, reversed: true) { group in
            for (index, image) in group.enumerated() {
              kernels.normalize_pool_gradient(
                &poolingArguments, arguments, dy.floats + image * pooling.outputSize,
                convolved.address(of: image * pooling.inputSize), winners.address(of: image * pooling.outputSize),
                gradients.floats + index * geometry.outputSize, shared.pointer + part * channels)
            }
            if let kernelSum, let kernelSums, let kernelScratch {
              kernelSum.add(
                x.floats + group.lowerBound * geometry.inputSize, dy: gradients.floats, images: group.count,
                isFirst: isFirst,
                scratch: kernelScratch, to: kernelSums.floats + part * kernelSum.sumCount)
            }
            isFirst = false
            if let inputGradient, let inputScratch, let dx {
              inputGradient.compute(
                gradients.floats, images: group.count, rows: 0..<geometry.height, scratch: inputScratch,
                into: dx.floats + group.lowerBound * geometry.inputSize)
            }
          }
        }
      }
    }
    let bias = (0..<channels).map { channel in
      Float((0..<parts).reduce(0.0) { $0 + biasSums[$1 * channels + channel] })
    }
    return ConvolutionBlockGradients(
      x: dx, kernel: kernelSums.flatMap { kernelSum?.gradient(from: $0) },
      bias: Tensor(bias, shape: [channels]), gamma: normalization.gammaGradient(products: products),
      beta: Tensor(sums.map(Float.init), shape: [channels]))
  }

  /// How many portions of images to cut a batch into: at least one for each thread, and more where they stay large enough.
  private func portions(_ geometry: ConvolutionGeometry, ofAtLeast images: Int, perThread: Int) -> Int {
    max(
      Threads.partCount(of: geometry.batch, minimum: 1),
      Threads.portionCount(of: geometry.batch, minimum: max(4, images), perThread: perThread))
  }

  /// The output rows `rows` of one image.
  private func normalizeAndPool(
    _ convolved: UnsafeRawPointer, isNarrow: Bool, _ normalization: Normalization, _ block: ConvolutionBlock,
    rows: Range<Int>, into y: UnsafeMutablePointer<Float>, winners: UnsafeMutableRawPointer?
  ) {
    var geometry = block.poolingOrNone.kernelGeometry
    normalization.withKernelArguments(relu: block.relu, isNarrow: isNarrow) { arguments in
      kernels.normalize_pool(&geometry, arguments, convolved, rows.lowerBound, rows.upperBound, y, winners)
    }
  }

  /// Calls `body` with `images` in runs of at most `size`.
  private func forEachGroup(of images: Range<Int>, size: Int, reversed: Bool = false, _ body: (Range<Int>) -> Void) {
    let size = max(1, size)
    let groups = (images.count + size - 1) / size
    for index in 0..<groups {
      let first = images.lowerBound + (reversed ? groups - 1 - index : index) * size
      body(first..<min(images.upperBound, first + size))
    }
  }
}

/// Numbers that a block keeps for its gradient: floats, or bfloat16 where its factors are rounded to these.
private struct KeptNumbers {
  /// The floats, or two bfloat16 in the place of each.
  let tensor: Tensor
  let isNarrow: Bool

  /// Memory for new ones.
  init(_ shape: Shape, _ precision: ArithmeticPrecision) {
    self.init(Tensor(uninitialized: Self.shape(shape, precision)), shape, precision)
  }

  /// Those that have been kept for numbers of `shape`.
  init(_ tensor: Tensor, _ shape: Shape, _ precision: ArithmeticPrecision) {
    precondition(
      tensor.shape == Self.shape(shape, precision),
      "convolutionBlockGradient: a record \(tensor.shape) of \(shape) in \(precision) is not of this backend")
    self.tensor = tensor
    isNarrow = precision == .bfloat16
  }

  private static func shape(_ shape: Shape, _ precision: ArithmeticPrecision) -> Shape {
    precision == .bfloat16 ? [(shape.count + 1) / 2] : shape
  }

  func address(of index: Int) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(tensor.floats) + index * (isNarrow ? 2 : 4)
  }
}

extension ConvolutionBlock {
  /// The pooling, or one of single pixels, which changes nothing.
  fileprivate var poolingOrNone: PoolingGeometry {
    pooling ?? PoolingGeometry(x: convolution.outputShape, window: 1, stride: 1, padding: .valid)
  }
}

extension Normalization {
  /// Calls `body` with this normalisation as the kernels take it. Empty arrays stand for what the kernel does not read.
  fileprivate func withKernelArguments(
    a: [Float] = [], b: [Float] = [], c: [Float] = [], relu: ConvolutionBlock.ReLUPlace, isNarrow: Bool,
    _ body: (UnsafePointer<ckernels_normalization>) -> Void
  ) {
    scale.withUnsafeBufferPointer { scale in
      shift.withUnsafeBufferPointer { shift in
        a.withUnsafeBufferPointer { a in
          b.withUnsafeBufferPointer { b in
            c.withUnsafeBufferPointer { c in
              var arguments = ckernels_normalization(
                scale: scale.baseAddress, shift: shift.baseAddress, a: a.baseAddress, b: b.baseAddress,
                c: c.baseAddress, relu_before: relu == .beforeNormalization ? 1 : 0,
                relu_after: relu == .afterNormalization ? 1 : 0, bfloat16: isNarrow ? 1 : 0)
              body(&arguments)
            }
          }
        }
      }
    }
  }
}
