import Testing

@testable import Tensor

/// Winograd's algorithm by itself, also where the plan would choose the direct loop, on one thread.
///
/// Scratch memory and results are filled with NaN before, and what lies behind the results is watched, so that nothing
/// may depend on old memory, stay unwritten or be written beyond its end.
struct Winograd {
  let kernels: UnsafePointerToKernels
  let precision: ArithmeticPrecision

  init(_ level: SIMDLevel, _ precision: ArithmeticPrecision = .float32) {
    kernels = CPUBackend(level: level).kernels
    self.precision = precision
  }

  /// - Parameters:
  ///   - together: how many images are computed at once; nil for all.
  ///   - bands: cuts each image into bands of so many tiles' rows; nil for whole images.
  func forward(
    _ x: Tensor, kernel: Tensor, bias: Tensor?, geometry: ConvolutionGeometry, relu: Bool, together: Int? = nil,
    bands: Int? = nil
  ) -> Tensor {
    compute(
      WinogradConvolution(
        WinogradGeometry(geometry, precision), kernel: kernel, bias: bias, relu: relu, kernels: kernels), x,
      into: geometry.outputShape, together: together, bands: bands)
  }

  func inputGradient(
    _ dy: Tensor, kernel: Tensor, geometry: ConvolutionGeometry, together: Int? = nil, bands: Int? = nil
  ) -> Tensor {
    compute(
      WinogradConvolution(
        WinogradGeometry(inputGradientOf: geometry, precision), kernel: turned(kernel), bias: nil, relu: false,
        kernels: kernels), dy, into: geometry.inputShape, together: together, bands: bands)
  }

  /// - Parameter parts: how many sums the images are divided among, as among threads.
  func kernelGradient(_ x: Tensor, dy: Tensor, geometry: ConvolutionGeometry, parts: Int = 1) -> Tensor {
    let sum = WinogradKernelGradient(geometry, precision, kernels: kernels)
    let sums = Tensor(zeros: [parts, sum.sumCount])
    let scratch = spoiled(sum.scratch().shape)
    for part in 0..<parts {
      let images = Threads.part(part, of: parts, count: geometry.batch)
      sum.add(
        NumberPointer(x) + images.lowerBound * geometry.inputSize,
        dy: NumberPointer(dy) + images.lowerBound * geometry.outputSize,
        images: images.count, isFirst: true, scratch: scratch, to: sums.floats + part * sum.sumCount)
    }
    return sum.gradient(from: sums)
  }

  private func compute(
    _ convolution: any ImageConvolution, _ x: Tensor, into shape: Shape, together: Int?, bands: Int?
  ) -> Tensor {
    let (batch, rows, guardSize) = (shape[0], shape[1], 1000)
    let (inputSize, outputSize) = (x.shape.count / max(1, batch), shape.count / max(1, batch))
    let y = spoiled([shape.count + guardSize])
    let scratch = spoiled(convolution.scratch().shape)
    let size = bands == nil ? together ?? max(1, batch) : 1
    for first in stride(from: 0, to: batch, by: size) {
      let images = min(size, batch - first)
      let height = (bands ?? rows) * (bands == nil ? 1 : convolution.rowUnit)
      for top in stride(from: 0, to: rows, by: height) {
        convolution.compute(
          NumberPointer(x) + first * inputSize, images: images, rows: top..<min(rows, top + height), scratch: scratch,
          into: NumberPointer(y) + first * outputSize)
      }
    }
    let elements = y.elements()
    #expect(elements[shape.count...].allSatisfy { $0.isNaN }, "written behind the result of \(shape)")
    return Tensor(Array(elements[..<shape.count]), shape: shape)
  }

  /// kernel [h,w,C,K] turned by 180°, as [h,w,K,C].
  private func turned(_ kernel: Tensor) -> Tensor {
    let (positions, inputs, outputs) = (kernel.shape[0] * kernel.shape[1], kernel.shape[2], kernel.shape[3])
    let elements = kernel.elements()
    var result = [Float](repeating: 0, count: elements.count)
    for position in 0..<positions {
      for c in 0..<inputs {
        for k in 0..<outputs {
          result[((positions - 1 - position) * outputs + k) * inputs + c] =
            elements[(position * inputs + c) * outputs + k]
        }
      }
    }
    return Tensor(result, shape: [kernel.shape[0], kernel.shape[1], outputs, inputs])
  }

  private func spoiled(_ shape: Shape) -> Tensor { Tensor(repeating: .nan, shape: shape) }
}
