/// How a window's positions at the edges are treated.
public enum Padding: String, Sendable, Codable {
  /// The output has ⌈input / stride⌉ positions; what is missing is padded, the odd one at the bottom and right (as in
  /// TensorFlow).
  case same
  /// Only windows that lie inside the input.
  case valid

  /// The number of window positions along one axis, and the padding before the first element.
  func positions(input: Int, window: Int, stride: Int) -> (count: Int, before: Int) {
    switch self {
    case .valid: return (max(0, (input - window) / stride + (input >= window ? 1 : 0)), 0)
    case .same:
      let count = (input + stride - 1) / stride
      return (count, max(0, (count - 1) * stride + window - input) / 2)
    }
  }
}

/// The sizes of one two-dimensional convolution.
public struct ConvolutionGeometry: Sendable, Hashable {
  public let batch, height, width, inputChannels, outputChannels: Int
  public let kernelHeight, kernelWidth, stride: Int
  public let outputHeight, outputWidth: Int
  /// Rows of zeros above and columns of zeros to the left of the image.
  public let top, left: Int

  /// The sizes for x [N,H,W,C] and kernel [h,w,C,K].
  public init(x: Shape, kernel: Shape, stride: Int, padding: Padding) {
    precondition(
      x.rank == 4 && kernel.rank == 4 && x[3] == kernel[2],
      "convolution: x \(x) does not fit the kernel \(kernel); expected [N,H,W,C] and [h,w,C,K]")
    precondition(
      stride > 0 && kernel[0] > 0 && kernel[1] > 0, "convolution: stride \(stride), kernel \(kernel)")
    (batch, height, width, inputChannels) = (x[0], x[1], x[2], x[3])
    (kernelHeight, kernelWidth, outputChannels) = (kernel[0], kernel[1], kernel[3])
    self.stride = stride
    (outputHeight, top) = padding.positions(input: height, window: kernelHeight, stride: stride)
    (outputWidth, left) = padding.positions(input: width, window: kernelWidth, stride: stride)
    precondition(
      outputHeight > 0 && outputWidth > 0, "convolution: x \(x) is smaller than the kernel \(kernel)")
  }

  public var inputShape: Shape { [batch, height, width, inputChannels] }
  public var outputShape: Shape { [batch, outputHeight, outputWidth, outputChannels] }
  public var kernelShape: Shape { [kernelHeight, kernelWidth, inputChannels, outputChannels] }
}

/// The height and width of a window, or how far neighbouring windows are apart; a number alone stands for both.
public struct WindowSize: Sendable, Hashable, ExpressibleByIntegerLiteral {
  public let height, width: Int

  public init(height: Int, width: Int) { (self.height, self.width) = (height, width) }

  /// A square.
  public init(_ side: Int) { self.init(height: side, width: side) }

  /// So many rows of one column.
  public static func rows(_ height: Int) -> WindowSize { WindowSize(height: height, width: 1) }

  public init(integerLiteral side: Int) { self.init(side) }
}

extension WindowSize: CustomStringConvertible {
  public var description: String { height == width ? "\(height)" : "\(height)×\(width)" }
}

/// The sizes of one two-dimensional pooling.
public struct PoolingGeometry: Sendable, Hashable {
  public let batch, height, width, channels: Int
  public let window, stride: WindowSize
  public let outputHeight, outputWidth: Int
  /// Rows above and columns to the left of the image that the first windows cover without counting them.
  public let top, left: Int

  /// The sizes for x [N,H,W,C].
  public init(x: Shape, window: WindowSize, stride: WindowSize, padding: Padding) {
    precondition(x.rank == 4, "pooling: x \(x); expected [N,H,W,C]")
    precondition(
      min(window.height, window.width, stride.height, stride.width) > 0 && max(window.height, window.width) <= 15,
      "pooling: window \(window), stride \(stride)")
    (batch, height, width, channels) = (x[0], x[1], x[2], x[3])
    (self.window, self.stride) = (window, stride)
    (outputHeight, top) = padding.positions(input: height, window: window.height, stride: stride.height)
    (outputWidth, left) = padding.positions(input: width, window: window.width, stride: stride.width)
    precondition(outputHeight > 0 && outputWidth > 0, "pooling: x \(x) is smaller than the window \(window)")
  }

  public var inputShape: Shape { [batch, height, width, channels] }
  public var outputShape: Shape { [batch, outputHeight, outputWidth, channels] }
}
