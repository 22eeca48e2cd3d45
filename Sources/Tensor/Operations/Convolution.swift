extension Tensor {
  /// Two-dimensional convolution (cross-correlation, as everywhere in deep learning), with bias and ReLU on the way.
  ///
  /// y[n,i,j,k] = Σ x[n, i·s + a − top, j·s + b − left, c] · kernel[a,b,c,k] + bias[k]
  ///
  /// - Parameters:
  ///   - kernel: [h, w, C, K].
  ///   - bias: [K].
  ///   - relu: whether negative results become 0; equal to `relu()` of the result, without a pass of its own.
  ///   - precision: of the factors, and of those of the gradients.
  /// - Returns: x [N,H,W,C] → [N,H',W',K].
  public func convolved(
    with kernel: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Padding = .same, relu: Bool = false,
    precision: ArithmeticPrecision = .float32
  ) -> Tensor {
    requireFloat("convolved")
    kernel.requireFloat("convolved")
    bias?.requireFloat("convolved")
    let geometry = ConvolutionGeometry(x: shape, kernel: kernel.shape, stride: stride, padding: padding)
    if let bias {
      precondition(
        bias.shape == [geometry.outputChannels], "convolved: bias \(bias.shape) does not fit \(kernel.shape)")
    }
    let y = device.backend.convolution(
      self, kernel: kernel, bias: bias, geometry: geometry, relu: relu, precision: precision)
    let (x, weights) = (detached, kernel.detached)
    let (needsX, needsKernel, needsBias) = (isTracked, kernel.isTracked, bias?.isTracked ?? false)
    let inputs = [self, kernel] + (bias.map { [$0] } ?? [])
    return Self.tracked(y, from: inputs, operation: "convolved") { dy in
      let backend = dy.device.backend
      var dy = dy
      var biasGradient: Tensor?
      if relu {
        (dy, biasGradient) = backend.reluGradient(dy, y: y)
      } else if needsBias {
        biasGradient = backend.columnSums(dy)
      }
      return [
        needsX
          ? backend.convolutionInputGradient(dy, kernel: weights, geometry: geometry, precision: precision) : nil,
        needsKernel
          ? backend.convolutionKernelGradient(x, dy: dy, geometry: geometry, precision: precision) : nil,
        biasGradient,
      ]
    }
  }
}
