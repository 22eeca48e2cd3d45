import CKernels

/// Convolution blocks in few passes over memory: each thread takes its images one by one, so that what passes from one
/// step of an image to the next is still in its cache, and only what the whole batch needs goes to memory. With factors of
/// bfloat16 the convolution's result is kept in bfloat16 too, and so is what blocks in a row pass to each other, which is half
/// the memory to write and to read again.
///
/// The second pass over a batch takes the images in reverse order: the last ones of the first pass are still in the
/// third-level cache, and the next operation, which begins with the first image, finds that one there.
extension CPUBackend {
  public func convolutionBlock(
    _ x: Tensor, _ weights: ConvolutionBlockWeights, _ block: ConvolutionBlock
  ) -> (y: Tensor, record: ConvolutionBlockRecord) {
    let geometry = block.convolution
    let plan = plan(geometry, block.precision)
    let convolution = plan.forward(weights.kernel, bias: weights.bias, relu: block.relu == .beforeNormalization)
    let convolved = Tensor(uninitialized: geometry.outputShape, dtype: block.keptType)
    let channels = geometry.outputChannels
    let size = convolution.imagesTogether
    let together = min(geometry.batch, size)
    let parts = portions(geometry, ofAtLeast: size, perThread: 4)
    var moments = [ColumnMoments](repeating: ColumnMoments(channels: channels), count: parts)
    moments.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let shared = SharedPointer(base)
      Threads.forEachPortion(
        of: geometry.batch, portions: parts,
        scratch: {
          (
            convolution: convolution.scratch(),
            x: ConvertedImages(x, count: together, geometry.inputSize, plan),
            y: ConvertedImages(convolved, count: together, geometry.outputSize, plan)
          )
        }
      ) { images, part, scratch in
        forEachGroup(of: images, size: size) { group in
          let result = scratch.y.place(of: group)
          convolution.compute(
            scratch.x.read(group), images: group.count, rows: 0..<geometry.outputHeight, scratch: scratch.convolution,
            into: result)
          shared.pointer[part].add(
            result, rows: group.count * geometry.outputHeight * geometry.outputWidth,
            rounded: scratch.y.isConverted ? scratch.y.target(of: group) : nil, kernels)
        }
      }
    }
    let (mean, variance) = ColumnMoments.combined(moments)
    let pooling = block.poolingOrNone
    let winners = block.pooling == nil ? nil : Tensor(uninitialized: block.outputShape, dtype: block.keptType)
    let record = ConvolutionBlockRecord(convolved: convolved, winners: winners, mean: mean, variance: variance)

