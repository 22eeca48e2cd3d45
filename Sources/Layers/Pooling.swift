import Tensor

/// The largest value of each window: x [N,H,W,C] → [N,H',W',C].
public final class MaxPool2D: Layer {
  public let window: WindowSize
  public let stride: WindowSize
  public let padding: Padding

  /// - Parameter stride: the distance of neighbouring windows; by default they touch.
  public init(_ window: WindowSize = 2, stride: WindowSize? = nil, padding: Padding = .valid) {
    self.window = window
    self.stride = stride ?? window
    self.padding = padding
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    x.maxPooled(window: window, stride: stride, padding: padding)
  }

  public func outputShape(for input: Shape) -> Shape {
    PoolingGeometry(x: input, window: window, stride: stride, padding: padding).outputShape
  }
}

/// The mean over all pixels: x [N,H,W,C] → [N,C].
public final class GlobalAveragePool: Layer {
  public init() {}

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor { x.globalAveragePooled() }

  public func outputShape(for input: Shape) -> Shape {
    precondition(input.rank == 4, "GlobalAveragePool: \(input); expected [N,H,W,C]")
    return [input[0], input[3]]
  }
}
