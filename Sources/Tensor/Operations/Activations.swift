extension Tensor {
  /// max(x, 0). Gradient: dy where x > 0.
  public func relu() -> Tensor {
    requireFloat("relu")
    let y = device.backend.relu(self)
    return Self.tracked(y, from: [self], operation: "relu") { [$0.device.backend.reluGradient($0, y: y).masked] }
  }

  /// max(a + b, 0) for equal shapes: `(a + b).relu()` in one pass. Gradients: dy where the result is > 0, for both.
  public func addedRelu(_ other: Tensor) -> Tensor {
    requireSameShape(as: other, "addedRelu")
    let y = device.backend.addRelu(self, other)
    return Self.tracked(y, from: [self, other], operation: "addedRelu") { dy in
      let masked = dy.device.backend.reluGradient(dy, y: y).masked
      return [masked, masked]
    }
  }

  /// 1 / (1 + e^(−x)). Gradient: dy · y · (1 − y).
  public func sigmoid() -> Tensor {
    requireFloat("sigmoid")
    let y = device.backend.sigmoid(self)
    return Self.tracked(y, from: [self], operation: "sigmoid") { [$0 * (y - y * y)] }
  }

  /// e^x / Σ e^x over the last axis; not tracked (for the loss see `softmaxCrossEntropy`).
  public func softmax() -> Tensor {
    precondition(!isTracked, "softmax: no gradient; use softmaxCrossEntropy for a loss")
    requireFloat("softmax")
    return device.backend.softmax(self)
  }

  /// Zeroes each element with probability `rate` and divides the others by 1 − rate, so that the expected sum stays.
  ///
  /// Which elements fall is a pure function of the stream. Gradient: the same on dy.
  /// Source: Srivastava et al. 2014, in the inverted form.
  public func droppedOut(rate: Double, stream: RandomStream) -> Tensor {
    requireFloat("droppedOut")
    precondition((0..<1).contains(rate), "droppedOut: rate \(rate) is not in 0..<1")
    if rate == 0 { return self }
    let value = device.backend.dropout(self, rate: rate, stream: stream)
    return Self.tracked(value, from: [self], operation: "droppedOut") {
      [$0.device.backend.dropout($0, rate: rate, stream: stream)]
    }
  }
}

extension Backend {
  public func addRelu(_ a: Tensor, _ b: Tensor) -> Tensor { relu(combination(a, 1, b, 1)) }
}