    let y = Tensor(uninitialized: block.outputShape, dtype: block.result)
    let normalization = Normalization(record, weights)
    let pieces = portions(geometry, ofAtLeast: 1, perThread: 8)
    Threads.forEachPortion(of: geometry.batch, portions: pieces) { _, piece in
      let images = Threads.part(pieces - 1 - piece, of: pieces, count: geometry.batch)
      for image in images.reversed() {
        normalizeAndPool(
          NumberPointer(convolved) + image * pooling.inputSize, normalization, block, rows: 0..<pooling.outputHeight,
          into: NumberPointer(y) + image * pooling.outputSize,
          winners: winners.map { NumberPointer($0) + image * pooling.outputSize })
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
          NumberPointer(x) + images.lowerBound * geometry.inputSize, images: images.count, rows: rows,
          scratch: convolution.scratch(), into: NumberPointer(convolved) + images.lowerBound * geometry.outputSize)
      }
      forEachBand(batch: geometry.batch, rows: pooling.outputHeight, unit: 1) { images, rows in
        for image in images {
          normalizeAndPool(
            NumberPointer(convolved) + image * pooling.inputSize, normalization, block, rows: rows,
            into: NumberPointer(y) + image * pooling.outputSize, winners: nil)
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
          NumberPointer(x) + group.lowerBound * geometry.inputSize, images: group.count,
          rows: 0..<geometry.outputHeight,
          scratch: scratch, into: NumberPointer(convolved))
        for (index, image) in group.enumerated() {
          normalizeAndPool(
            NumberPointer(convolved) + index * pooling.inputSize, normalization, block, rows: 0..<pooling.outputHeight,
            into: NumberPointer(y) + image * pooling.outputSize, winners: nil)
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
    let (convolved, winners) = (record.convolved, record.winners ?? record.convolved)
    precondition(
      dy.shape == block.outputShape && dy.dtype == block.result,
      "convolutionBlockGradient: a gradient \(dy.dtype) \(dy.shape) of a result \(block.result) \(block.outputShape)")
    precondition(
      convolved.shape == geometry.outputShape && winners.shape == block.outputShape
        && convolved.dtype == block.keptType && winners.dtype == block.keptType,
      "convolutionBlockGradient: a record \(convolved.dtype) \(convolved.shape) of \(geometry.outputShape) in "
        + "\(block.precision) is not of this backend")
    let normalization = Normalization(record, weights)
    let pivot = normalization.pivot
    // Only the pixels that the pooling let through have a gradient, so the sums need only them.
    let (sums, products) = columnReduction(dy.shape) { first, rows, sums, products in
      normalization.withKernelArguments(block) { arguments in
        kernels.normalize_pool_sums(
          arguments, (NumberPointer(dy) + first * channels).address,
          (NumberPointer(winners) + first * channels).address, rows,
          channels, pivot, sums, products)
      }
    }
    let slopes = normalization.slopes(sums: sums, products: products, count: geometry.outputShape.rows)

    let plan = plan(geometry, block.precision)
    let kernelSum = needsKernel ? plan.kernelGradient() : nil
    let inputGradient = needsX ? plan.inputGradient(weights.kernel) : nil
    let dx = needsX ? Tensor(uninitialized: geometry.inputShape, dtype: x.dtype) : nil
    let size = max(inputGradient?.imagesTogether ?? 1, kernelSum?.imagesTogether ?? 1)
    let together = min(geometry.batch, size)
    // What several windows add to a pixel is added up in floats.
    let gradientType: DType = plan.takesBFloat16 && pooling.windowsAreApart ? .bfloat16 : .float32
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
            gradients: Tensor(uninitialized: [together, geometry.outputSize], dtype: gradientType),
            x: ConvertedImages(x, count: together, geometry.inputSize, plan),
            dx: dx.map { ConvertedImages($0, count: together, geometry.inputSize, plan) },
            kernel: kernelSum?.scratch(),
            input: inputGradient?.scratch()
          )
        }
      ) { images, part, scratch in
        let gradients = NumberPointer(scratch.gradients)
        var poolingArguments = pooling.kernelGeometry
        normalization.withKernelArguments(
          block, a: normalization.scale, b: slopes.b, c: slopes.c, gradient: gradientType
        ) { arguments in
          var isFirst = true
          forEachGroup(of: images, size: size, reversed: true) { group in
            for (index, image) in group.enumerated() {
              kernels.normalize_pool_gradient(
                &poolingArguments, arguments, (NumberPointer(dy) + image * pooling.outputSize).address,
                (NumberPointer(convolved) + image * pooling.inputSize).address,
                (NumberPointer(winners) + image * pooling.outputSize).address,
                (gradients + index * geometry.outputSize).address, shared.pointer + part * channels)
            }
            if let kernelSum, let kernelSums, let kernelScratch = scratch.kernel {
              kernelSum.add(
                scratch.x.read(group), dy: gradients, images: group.count, isFirst: isFirst, scratch: kernelScratch,
                to: kernelSums.floats + part * kernelSum.sumCount)
            }
            isFirst = false
            if let inputGradient, let inputScratch = scratch.input, let dx = scratch.dx {
              inputGradient.compute(
                gradients, images: group.count, rows: 0..<geometry.height, scratch: inputScratch,
                into: dx.place(of: group))
              dx.write(group)
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
    _ convolved: NumberPointer, _ normalization: Normalization, _ block: ConvolutionBlock, rows: Range<Int>,
    into y: NumberPointer,
    winners: NumberPointer?
  ) {
    var geometry = block.poolingOrNone.kernelGeometry
    normalization.withKernelArguments(block, x: convolved.dtype) { arguments in
      kernels.normalize_pool(
        &geometry, arguments, convolved.address, rows.lowerBound, rows.upperBound, y.address, winners?.address)
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

/// The images of a tensor as a convolution takes them: as they are or, where they are bfloat16 and its plan takes only floats,
/// some of them in memory of the thread's own.
private struct ConvertedImages {
  private let images: Tensor
  private let size: Int
  /// Floats in place of bfloat16.
  private let converted: Tensor?

  /// - Parameters:
  ///   - count: the most images at once.
  ///   - size: elements of an image.
  init(_ images: Tensor, count: Int, _ size: Int, _ plan: ConvolutionPlan) {
    (self.images, self.size) = (images, size)
    let needsFloats = images.dtype == .bfloat16 && !plan.takesBFloat16
    converted = needsFloats ? Tensor(uninitialized: [count, size]) : nil
  }

  var isConverted: Bool { converted != nil }

  /// Where the tensor has these images.
  func target(of group: Range<Int>) -> NumberPointer { NumberPointer(images) + group.lowerBound * size }

  /// Where these images are read and written.
  func place(of group: Range<Int>) -> NumberPointer { converted.map(NumberPointer.init) ?? target(of: group) }

  /// These images, to be read.
  func read(_ group: Range<Int>) -> NumberPointer {
    if let converted { target(of: group).convert(group.count * size, into: NumberPointer(converted)) }
    return place(of: group)
  }

  /// Brings what was written for these images to the tensor.
  func write(_ group: Range<Int>) {
    if let converted { NumberPointer(converted).convert(group.count * size, into: target(of: group)) }
  }
}

extension ConvolutionBlock {
  /// The pooling, or one of single pixels, which changes nothing.
  fileprivate var poolingOrNone: PoolingGeometry {
    pooling ?? PoolingGeometry(x: convolution.outputShape, window: 1, stride: 1, padding: .valid)
  }

  /// The elements of what is kept for the gradient: the convolution's result, and what the pooling let through.
  fileprivate var keptType: DType { precision == .bfloat16 ? .bfloat16 : .float32 }
}

extension Normalization {
  /// Calls `body` with this normalisation as the kernels take it. Empty arrays stand for what the kernel does not read.
  ///
  /// - Parameters:
  ///   - x: the elements of the convolution's result; those that the block keeps where not given.
  ///   - gradient: the elements of its gradient.
  fileprivate func withKernelArguments(
    _ block: ConvolutionBlock, x: DType? = nil, a: [Float] = [], b: [Float] = [], c: [Float] = [],
    gradient: DType = .float32, _ body: (UnsafePointer<ckernels_normalization>) -> Void
  ) {
    scale.withUnsafeBufferPointer { scale in
      shift.withUnsafeBufferPointer { shift in
        a.withUnsafeBufferPointer { a in
          b.withUnsafeBufferPointer { b in
            c.withUnsafeBufferPointer { c in
              var arguments = ckernels_normalization(
                scale: scale.baseAddress, shift: shift.baseAddress, a: a.baseAddress, b: b.baseAddress,
                c: c.baseAddress, relu_before: block.relu == .beforeNormalization ? 1 : 0,
                relu_after: block.relu == .afterNormalization ? 1 : 0,
                bfloat16: (x ?? block.keptType) == .bfloat16 ? 1 : 0,
                bfloat16_result: block.result == .bfloat16 ? 1 : 0, bfloat16_gradient: gradient == .bfloat16 ? 1 : 0)
              body(&arguments)
            }
          }
        }
      }
    }
  }
}
