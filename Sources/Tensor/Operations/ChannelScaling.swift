extension Tensor {
  /// x [N,H,W,C] · scales [N,C]: every pixel of an image times the image's scale of its channel.
  ///
  /// Gradients: dy · scales, and Σ dy · x over the pixels.
  public func channelsScaled(by scales: Tensor) -> Tensor {
    requireFloat("channelsScaled")
    scales.requireFloat("channelsScaled")
    precondition(
      shape.rank == 4 && scales.shape == [shape[0], shape[3]],
      "channelsScaled: scales \(scales.shape) do not fit x \(shape); expected [N,C] and [N,H,W,C]")
    let (x, s) = (detached, scales.detached)
    let (needsX, needsScales) = (isTracked, scales.isTracked)
    return Self.tracked(
      device.backend.channelsScaled(self, by: scales), from: [self, scales], operation: "channelsScaled"
    ) { dy in
      let backend = dy.device.backend
      return [
        needsX ? backend.channelsScaled(dy, by: s) : nil, needsScales ? backend.channelProducts(dy, x) : nil,
      ]
    }
  }
}

extension Backend {
  public func channelsScaled(_ x: Tensor, by scales: Tensor) -> Tensor {
    // The gradient of a mean gives each pixel the same share.
    let everywhere = spatialMeansGradient(scaled(scales, by: Float(x.shape[1] * x.shape[2])), shape: x.shape)
    return product(x, everywhere)
  }

  public func channelProducts(_ dy: Tensor, _ x: Tensor) -> Tensor {
    scaled(spatialMeans(product(dy, x)), by: Float(x.shape[1] * x.shape[2]))
  }
}
