import CKernels

/// A convolution of images, prepared with its weights: how one thread computes a few images or a part of one.
protocol ImageConvolution: Sendable {
  /// How many images are best computed together.
  var imagesTogether: Int { get }
  /// Where an image may be cut among threads: at output rows that are multiples of this.
  var rowUnit: Int { get }
  /// Memory that one thread needs.
  func scratch() -> Tensor
  /// The output rows `rows` of `images` images; `x` and `y` are the first image's, floats unless the plan takes bfloat16.
  func compute(_ x: NumberPointer, images: Int, rows: Range<Int>, scratch: Tensor, into y: NumberPointer)
}

/// The gradient of a convolution's kernel: sums over portions of the images, which are then brought together.
protocol KernelGradientSum: Sendable {
  /// How many images are best added together.
  var imagesTogether: Int { get }
  /// Floats of one sum.
  var sumCount: Int { get }
  /// Memory that one thread needs.
  func scratch() -> Tensor
  /// Adds the gradient of `images` images, or begins a sum with it; `x` and `dy` are the first image's, floats unless the
  /// plan takes bfloat16.
  func add(
    _ x: NumberPointer, dy: NumberPointer, images: Int, isFirst: Bool, scratch: Tensor,
    to sum: UnsafeMutablePointer<Float>)
  /// The kernel's gradient from sums [portions, sumCount], added in their order.
  func gradient(from sums: Tensor) -> Tensor
}

/// The seam at which a convolution gets its algorithm.
struct ConvolutionPlan: Sendable {
  enum Algorithm: Sendable {
    /// Multiplies every window; for all sizes.
    case direct
    /// A quarter of the multiplications, for 3×3 windows with stride 1.
    case winograd
  }

  let kernels: UnsafePointerToKernels
  let geometry: ConvolutionGeometry
  let precision: ArithmeticPrecision
  let algorithm: Algorithm
  /// Whether images may be bfloat16 as well as floats, as they come and as they go.
  let takesBFloat16: Bool

  init(
    _ geometry: ConvolutionGeometry, precision: ArithmeticPrecision, kernels: UnsafePointerToKernels,
    allowsWinograd: Bool
  ) {
    self.kernels = kernels
    self.geometry = geometry
    self.precision = precision
    // Where tile registers multiply, the way to the points and back takes longer than the multiplications that it saves.
    takesBFloat16 = precision == .bfloat16 && kernels.has_matrix_tiles != 0
    algorithm = allowsWinograd && !takesBFloat16 && Self.winogradPays(geometry) ? .winograd : .direct
  }

  /// Whether the saved multiplications outweigh the way to the points and back: with few channels they do not, nor where
  /// most of the 4×4 tiles' pixels lie outside of a tiny image.
  private static func winogradPays(_ g: ConvolutionGeometry) -> Bool {
    let tiles = (g.outputHeight + 3) / 4 * ((g.outputWidth + 3) / 4)
    return g.kernelHeight == 3 && g.kernelWidth == 3 && g.stride == 1 && g.inputChannels >= 16
      && g.outputChannels >= 16 && 9 * g.outputHeight * g.outputWidth > 50 * tiles
  }

  /// The convolution itself.
  func forward(_ kernel: Tensor, bias: Tensor?, relu: Bool) -> any ImageConvolution {
    switch algorithm {
    case .direct:
      DirectConvolution(PaddedImage(geometry, precision), kernel: kernel, bias: bias, relu: relu, kernels: kernels)
    case .winograd:
      WinogradConvolution(
        WinogradGeometry(geometry, precision), kernel: kernel, bias: bias, relu: relu, kernels: kernels)
    }
  }

  /// The convolution that takes the output's gradient to the input's: with the kernel turned by 180° and its channels
  /// swapped, over the output's gradient spread out by the stride.
  func inputGradient(_ kernel: Tensor) -> any ImageConvolution {
    let turnedKernel = kernel.derived("turned by 180°, channels swapped") { turned(kernel) }
    switch algorithm {
    case .direct:
      return DirectConvolution(
        PaddedImage(inputGradientOf: geometry, precision), kernel: turnedKernel, bias: nil, relu: false,
        kernels: kernels)
    case .winograd:
      return WinogradConvolution(
        WinogradGeometry(inputGradientOf: geometry, precision), kernel: turnedKernel, bias: nil, relu: false,
        kernels: kernels)
    }
  }

  /// The gradient of the kernel.
  func kernelGradient() -> any KernelGradientSum {
    switch algorithm {
    case .direct: DirectKernelGradient(geometry, precision, kernels: kernels)
    case .winograd: WinogradKernelGradient(geometry, precision, kernels: kernels)
    }
  }

  private func turned(_ kernel: Tensor) -> Tensor {
    let (height, width) = (geometry.kernelHeight, geometry.kernelWidth)
    let (inputs, outputs) = (geometry.inputChannels, geometry.outputChannels)
    let result = Tensor(uninitialized: [height, width, outputs, inputs])
    Threads.forEachPart(of: height * width) { positions, _ in
      for position in positions {
        ckernels_transpose(
          kernel.floats + position * inputs * outputs, inputs, outputs,
          result.floats + (height * width - 1 - position) * inputs * outputs)
      }
    }
    return result
  }
}
