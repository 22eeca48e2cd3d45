extension Tensor {
  /// Mean binary cross-entropy of logits with targets in 0...1.
  ///
  /// loss = mean(max(z, 0) − z·t + log(1 + e^(−|z|))), which is exact for large logits: nothing is clipped (as Keras does
  /// when the prediction comes straight from a sigmoid). Gradient: (sigmoid(z) − t) / count.
  /// - Parameter targets: the logits' shape.
  public func sigmoidCrossEntropy(targets: Tensor) -> Tensor {
    sigmoidCrossEntropy(targets: targets, weighting: BinaryWeighting())
  }

  /// Mean binary focal loss of logits: the cross-entropy of each element times (1 − pₜ)^gamma, where pₜ is the
  /// probability given to the target; with `alpha` also times alpha for targets 1 and 1 − alpha for targets 0.
  ///
  /// Source: Lin et al. 2017; Keras `BinaryFocalCrossentropy`.
  /// - Parameter targets: the logits' shape.
  public func sigmoidFocalCrossEntropy(targets: Tensor, gamma: Float = 2, alpha: Float? = nil) -> Tensor {
    sigmoidCrossEntropy(
      targets: targets,
      weighting: BinaryWeighting(positive: alpha ?? 1, negative: alpha.map { 1 - $0 } ?? 1, gamma: gamma))
  }

  /// Mean binary cross-entropy of logits, each element weighted as `weighting` says.
  ///
  /// - Parameter targets: the logits' shape, in 0...1.
  public func sigmoidCrossEntropy(targets: Tensor, weighting: BinaryWeighting) -> Tensor {
    requireFloat("sigmoidCrossEntropy")
    targets.requireFloat("sigmoidCrossEntropy")
    requireSameShape(as: targets, "sigmoidCrossEntropy")
    let (sum, slopes) = device.backend.sigmoidCrossEntropy(self, targets: targets, weighting: weighting)
    return mean(of: sum, slopes, count: shape.count, operation: "sigmoidCrossEntropy")
  }

  /// Mean softmax cross-entropy over the last axis: −log softmax(z)[target], averaged over all rows.
  ///
  /// Gradient: (softmax(z) − one-hot) / rows.
  /// - Parameters:
  ///   - targets: class indices (int32), one per row: logits [..., C] → targets [...].
  ///   - labelSmoothing: the share of the target's probability that is spread evenly over all classes, 0...1.
  public func softmaxCrossEntropy(targets: Tensor, labelSmoothing: Float = 0) -> Tensor {
    requireFloat("softmaxCrossEntropy")
    precondition(
      targets.dtype == .int32 && targets.shape.count == shape.rows,
      "softmaxCrossEntropy: targets \(targets.dtype) \(targets.shape) do not fit logits \(shape)")
    precondition(
      (0...1).contains(labelSmoothing), "softmaxCrossEntropy: labelSmoothing \(labelSmoothing) is not in 0...1")
    let classes = shape[-1]
    for target in targets.elements(of: Int32.self) {
      precondition((0..<classes).contains(Int(target)), "softmaxCrossEntropy: class \(target) of \(classes)")
    }
    let (sum, slopes) = device.backend.softmaxCrossEntropy(self, targets: targets, labelSmoothing: labelSmoothing)
    return mean(of: sum, slopes, count: shape.rows, operation: "softmaxCrossEntropy")
  }

  /// The mean loss, whose gradient is the elements' slopes over `count`.
  func mean(of sum: Double, _ slopes: Tensor, count: Int, operation: String) -> Tensor {
    let count = max(1, count)
    return Self.tracked(Tensor(Float(sum / Double(count))), from: [self], operation: operation) {
      [$0.device.backend.scaled(slopes, by: $0.scalar / Float(count))]
    }
  }
}
