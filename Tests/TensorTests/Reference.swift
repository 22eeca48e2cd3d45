import Tensor

/// The operations as their definitions say, in double and in plain loops: slow, and independent of the framework.
enum Reference {
  /// The sizes of a sliding window over x [N,H,W,C], with the padding as TensorFlow documents it.
  struct Window {
    let batch, height, width, channels: Int
    let windowHeight, windowWidth: Int
    let stride: WindowSize
    let outputHeight, outputWidth, top, left: Int

    init(x: Shape, window: (height: Int, width: Int), stride: Int, padding: Padding) {
      self.init(
        x: x, window: WindowSize(height: window.height, width: window.width), stride: WindowSize(stride),
        padding: padding)
    }

    init(x: Shape, window: WindowSize, stride: WindowSize, padding: Padding) {
      (batch, height, width, channels) = (x[0], x[1], x[2], x[3])
      (windowHeight, windowWidth, self.stride) = (window.height, window.width, stride)
      func positions(_ input: Int, _ window: Int, _ stride: Int) -> (count: Int, before: Int) {
        if padding == .valid { return ((input - window + stride) / stride, 0) }
        // pad_along = max(window − stride, 0) if input % stride == 0, else max(window − input % stride, 0).
        let rest = input % stride
        let padding = rest == 0 ? max(window - stride, 0) : max(window - rest, 0)
        return ((input + stride - 1) / stride, padding / 2)
      }
      (outputHeight, top) = positions(height, window.height, stride.height)
      (outputWidth, left) = positions(width, window.width, stride.width)
    }

    /// Calls `body` for every output pixel and window position inside the image with the pixels' indices.
    func visit(_ body: (_ output: Int, _ position: Int, _ input: Int) -> Void) {
      for n in 0..<batch {
        for i in 0..<outputHeight {
          for j in 0..<outputWidth {
            let output = (n * outputHeight + i) * outputWidth + j
            for a in 0..<windowHeight {
              let row = i * stride.height + a - top
              if row < 0 || row >= height { continue }
              for b in 0..<windowWidth {
                let column = j * stride.width + b - left
                if column < 0 || column >= width { continue }
                body(output, a * windowWidth + b, (n * height + row) * width + column)
              }
            }
          }
        }
      }
    }
  }

  /// y, and for a gradient `dy` of y the gradients of x, kernel and bias.
  static func convolution(_ x: [Double], _ kernel: [Double], bias: [Double]?, outputs: Int, window: Window) -> [Double]
  {
    let inputs = window.channels
    var y: [Double] = []
    for _ in 0..<window.batch * window.outputHeight * window.outputWidth {
      y += bias ?? [Double](repeating: 0, count: outputs)
    }
    y.withUnsafeMutableBufferPointer { y in
      x.withUnsafeBufferPointer { x in
        kernel.withUnsafeBufferPointer { kernel in
          window.visit { output, position, input in
            for c in 0..<inputs {
              let value = x[input * inputs + c]
              let weights = (position * inputs + c) * outputs
              for k in 0..<outputs { y[output * outputs + k] += value * kernel[weights + k] }
            }
          }
        }
      }
    }
    return y
  }

  static func convolutionGradients(
    _ x: [Double], _ kernel: [Double], dy: [Double], outputs: Int, window: Window
  ) -> (x: [Double], kernel: [Double], bias: [Double]) {
    let inputs = window.channels
    var (dx, dkernel) = ([Double](repeating: 0, count: x.count), [Double](repeating: 0, count: kernel.count))
    dx.withUnsafeMutableBufferPointer { dx in
      dkernel.withUnsafeMutableBufferPointer { dkernel in
        window.visit { output, position, input in
          for c in 0..<inputs {
            let value = x[input * inputs + c]
            let weights = (position * inputs + c) * outputs
            var sum = 0.0
            for k in 0..<outputs {
              let slope = dy[output * outputs + k]
              sum += slope * kernel[weights + k]
              dkernel[weights + k] += slope * value
            }
            dx[input * inputs + c] += sum
          }
        }
      }
    }
    return (dx, dkernel, columnSums(dy, channels: outputs))
  }

  /// The largest element of each window, and where in x it was first found.
  static func maxPool(_ x: [Double], window: Window) -> (y: [Double], winners: [Int]) {
    let channels = window.channels
    let count = window.batch * window.outputHeight * window.outputWidth * channels
    var y = [Double](repeating: -.infinity, count: count)
    var winners = [Int](repeating: -1, count: count)
    window.visit { output, _, input in
      for c in 0..<channels {
        let (at, from) = (output * channels + c, input * channels + c)
        if winners[at] < 0 || x[from] > y[at] || (x[from].isNaN && !y[at].isNaN) {
          (y[at], winners[at]) = (x[from], from)
        }
      }
    }
    return (y, winners)
  }

  static func columnSums(_ x: [Double], channels: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: channels)
    for (index, value) in x.enumerated() { sums[index % channels] += value }
    return sums
  }

  static func moments(_ x: [Double], channels: Int) -> (mean: [Double], variance: [Double]) {
    let rows = Double(x.count / channels)
    let mean = columnSums(x, channels: channels).map { $0 / rows }
    let squares = x.enumerated().map { ($1 - mean[$0 % channels]) * ($1 - mean[$0 % channels]) }
    return (mean, columnSums(squares, channels: channels).map { $0 / rows })
  }

  /// a [m, k] · b [k, n], each given transposed where asked.
  static func matrixProduct(
    _ a: [Double], _ b: [Double], m: Int, n: Int, k: Int, transposeA: Bool, transposeB: Bool
  ) -> [Double] {
    var result = [Double](repeating: 0, count: m * n)
    for i in 0..<m {
      for j in 0..<n {
        for l in 0..<k {
          result[i * n + j] += a[transposeA ? l * m + i : i * k + l] * b[transposeB ? j * k + l : l * n + j]
        }
      }
    }
    return result
  }

  /// The nearest bfloat16, of two equally near ones the even one: by the definition, without bits.
  static func bfloat16(_ x: Double) -> Double {
    guard x.isFinite, x != 0 else { return x }
    // Eight significant bits.
    let unit = x.magnitude.binade / 128
    return (x / unit).rounded(.toNearestOrEven) * unit
  }
}
