extension Tensor {
  /// The largest element of each window; positions outside the image do not count.
  ///
  /// x [N,H,W,C] → [N,H',W',C]. Gradient: to the first largest element of each window.
  public func maxPooled(window: WindowSize, stride: WindowSize, padding: Padding = .valid) -> Tensor {
    requireFloat("maxPooled")
    let geometry = PoolingGeometry(x: shape, window: window, stride: stride, padding: padding)
    let (y, offsets) = device.backend.maxPool(self, geometry: geometry, keepOffsets: isTracked)
    guard let offsets else { return y }
    return Self.tracked(y, from: [self], operation: "maxPooled") {
      [$0.device.backend.maxPoolGradient($0, offsets: offsets, geometry: geometry)]
    }
  }

  /// The mean over all pixels: x [N,H,W,C] → [N,C]. Gradient: dy / (H·W) at every pixel.
  public func globalAveragePooled() -> Tensor {
    requireFloat("globalAveragePooled")
    precondition(
      shape.rank == 4 && shape[1] > 0 && shape[2] > 0, "globalAveragePooled: x \(shape); expected [N,H,W,C]")
    let shape = shape
    return Self.tracked(device.backend.spatialMeans(self), from: [self], operation: "globalAveragePooled") {
      [$0.device.backend.spatialMeansGradient($0, shape: shape)]
    }
  }
}
